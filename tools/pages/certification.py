# SPDX-License-Identifier: Apache-2.0
"""The page of the certification plan: every case with what it expects, every planted mistake."""

from __future__ import annotations

from centralino.certification.defects import DEFECTS
from centralino.certification.plan import Case, load_plan
from centralino.certification.rules import RULES
from tools.pages.discovery import cell

PATH = "reference/certification.md"
MODELS = ("connect",)

_INTRODUCTION = """\
# Certification plan

This page is made from the plans themselves. How to run them is told in
[Certify an installation](../how-to/certify.md).
"""
_RULES = """\
## Assertions for every message

They hold for every message between the product and Microsoft's side, in every case.

| | Assertion |
|---|---|"""
_DEFECTS = """\
## Planted mistakes

Each makes the named case fail; the tests plant every one of them. A mistake is planted in the
settings, or by a relay that changes messages on their way.

| Mistake | Case | Noticed by |
|---|---|---|"""


def render() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for model in MODELS:
        plan = load_plan(model)
        parts.append(f"## {model.capitalize()}: {len(plan.cases)} cases\n")
        parts += [_case(case) for case in plan.cases]
    rules = [f"| {name} | {cell(_said(rule.__doc__))} |" for name, rule in RULES.items()]
    parts += ["\n".join([_RULES, *rules, ""])]
    mistakes = [
        f"| {cell(defect.title)} | {defect.case} | {defect.rule or 'its expectations'} |"
        for defect in DEFECTS
    ]
    parts += ["\n".join([_DEFECTS, *mistakes, ""])]
    return "\n".join(parts)


def _case(case: Case) -> str:
    pace = "long" if case.is_long else "fast and long"
    lines = [
        f"### {case.id} {case.title}\n",
        f"{case.purpose}\n",
        *(f"- {item.text}" for item in case.expectations),
        "",
        f"Profiles: {', '.join(case.profiles)}. Pace: {pace}. Source: {case.source}.\n",
    ]
    return "\n".join(lines)


def _said(doc: str | None) -> str:
    return (doc or "").partition(": ")[2].strip()
