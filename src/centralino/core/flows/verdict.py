# SPDX-License-Identifier: Apache-2.0
"""Compares what a scripted caller expected with what came of him."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.core.flows.rehearsal import Played
    from centralino.core.flows.script import Caller


def disappointments(caller: Caller, flow: str, played: Played) -> list[str]:
    """Return what a caller expected and did not get, each as a sentence."""
    return [*_of_the_end(caller, played), *_of_the_path(caller, flow, played)]


def _of_the_end(caller: Caller, played: Played) -> Iterator[str]:
    expect = caller.expect
    if not played.end:
        yield "the call was never ended"
    if expect.ends and played.end != expect.ends:
        yield f"should end {expect.ends}, ended {played.end or 'never'}"
    if expect.within_s is not None and played.took_s > expect.within_s:
        yield f"should take at most {expect.within_s:g} s, took {played.took_s:g} s"
    for name, value in expect.variables.items():
        if played.variables.get(name) != value:
            yield f"{name} should be {value!r}, is {played.variables.get(name)!r}"


def _of_the_path(caller: Caller, flow: str, played: Played) -> Iterator[str]:
    expect = caller.expect
    path = " > ".join(name.removeprefix(f"{flow}/") for name in played.nodes)
    if not _in_order([_full(name, flow) for name in expect.passes], played.nodes):
        yield f"should pass {' > '.join(expect.passes)}, passed {path}"
    for name in expect.not_passes:
        if _full(name, flow) in played.nodes:
            yield f"should not pass {name}, passed {path}"
    if expect.last and played.nodes[-1:] != [_full(expect.last, flow)]:
        yield f"should end in {expect.last}, passed {path}"
    if not _in_order(expect.hears, played.heard):
        yield f"should hear {', '.join(expect.hears)}, heard {', '.join(played.heard)}"


def _full(name: str, flow: str) -> str:
    return name if "/" in name else f"{flow}/{name}"


def _in_order(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Say whether ``wanted`` is in ``found`` in that order, others between them allowed."""
    rest = iter(found)
    return all(name in rest for name in wanted)
