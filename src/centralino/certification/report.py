# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file that needs nothing else: verdicts, ladders, what was heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Protocol

from centralino.certification.result import Audio, CaseResult, Finding, PlanResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


class DescribedCase(Protocol):
    """What the report says of a case beside its result."""

    @property
    def id(self) -> str:
        """Its name in the plan."""
        ...

    @property
    def purpose(self) -> str:
        """What it is for."""
        ...

    @property
    def source(self) -> str:
        """Titles of Microsoft's documents, sections of RFCs."""
        ...


_STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #1a7f37; --bad: #c62828; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; display: inline; } h3 { font-size: .95rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } summary { cursor: pointer; }
pre { overflow-x: auto; font-size: 12px; line-height: 1.35; }
.passed { color: var(--good); } .failed { color: var(--bad); } .skipped { opacity: .6; }
.quiet { opacity: .7; }
"""


def render(result: PlanResult, cases: Sequence[DescribedCase]) -> str:
    """Return the report as HTML."""
    at = datetime.fromtimestamp(result.started_at, UTC)
    known = {case.id: case for case in cases}
    pace = "short timers" if result.is_fast else "the usual timers"
    counts = ", ".join(f"{result.count(v)} {v.value}" for v in Verdict)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>Certification of {escape(result.model)}</title>",
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>Certification of {escape(result.model)}</h1>",
        f"<p>Profile {escape(result.profile)}, with {pace}, {at:%Y-%m-%d %H:%M} UTC. "
        f"<strong>{counts}</strong>.</p>",
        _overview(result),
        *(_case(case, known[case.id]) for case in result.cases),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _overview(result: PlanResult) -> str:
    rows = [
        f'<tr><td><a href="#{escape(case.id)}">{escape(case.id)}</a></td>'
        f"<td>{escape(case.title)}</td>"
        f'<td class="{case.result.value}">{case.result.value}</td>'
        f"<td>{case.duration_ms / 1000:.1f} s</td><td>{escape(case.reason)}</td></tr>"
        for case in result.cases
    ]
    head = "<tr><th>Case</th><th>Title</th><th>Result</th><th>Time</th><th>Reason</th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _case(result: CaseResult, case: DescribedCase) -> str:
    is_open = " open" if result.result is Verdict.FAILED else ""
    parts = [
        f'<details id="{escape(result.id)}"{is_open}><summary>'
        f"<h2>{escape(result.id)} {escape(result.title)}</h2> "
        f'<span class="{result.result.value}">{result.result.value}</span></summary>',
        f"<p>{escape(case.purpose)}</p>",
        f'<p class="quiet">Source: {escape(case.source)}</p>',
    ]
    if result.result is Verdict.SKIPPED:
        parts.append(f"<p>{escape(result.reason)}</p>")
    else:
        if result.reason:
            parts.append(f'<p class="failed">{escape(result.reason)}</p>')
        parts += ["<h3>Expectations</h3>", _findings(result.expectations)]
        if result.rules:
            parts += ["<h3>Assertions for every message</h3>", _findings(result.rules)]
        parts += list(_heard(result.audio))
        parts += list(_ladders(result))
    return "\n".join([*parts, "</details>"])


def _findings(findings: tuple[Finding, ...]) -> str:
    rows = []
    for item in findings:
        verdict = Verdict.PASSED if item.is_met else Verdict.FAILED
        problems = "<br>".join(escape(text) for text in item.problems)
        rows.append(
            f'<tr><td class="{verdict.value}">{"met" if item.is_met else "broken"}</td>'
            f"<td>{escape(item.text)}</td><td>{problems}</td></tr>"
        )
    return f"<table>{''.join(rows)}</table>"


def _heard(audio: tuple[Audio, ...]) -> Iterator[str]:
    if not audio:
        return
    rows = [
        f"<tr><td>{escape(item.who)}</td><td>{item.own_tone_hz} Hz</td>"
        f"<td>{', '.join(f'{hz} Hz' for hz in item.tones_heard) or 'nobody'}</td>"
        f"<td>{item.longest_gap_ms:.0f} ms</td><td>{escape(item.keys_heard)}</td></tr>"
        for item in audio
    ]
    head = "<tr><th>Who</th><th>Speaks</th><th>Heard</th><th>Longest gap</th><th>Keys</th></tr>"
    yield "<h3>Audio</h3>"
    yield f"<table>{head}{''.join(rows)}</table>"


def _ladders(result: CaseResult) -> Iterator[str]:
    for name, text in result.ladders.items():
        yield f"<h3>{escape(name)}</h3><pre>{escape(text)}</pre>"
