# SPDX-License-Identifier: Apache-2.0
"""Each kind of expectation can be met and can fail, shown on small evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_struct

from centralino.certification import expectations as expected
from centralino.certification.evidence import Evidence, Heard, Moment
from centralino.certification.exchanged import CARRIER, TEAMS, Exchanged
from centralino.certification.judging import judge
from centralino.certification.pace import FAST
from centralino.certification.plan import Call, Case
from centralino.certification.probe import Probed
from centralino.certification.stage import Caller, Cast, Stage, User
from centralino.certification.watch import Logged, Noted
from centralino.wire.sip.message import parse_message

pytestmark = pytest.mark.cert

CASE = Case(
    id="TST-01",
    title="Test",
    purpose="",
    source="",
    stage=Stage(
        users=(User(name="u1"), User(name="u2")),
        callers=(Caller(name="c1"),),
        ring_for_ms=2000,
    ),
    steps=(Call(caller="c1"),),
    expectations=(),
)
CAST = Cast.of(CASE, 7)
PROXIES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
U1, U2, C1 = CAST.users["u1"], CAST.users["u2"], CAST.callers["c1"]


def _message(
    start: str, cseq: str, at: float, *, ours: bool, call: str = "a", **more: str
) -> Exchanged:
    part, tag = more.get("part", TEAMS), more.get("tag", "")
    to = f"<sip:{U1.number}@x.test>" + (f";tag={tag}" if tag else "")
    body = "v=0\r\n" if more.get("sdp") else ""
    lines = [
        start,
        f"Via: SIP/2.0/TLS x.test;branch=z9hG4bK{call}{cseq.replace(' ', '')}",
        f"From: <sip:{C1.number}@x.test>;tag=f",
        f"To: {to}",
        f"Call-ID: {call}",
        f"CSeq: {cseq}",
        *([f"Reason: {more['reason']}"] if "reason" in more else []),
        f"Content-Length: {len(body)}",
    ]
    raw = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
    return Exchanged(at, part, ours, more.get("address", PROXIES[0]), raw, parse_message(raw))


def _ringing_call() -> list[Exchanged]:
    uri = f"sip:{U1.number}@x.test"
    return [
        _message(f"INVITE {uri} SIP/2.0", "1 INVITE", 10.0, ours=True, sdp="yes"),
        _message("SIP/2.0 180 Ringing", "1 INVITE", 10.1, ours=False, tag="t1"),
        _message("SIP/2.0 180 Ringing", "1 INVITE", 10.2, ours=False, tag="t2"),
        _message(f"CANCEL {uri} SIP/2.0", "1 CANCEL", 12.0, ours=True, reason="SIP;cause=200"),
        _message("SIP/2.0 200 OK", "1 CANCEL", 12.1, ours=False, tag="t1"),
        _message("SIP/2.0 487 Terminated", "1 INVITE", 12.2, ours=False, tag="t3"),
        _message(f"ACK {uri} SIP/2.0", "1 ACK", 12.25, ours=True, tag="t3"),
    ]


def _evidence(**changes: object) -> Evidence:
    evidence = Evidence(case=CASE, cast=CAST, pace=FAST, started_at=9.0, proxies=PROXIES)
    evidence.messages = _ringing_call()
    return replace(evidence, **changes)  # type: ignore[arg-type] # fields of the class


def _is_met(item: expected.Expected, **changes: object) -> bool:
    return judge(item, _evidence(**changes)) == []


def test_a_ladder_has_an_order_and_may_forbid_and_count() -> None:
    ladder = expected.Ladder(
        text="", call="u1", shows=("> INVITE+sdp", "> CANCEL", "< 487 INVITE", "> ACK")
    )
    assert _is_met(ladder)
    for broken in (
        expected.Ladder(text="", call="u1", shows=("> CANCEL", "> INVITE")),
        expected.Ladder(text="", call="u1", never=("> CANCEL",)),
        expected.Ladder(text="", call="u1", times={"< 180 INVITE": 1}),
        expected.Ladder(text="", call="u1", at_most_times={"< 180 INVITE": 1}),
        expected.Ladder(text="", call="options", shows=("> OPTIONS",), at_each_proxy=True),
        expected.Ladder(text="", call="u2", shows=("> INVITE",)),
    ):
        assert not _is_met(broken)


def test_a_gap_runs_within_one_transaction() -> None:
    gap = expected.Gap(text="", call="u1", since="> INVITE", until="< 487 INVITE", at_most_ms=2300)
    assert _is_met(gap)
    assert not _is_met(replace_struct(gap, at_most_ms=2000))
    assert not _is_met(replace_struct(gap, until="< 200 BYE"))
    assert not _is_met(replace_struct(gap, since="> BYE"))


def test_a_header_must_match_as_a_whole() -> None:
    header = expected.Header(
        text="", call="u1", message="> CANCEL", name="Reason", matches="SIP;cause=\\d+"
    )
    assert _is_met(header)
    without = [m for m in _ringing_call() if m.method != "CANCEL"]
    assert not _is_met(header, messages=without)
    wrong = expected.Header(text="", call="u1", message="> CANCEL", name="Reason", matches="SIP")
    assert not _is_met(wrong)


def test_ringing_takes_what_the_queue_says() -> None:
    ringing = expected.Ringing(text="", user="u1", within_ms=100)
    assert _is_met(ringing)
    late = [replace(m, at=13.0) if m.method == "CANCEL" else m for m in _ringing_call()]
    assert not _is_met(ringing, messages=late)
    assert not _is_met(ringing, messages=_ringing_call()[:2])
    assert not _is_met(ringing, messages=[])


def test_tags_are_counted_and_the_last_may_have_to_be_new() -> None:
    assert _is_met(expected.Tags(text="", user="u1", at_least=3, is_answer_new=True))
    assert not _is_met(expected.Tags(text="", user="u1", at_least=4))
    repeated = [
        *_ringing_call()[:2],
        _message("SIP/2.0 200 OK", "1 INVITE", 11, ours=False, tag="t1"),
    ]
    new = expected.Tags(text="", user="u1", at_least=1, is_answer_new=True)
    assert not _is_met(new, messages=repeated)


def test_a_hunt_names_the_proxies_in_order() -> None:
    invite = _ringing_call()[0]
    second = replace(invite, address=PROXIES[1], at=10.4)
    hunt = expected.Hunt(text="", caller="c1", proxies=(1, 2), at_most_ms=500)
    assert _is_met(hunt, messages=[invite, second])
    assert not _is_met(hunt, messages=[invite])
    assert not _is_met(hunt, messages=[invite, replace(second, at=11.0)])


def test_a_relay_of_messages_between_calls_is_timed() -> None:
    bye = _message("BYE sip:x@y.test SIP/2.0", "2 BYE", 11.9, ours=False, call="c", part=CARRIER)
    invite = _message(
        "INVITE sip:x@y.test SIP/2.0", "1 INVITE", 9.5, ours=False, call="c", part=CARRIER
    )
    relay = expected.Relayed(
        text="", first="c1", pattern="< BYE", second="u1", then="> CANCEL", at_most_ms=200
    )
    assert _is_met(relay, messages=[invite, bye, *_ringing_call()])
    early = [invite, replace(bye, at=11.0), *_ringing_call()]
    assert not _is_met(relay, messages=early)
    assert not _is_met(relay, messages=_ringing_call())
    assert not _is_met(relay, messages=[invite, replace(bye, at=13.0), *_ringing_call()])


def test_the_cadence_of_options_is_neither_hurried_nor_lost() -> None:
    def asked(*times: float) -> list[Exchanged]:
        return [
            _message("OPTIONS sip:x.test SIP/2.0", "1 OPTIONS", at, ours=True, address=address)
            for address in PROXIES
            for at in times
        ]

    cadence = expected.Cadence(text="", since="a", until="b")
    moments = {"a": Moment(10.0), "b": Moment(14.0)}
    assert _is_met(cadence, messages=asked(10.1, 10.6, 11.2), moments=moments)
    assert not _is_met(cadence, messages=asked(10.1, 10.2), moments=moments)
    assert not _is_met(cadence, messages=asked(10.1, 13.0), moments=moments)
    assert not _is_met(cadence, messages=asked(10.1), moments=moments)


def _ended(**fields: object) -> list[dict[str, object]]:
    user: dict[str, object] = {"what": "user.ended", "user": U1.oid, "at": 1.0}
    return [{**user, "tones_heard": [C1.tone_hz], "keys_heard": "12", "subcode": 540200, **fields}]


def test_what_the_far_side_says_is_compared_field_by_field() -> None:
    item = expected.Far(
        text="", what="user.ended", user="u1", fields={"subcode": 540200}, at_most={"at": 2}
    )
    assert _is_met(item, report=_ended())
    assert not _is_met(item, report=_ended(subcode=0))
    assert not _is_met(item, report=_ended(at=3.0))
    assert not _is_met(item, report=_ended(at=None))
    assert not _is_met(item, report=[])


def test_a_gap_counts_without_what_the_far_side_slept() -> None:
    item = expected.Far(text="", what="user.ended", user="u1", at_most={"longest_gap_ms": 200})
    gap = _ended(longest_gap_ms=300.0)
    assert not _is_met(item, report=gap, stall_ms=50.0)
    assert _is_met(item, report=gap, stall_ms=120.0)


def test_hearing_is_exact() -> None:
    item = expected.Hears(text="", user="u1", callers=("c1",))
    assert _is_met(item, report=_ended())
    assert not _is_met(item, report=_ended(tones_heard=[]))
    assert not _is_met(item, report=_ended(tones_heard=[C1.tone_hz, U2.tone_hz]))
    assert not _is_met(item, report=[])
    assert _is_met(expected.Keys(text="", user="u1", keys="12"), report=_ended())
    assert not _is_met(expected.Keys(text="", user="u1", keys="112"), report=_ended())


def test_a_share_of_the_time_must_be_audible() -> None:
    item = expected.Audible(text="", caller="c1", since="a", until="b", at_least=0.6)

    def moments(audible_ms: int, windows: int = 20) -> dict[str, Moment]:
        before, after = {"c1": Heard(10, 500)}, {"c1": Heard(windows, audible_ms)}
        return {"a": Moment(1.0, before), "b": Moment(2.0, after)}

    assert _is_met(item, moments=moments(1200))
    assert not _is_met(item, moments=moments(700))
    assert not _is_met(item, moments=moments(500, windows=10))
    assert not _is_met(item)


def test_moments_are_compared_and_must_have_happened() -> None:
    item = expected.Moments(text="", since="a", until="b", at_most_ms=500)
    assert _is_met(item, moments={"a": Moment(1.0), "b": Moment(1.4)})
    assert not _is_met(item, moments={"a": Moment(1.0), "b": Moment(1.6)})
    assert not _is_met(item, moments={"a": Moment(1.0)})


def _journal(*names: str) -> list[Noted]:
    arrived = Noted(9.0, "interaction.arrived", {"interaction": "i1", "caller_number": C1.number})
    noted = [
        Noted(9.9, name, {"interaction": "i1", "agent": U1.agent, "outcome": {"reason": "busy"}})
        for name in names
    ]
    return [arrived, *noted]


def test_the_record_is_read_in_order() -> None:
    item = expected.JournalShows(
        text="", caller="c1", shows=("offer.made u1", "offer.declined busy"), never=("x.y",)
    )
    assert _is_met(item, journal=_journal("offer.made", "offer.declined"))
    assert not _is_met(item, journal=_journal("offer.declined", "offer.made"))
    assert not _is_met(item, journal=_journal("offer.made", "offer.declined", "x.y"))
    once = expected.JournalShows(text="", caller="c1", times={"offer.made u1": 1})
    assert not _is_met(once, journal=_journal("offer.made", "offer.made"))


def test_the_way_from_choice_to_invite_is_timed() -> None:
    item = expected.Routed(text="", caller="c1", user="u1", at_most_ms=300)
    assert _is_met(item, journal=_journal("offer.made"))
    assert not _is_met(item, journal=[])
    late = [replace(m, at=m.at + 1) for m in _ringing_call()]
    assert not _is_met(item, journal=_journal("offer.made"), messages=late)


def test_a_line_of_the_log_has_fields_and_words() -> None:
    line = Logged(1.0, "voice", "alarm", {"code": "x", "text": "expected a, actual b"})
    item = expected.Logged(text="", event="alarm", fields={"code": "x"}, has=("expected a",))
    assert _is_met(item, log=[line])
    assert not _is_met(item, log=[replace(line, event="other")])
    assert not _is_met(item, log=[replace(line, fields={"code": "x", "text": "something"})])


def test_refused_connections_must_rest() -> None:
    item = expected.BackOff(text="", since="a", until="b")
    moments = {"a": Moment(10.0), "b": Moment(11.0)}
    line: dict[str, object] = {"what": "tls.failed", "direction": "in", "at": 10.5}
    assert _is_met(item, moments=moments, report=[line] * 6)
    assert not _is_met(item, moments=moments, report=[line] * 60)


def test_a_probe_has_a_result_a_codec_and_a_certificate() -> None:
    item = expected.Probed(text="", probe="p", result="200", codec="8", certificate="new")
    good = Probed(result="200", codec="8", serial=5)
    assert _is_met(item, probes={"p": good}, serials={"new": 5})
    assert not _is_met(item, probes={"p": good}, serials={"new": 6})
    assert not _is_met(item, probes={"p": replace(good, codec="0")}, serials={"new": 5})
    assert not _is_met(item, probes={"p": replace(good, result="refused")}, serials={"new": 5})
    assert not _is_met(item)


def test_settings_and_recordings() -> None:
    host = expected.Configuration(text="", contact_host="192.0.2.7")
    assert _is_met(host, refused_hosts={"192.0.2.7": "no"})
    assert not _is_met(host)
    recording = expected.Recording(text="", caller="c1", user="u1")
    assert _is_met(recording, channels={"c1": ((C1.tone_hz,), (U1.tone_hz,))})
    assert not _is_met(recording, channels={"c1": ((U1.tone_hz,), (C1.tone_hz,))})
    assert not _is_met(recording)
