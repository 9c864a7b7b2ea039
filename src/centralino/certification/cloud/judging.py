# SPDX-License-Identifier: Apache-2.0
"""Judges expectations of cloud cases: pure functions from evidence to what is wrong."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from centralino.certification.cloud import plan
from centralino.certification.cloud.evidence import CloudEvidence

if TYPE_CHECKING:
    from centralino.certification.watch import Noted

Problems = list[str]


@singledispatch
def judge(expectation: plan.Expected, evidence: CloudEvidence) -> Problems:
    """Return what of an expectation is not met."""
    raise TypeError(f"nothing judges {type(expectation).__name__}")


@judge.register
def _answered(item: plan.Answered, evidence: CloudEvidence) -> Problems:
    reply = evidence.replies.get(item.mark)
    if reply is None:
        return [f"{item.mark} was not answered"]
    return [] if reply.status == item.status else [f"{reply.path} answered {reply.status}"]


@judge.register
def _refused(item: plan.Refused, evidence: CloudEvidence) -> Problems:
    reply = evidence.replies.get(item.mark)
    if reply is None:
        return [f"{item.mark} was not answered"]
    return [] if reply.status in {401, 403} else [f"{reply.path} answered {reply.status}"]


@judge.register
def _same(item: plan.Same, evidence: CloudEvidence) -> Problems:
    replies = {
        (reply.status, reply.body)
        for mark in item.marks
        if (reply := evidence.replies.get(mark)) is not None
    }
    missing = [mark for mark in item.marks if mark not in evidence.replies]
    if missing:
        return [f"{missing[0]} was not answered"]
    return [] if len(replies) == 1 else [f"the answers differ: {sorted(replies)}"]


@judge.register
def _noted(item: plan.Noted, evidence: CloudEvidence) -> Problems:
    wanted = {
        "availability": item.availability,
        "activity": item.activity,
        "source": item.source,
    }
    for one in evidence.presences(item.agent):
        if all(not value or word(one, name) == value for name, value in wanted.items()):
            return []
    seen = [word(one, "availability") for one in evidence.presences(item.agent)]
    return [f"{item.agent} was not noted so, but as {', '.join(seen) or 'nothing'}"]


@judge.register
def _not_noted(item: plan.NotNoted, evidence: CloudEvidence) -> Problems:
    since = evidence.moment(item.since, evidence.started_at)
    until = evidence.moment(item.until, float("inf"))
    return [
        f"{one.data.get('agent')} was noted as {word(one, 'availability')} meanwhile"
        for one in evidence.presences()
        if since < one.at < until and (not item.source or word(one, "source") == item.source)
    ]


@judge.register
def _last_noted(item: plan.LastNoted, evidence: CloudEvidence) -> Problems:
    found = evidence.presences(item.agent)
    last = word(found[-1], "availability") if found else "nothing"
    return [] if last == item.availability else [f"{item.agent} was noted last as {last}"]


@judge.register
def _requests(item: plan.Requests, evidence: CloudEvidence) -> Problems:
    since = evidence.moment(item.since, 0.0)
    until = evidence.moment(item.until, float("inf"))
    found = [
        one
        for one in evidence.asked
        if one.to == item.to and item.path in one.path and since <= one.at <= until
    ]
    if len(found) < item.at_least:
        return [f"{item.path} was asked {len(found)} times"]
    if item.at_most is not None and len(found) > item.at_most:
        return [f"{item.path} was asked {len(found)} times"]
    return []


@judge.register
def _moments(item: plan.Moments, evidence: CloudEvidence) -> Problems:
    if item.since not in evidence.moments or item.until not in evidence.moments:
        return [f"{item.until} did not come about"]
    took = evidence.moments[item.until] - evidence.moments[item.since]
    return [] if took <= item.at_most_s else [f"it took {took:.1f} s"]


@judge.register
def _logged(item: plan.Logged, evidence: CloudEvidence) -> Problems:
    lines = [line for line in evidence.log if line.event == item.event]
    for line in lines:
        text = str(dict(line.fields))
        if all(part in text for part in item.has):
            return []
    return [f"{item.event} was logged {len(lines)} times, never with {', '.join(item.has)}"]


def word(one: Noted, name: str) -> str:
    """Return a field of a noted presence."""
    presence = one.data.get("presence")
    fields = presence if isinstance(presence, dict) else one.data
    return str(fields.get(name, ""))
