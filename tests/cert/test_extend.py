# SPDX-License-Identifier: Apache-2.0
"""One test per case of the Extend plan, by its id; and that judging can say no."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from centralino.bootstrap.certified_cloud import CloudCertification, run_cloud_certification
from centralino.certification.cases import Progress
from centralino.certification.cloud import plan
from centralino.certification.cloud.evidence import NOTED, Asked, CloudEvidence, Replied
from centralino.certification.cloud.judging import judge
from centralino.certification.cloud.plan import load_cloud_plan
from centralino.certification.result import CaseResult, Verdict
from centralino.certification.watch import Logged, Noted
from centralino.core.kernel.errors import InvalidInput

pytestmark = [pytest.mark.cert, pytest.mark.timeout(400)]

PLAN = load_cloud_plan("extend")


@cache
def results() -> dict[str, CaseResult]:
    """Run the whole plan once."""
    wanted = CloudCertification(PLAN)
    done = asyncio.run(run_cloud_certification(wanted, Progress()))
    return {case.id: case for case in done.cases}


@pytest.mark.parametrize("name", [case.id for case in PLAN.cases])
def test_the_case_passes(name: str) -> None:
    result = results()[name]
    assert result.result is Verdict.PASSED, result.problems()


def evidence(**changes: object) -> CloudEvidence:
    fields: dict[str, object] = {
        "case": PLAN.cases[0],
        "started_at": 100.0,
        "moments": {"a": 101.0, "b": 105.0},
        "replies": {
            "a": Replied("GET", "/v1/live", 200, "{}"),
            "b": Replied("GET", "/v1/live", 401, "no"),
            "c": Replied("GET", "/v1/live", 401, "no, with a reason"),
        },
        "asked": [Asked(103.0, "graph", "POST", "/v1.0/subscriptions", 201)],
        "journal": [Noted(104.0, NOTED, {"agent": "agent", "presence": {"availability": "busy"}})],
        "log": [Logged(102.0, "edge", "presence.not_read", {"reason": "Presence.Read.All"})],
        **changes,
    }
    return CloudEvidence(**fields)  # type: ignore[arg-type]  # fields of the evidence


GOOD: list[plan.AnyExpected] = [
    plan.Answered(text="", mark="a", status=200),
    plan.Refused(text="", mark="b"),
    plan.Same(text="", marks=("b", "b")),
    plan.Noted(text="", agent="agent", availability="busy"),
    plan.NotNoted(text="", since="b", until=""),
    plan.LastNoted(text="", agent="agent", availability="busy"),
    plan.Requests(text="", to="graph", path="subscriptions", at_least=1, at_most=1),
    plan.Moments(text="", since="a", until="b", at_most_s=4),
    plan.Logged(text="", event="presence.not_read", has=("Presence.Read.All",)),
]
BAD: list[plan.AnyExpected] = [
    plan.Answered(text="", mark="a", status=401),
    plan.Answered(text="", mark="missing", status=200),
    plan.Refused(text="", mark="a"),
    plan.Same(text="", marks=("b", "c")),
    plan.Same(text="", marks=("b", "missing")),
    plan.Noted(text="", agent="agent", availability="away"),
    plan.Noted(text="", agent="somebody", availability="busy"),
    plan.NotNoted(text="", since="a", until="b"),
    plan.LastNoted(text="", agent="agent", availability="away"),
    plan.Requests(text="", to="graph", path="subscriptions", at_least=2),
    plan.Requests(text="", to="graph", path="subscriptions", at_most=0),
    plan.Moments(text="", since="a", until="b", at_most_s=3.9),
    plan.Moments(text="", since="a", until="missing", at_most_s=10),
    plan.Logged(text="", event="presence.not_read", has=("Calls.Initiate.All",)),
    plan.Logged(text="", event="presence.outage"),
]


@pytest.mark.parametrize("item", GOOD, ids=lambda item: type(item).__name__)
def test_what_is_so_is_met(item: plan.AnyExpected) -> None:
    assert judge(item, evidence()) == []


@pytest.mark.parametrize("item", BAD, ids=lambda item: type(item).__name__)
def test_what_is_not_so_is_not_met(item: plan.AnyExpected) -> None:
    assert judge(item, evidence()) != []


def test_a_case_that_names_what_is_not_there_is_refused() -> None:
    common = {"id": "X", "title": "x", "purpose": "x", "source": "x"}
    asks = plan.Ask(path="/", token="missing")
    with pytest.raises(InvalidInput, match="missing"):
        plan.CloudCase(**common, steps=(asks,), expectations=())  # type: ignore[arg-type]  # names of fields
    wrong = plan.Answered(text="", mark="missing", status=200)
    with pytest.raises(InvalidInput, match="missing"):
        plan.CloudCase(**common, steps=(), expectations=(wrong,))  # type: ignore[arg-type]  # names of fields
    with pytest.raises(InvalidInput, match="no case"):
        PLAN.select(("NOPE-01",))
