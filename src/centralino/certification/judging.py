# SPDX-License-Identifier: Apache-2.0
"""Judges expectations: each kind is a pure function from evidence to what is wrong.

An empty list means that the expectation is met. Nothing here waits or writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import singledispatch
from itertools import pairwise
from typing import Any

from centralino.certification import expectations as expected
from centralino.certification.evidence import Evidence
from centralino.certification.exchanged import TEAMS, Exchanged, missing_of

Problems = list[str]
GAP = "longest_gap_ms"
"""What the far side measures with its own clock, stalls of its own included."""
_ROUND_TRIP_S = 0.25
"""Scheduling and recording may add this to a time between two OPTIONS."""


@singledispatch
def judge(expectation: expected.Expected, evidence: Evidence) -> Problems:
    """Return what of an expectation is not met."""
    raise TypeError(f"nothing judges {type(expectation).__name__}")


# ------------------------------------------------------------------------------ messages


@judge.register
def _ladder(item: expected.Ladder, evidence: Evidence) -> Problems:
    messages = evidence.ladder(item.call)
    problems = []
    if item.at_each_proxy:
        for address in evidence.proxies:
            here = [m for m in messages if m.address == address]
            missing = missing_of(here, item.shows)
            if missing:
                problems.append(f"at {address}: {missing} did not come in its turn")
    else:
        missing = missing_of(messages, item.shows)
        if missing:
            problems.append(f"{missing} did not come in its turn")
    problems += [
        f"{pattern} came" for pattern in item.never if any(m.is_like(pattern) for m in messages)
    ]
    for pattern, times in item.times.items():
        count = _count(messages, pattern)
        if count != times:
            problems.append(f"{pattern} came {count} times and not {times}")
    for pattern, times in item.at_most_times.items():
        count = _count(messages, pattern)
        if count > times:
            problems.append(f"{pattern} came {count} times")
    return problems


@judge.register
def _gap(item: expected.Gap, evidence: Evidence) -> Problems:
    messages = evidence.ladder(item.call)
    problems = []
    begins = [m for m in messages if m.is_like(item.since)]
    for begin in begins:
        ends = [m for m in messages if m.branch == begin.branch and m.is_like(item.until)]
        if not ends:
            problems.append(f"{item.since} was not followed by {item.until}")
        elif _ms(begin, ends[0]) > item.at_most_ms:
            problems.append(f"{item.until} came {_ms(begin, ends[0]):.0f} ms after {item.since}")
    return problems or ([] if begins else [f"{item.since} did not come"])


@judge.register
def _header(item: expected.Header, evidence: Evidence) -> Problems:
    found = [m for m in evidence.ladder(item.call) if m.is_like(item.message)]
    if not found:
        return [f"{item.message} did not come"]
    values = {", ".join(m.message.headers.values(item.name)) for m in found}
    return [
        f"{item.name} of {item.message} is {value or 'missing'}"
        for value in sorted(values)
        if not re.fullmatch(item.matches, value)
    ]


@judge.register
def _relayed(item: expected.Relayed, evidence: Evidence) -> Problems:
    first = [m for m in evidence.ladder(item.first) if m.is_like(item.pattern)]
    if not first:
        return [f"{item.pattern} of {item.first} did not come"]
    then = [m for m in evidence.ladder(item.second) if m.is_like(item.then) and m.at >= first[0].at]
    if not then:
        return [f"{item.then} of {item.second} did not come afterwards"]
    return _late(_ms(first[0], then[0]), item.at_most_ms, f"{item.then} of {item.second}")


@judge.register
def _ringing(item: expected.Ringing, evidence: Evidence) -> Problems:
    wanted = evidence.case.stage.ring_ms(is_fast=evidence.pace.is_fast)
    for call in evidence.calls(item.user):
        cancels = [m for m in call if m.is_like("> CANCEL")]
        if not cancels:
            return ["CANCEL did not come"]
        rang_ms = _ms(call[0], cancels[0])
        if abs(rang_ms - wanted) > item.within_ms:
            return [f"CANCEL came after {rang_ms:.0f} ms and not after {wanted}"]
    return [] if evidence.calls(item.user) else ["no INVITE came"]


@judge.register
def _tags(item: expected.Tags, evidence: Evidence) -> Problems:
    call = evidence.ladder(item.user)
    early = [m.to_tag for m in call if m.method == "INVITE" and 100 < (m.status or 0) < 200]
    final = [m.to_tag for m in call if m.method == "INVITE" and (m.status or 0) >= 200]
    problems = []
    tags = {tag for tag in (*early, *final) if tag}
    if len(tags) < item.at_least:
        problems.append(f"{len(tags)} To tags came")
    if item.is_answer_new and set(final) & set(early):
        problems.append("the tag of the answer had come before")
    return problems


@judge.register
def _hunt(item: expected.Hunt, evidence: Evidence) -> Problems:
    number = evidence.cast.callers[item.caller].number
    invites = [
        m
        for m in evidence.ladder("teams")
        if m.is_initial_invite
        and m.part == TEAMS
        and number in (m.message.headers.get("From") or "")
    ]
    wanted = [evidence.proxies[place - 1] for place in item.proxies]
    came = [m.address for m in invites]
    if came != wanted:
        return [f"the INVITE went to {', '.join(came) or 'no proxy'}; expected {', '.join(wanted)}"]
    if item.at_most_ms:
        return _late(_ms(invites[0], invites[-1]), item.at_most_ms, "the last attempt")
    return []


@judge.register
def _cadence(item: expected.Cadence, evidence: Evidence) -> Problems:
    begin, end = evidence.between(item.since, item.until)
    shortest = evidence.pace.options_s - _ROUND_TRIP_S
    longest = evidence.pace.options_s + evidence.pace.jitter_s + 2 * _ROUND_TRIP_S
    problems = []
    for address in evidence.proxies:
        times = [
            m.at
            for m in evidence.ladder("options")
            if m.address == address and m.is_like("> OPTIONS") and begin <= m.at <= end
        ]
        gaps = [after - before for before, after in pairwise(times)]
        if not gaps and end - begin > 2 * longest:
            problems.append(f"{address} was not asked again")
        problems += [
            f"{address} was asked again after {gap:.2f} s" for gap in gaps if gap < shortest
        ]
        problems += [f"{address} was asked after {gap:.2f} s only" for gap in gaps if gap > longest]
    return problems[:3]


# ----------------------------------------------------------------------------- far side


@judge.register
def _far(item: expected.Far, evidence: Evidence) -> Problems:
    lines = evidence.lines(item.what, user=item.user, caller=item.caller)
    if not lines:
        return [f"there is no {item.what}"]
    problems = []
    for line in lines:
        problems += [
            f"{name} is {line.get(name)!r} and not {value!r}"
            for name, value in item.fields.items()
            if line.get(name) != value
        ]
        problems += [
            f"{name} is {line.get(name)}, at most {most} is right"
            for name, most in item.at_most.items()
            if not isinstance(value := line.get(name), int | float)
            or value > most + (evidence.stall_ms if name == GAP else 0)
        ]
    return problems


@judge.register
def _hears(item: expected.Hears, evidence: Evidence) -> Problems:
    cast = evidence.cast
    wanted = sorted(
        [cast.users[name].tone_hz for name in item.users]
        + [cast.callers[name].tone_hz for name in item.callers]
    )
    what = "user.ended" if item.user else "call.ended"
    lines = evidence.lines(what, user=item.user, caller=item.caller)
    if not lines:
        return [f"{item.user or item.caller} had no call that ended"]
    heard = sorted({int(hz) for line in lines for hz in _listed(line.get("tones_heard"))})
    if heard != wanted:
        who = item.user or item.caller
        return [f"{who} heard {_tones(heard)}; expected {_tones(wanted)}"]
    return []


@judge.register
def _audible(item: expected.Audible, evidence: Evidence) -> Problems:
    moments = evidence.moments
    before = moments[item.since].heard.get(item.caller) if item.since in moments else None
    after = moments[item.until].heard.get(item.caller) if item.until in moments else None
    if before is None or after is None or after.windows <= before.windows:
        return ["nothing was received between the marks"]
    length_ms = (after.windows - before.windows) * 100
    share = (after.audible_ms - before.audible_ms) / length_ms
    if share < item.at_least:
        return [f"only {share:.0%} of {length_ms} ms could be heard"]
    return []


@judge.register
def _keys(item: expected.Keys, evidence: Evidence) -> Problems:
    what = "user.ended" if item.user else "call.ended"
    lines = evidence.lines(what, user=item.user, caller=item.caller)
    heard = "".join(str(line.get("keys_heard", "")) for line in lines)
    return [] if heard == item.keys else [f"the keys that came are {heard!r}, not {item.keys!r}"]


@judge.register
def _back_off(item: expected.BackOff, evidence: Evidence) -> Problems:
    begin, end = evidence.between(item.since, item.until)
    count = sum(
        1
        for line in evidence.lines("tls.failed")
        if line.get("direction") == "in" and begin <= _number(line["at"]) <= end
    )
    rounds = (end - begin) / evidence.pace.back_off_s + 1
    # Each new certificate is a new beginning, and there are three of them.
    most = len(evidence.proxies) * (rounds + 3)
    return [f"{count} connections failed in {end - begin:.1f} s"] if count > most else []


# ------------------------------------------------------------------------------ product


@judge.register
def _logged(item: expected.Logged, evidence: Evidence) -> Problems:
    lines = [line for line in evidence.log if line.fits(item.event, item.fields)]
    if not lines:
        return [f"the log has no {item.event} {dict(item.fields)}"]
    texts = [" ".join(str(value) for value in line.fields.values()) for line in lines]
    if any(all(word in text for word in item.has) for text in texts):
        return []
    return [f"no {item.event} tells of {', '.join(item.has)}"]


@judge.register
def _journal(item: expected.JournalShows, evidence: Evidence) -> Problems:
    cast = evidence.cast
    if item.caller:
        story = evidence.story(cast.callers[item.caller].number)
    elif item.from_user:
        story = evidence.story(cast.users[item.from_user].number)
    else:
        story = evidence.journal
    seen = [(noted.name, noted.words()) for noted in story]
    agents = {user.name: user.agent for user in cast.users.values()}

    def fits(pattern: str) -> Callable[[tuple[str, set[str]]], bool]:
        name, *words = pattern.split()
        wanted = {agents.get(word, word) for word in words}
        return lambda entry: entry[0] == name and wanted <= entry[1]

    problems = []
    at = 0
    for pattern in item.shows:
        match = fits(pattern)
        place = next((i for i in range(at, len(seen)) if match(seen[i])), None)
        if place is None:
            problems.append(f"the record lacks {pattern} in its turn")
            break
        at = place + 1
    problems += [f"the record has {p}" for p in item.never if any(map(fits(p), seen))]
    for pattern, times in item.times.items():
        count = sum(map(fits(pattern), seen))
        if count != times:
            problems.append(f"the record has {pattern} {count} times")
    return problems


@judge.register
def _routed(item: expected.Routed, evidence: Evidence) -> Problems:
    agent = evidence.cast.users[item.user].agent
    made = [
        noted
        for noted in evidence.story(evidence.cast.callers[item.caller].number)
        if noted.name == "offer.made" and agent in noted.words()
    ]
    invites = [m for m in evidence.ladder(item.user) if m.is_initial_invite]
    if not made or not invites:
        return ["no offer, or no INVITE of it"]
    return _late((invites[0].at - made[0].at) * 1000, item.at_most_ms, "the INVITE")


@judge.register
def _moments(item: expected.Moments, evidence: Evidence) -> Problems:
    missing = [mark for mark in (item.since, item.until) if mark not in evidence.moments]
    if missing:
        return [f"{missing[0]} did not happen"]
    begin, end = evidence.between(item.since, item.until)
    return _late((end - begin) * 1000, item.at_most_ms, item.until)


@judge.register
def _probed(item: expected.Probed, evidence: Evidence) -> Problems:
    found = evidence.probes.get(item.probe)
    if found is None:
        return [f"the probe {item.probe} was not sent"]
    problems = []
    if found.result != item.result:
        problems.append(f"{item.probe}: {found.result} and not {item.result}")
    if item.codec and found.codec != item.codec:
        problems.append(f"{item.probe}: payload type {found.codec or 'none'}, not {item.codec}")
    if item.certificate and found.serial != evidence.serials.get(item.certificate):
        problems.append(f"{item.probe}: not the {item.certificate} certificate")
    return problems


@judge.register
def _configuration(item: expected.Configuration, evidence: Evidence) -> Problems:
    why = evidence.refused_hosts.get(item.contact_host)
    return [] if why else [f"the product takes {item.contact_host} as its contact host"]


@judge.register
def _recording(item: expected.Recording, evidence: Evidence) -> Problems:
    cast = evidence.cast
    wanted = ((cast.callers[item.caller].tone_hz,), (cast.users[item.user].tone_hz,))
    heard = evidence.channels.get(item.caller)
    if heard is None:
        return ["there is no recording"]
    return [] if heard == wanted else [f"the channels carry {heard}; expected {wanted}"]


def _count(messages: Sequence[Exchanged], pattern: str) -> int:
    return sum(1 for m in messages if m.is_like(pattern))


def _ms(first: Exchanged, second: Exchanged) -> float:
    return (second.at - first.at) * 1000


def _late(took_ms: float, at_most_ms: float, what: str) -> Problems:
    return [f"{what} came after {took_ms:.0f} ms"] if took_ms > at_most_ms else []


def _tones(tones: Sequence[int]) -> str:
    return ", ".join(f"{hz} Hz" for hz in tones) or "nobody"


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
