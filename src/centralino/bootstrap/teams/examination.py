# SPDX-License-Identifier: Apache-2.0
"""The tenant's part of ``centralino doctor``: settings from a file or the simulated tenant."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from centralino.bootstrap.finding import Finding
from centralino.bootstrap.teams.permissions import FEATURES
from centralino.bootstrap.teams.preflight import Checked, Value, Verdict, judge, read_settings
from centralino.core.kernel.errors import ConfigError

FETCH_WITHIN_S = 10.0
MODELS = ("connect", "extend", "power", "baseline")
_WORDS = {
    Verdict.GOOD: "is as it must be",
    Verdict.BROKEN: "breaks",
    Verdict.HINT: "works, but not as well as it could",
    Verdict.UNKNOWN: "could not be read; look by hand",
}


class _Row(msgspec.Struct):
    name: str
    value: Value


class _Rows(msgspec.Struct):
    value: list[_Row]


def examine_tenant(source: str, features: Sequence[str] = ()) -> list[Finding]:
    """Judge the settings of a tenant.

    Args:
        source: a file that ``settings.ps1`` wrote, or the address of a simulated tenant's
            settings; after a ``#`` the file of the authority to trust.
        features: features and models to judge for; all when empty.

    Raises:
        ConfigError: the settings cannot be read, or a feature is unknown.
    """
    unknown = sorted(set(features) - {*FEATURES, *MODELS})
    if unknown:
        raise ConfigError("--for", f"there is no {unknown[0]}", ", ".join((*FEATURES, *MODELS)))
    settings = _fetch(source) if source.startswith(("http://", "https://")) else _open(source)
    return [_finding(one) for one in judge(settings, features)]


def _finding(checked: Checked) -> Finding:
    rule = checked.rule
    is_good = checked.verdict in {Verdict.GOOD, Verdict.HINT}
    value = "" if checked.value is None else f" (is {checked.value})"
    return Finding(
        check=rule.name,
        is_good=is_good,
        text=f"{_WORDS[checked.verdict]}{value}, for {rule.needed_by}",
        cure="" if checked.verdict is Verdict.GOOD else rule.mend,
    )


def _open(source: str) -> dict[str, Value]:
    try:
        data = Path(source).read_bytes()
    except OSError as error:
        raise ConfigError(source, str(error.strerror or error)) from error
    return read_settings(data.removeprefix(b"\xef\xbb\xbf"), source)


def _fetch(source: str) -> dict[str, Value]:
    address, _, authority = source.partition("#")
    try:
        trust = ssl.create_default_context(cafile=authority or None)
        answer = httpx.get(address, verify=trust, timeout=FETCH_WITHIN_S, trust_env=False)
        answer.raise_for_status()
        rows = msgspec.json.decode(answer.content, type=_Rows)
    except (OSError, httpx.HTTPError, msgspec.DecodeError) as error:
        raise ConfigError(address, f"the settings cannot be read: {error}") from error
    return {row.name: row.value for row in rows.value}
