# SPDX-License-Identifier: Apache-2.0
"""What a driver remembers of a worker, and how it makes the next one the same."""

from __future__ import annotations

import pytest

from centralino.adapters.media.memory import WorkerMemory
from centralino.core.kernel.ids import BridgeId, LegId, RecordingId
from centralino.exchange.media import (
    Configure,
    LegMedia,
    PauseRecording,
    Played,
    PlayMedia,
    Recorded,
    Release,
    Reserve,
    Reserved,
    ResumeRecording,
    RingbackTone,
    RoomMember,
    SendDigits,
    SetRoom,
    StartRecording,
    StopMedia,
    StopRecording,
)

pytestmark = pytest.mark.unit

A, B = LegId("a"), LegId("b")
ROOM, NAME = BridgeId("r"), RecordingId("x")


def media(codec: str = "PCMU") -> LegMedia:
    return LegMedia(
        remote_address="127.0.0.1",
        remote_rtp_port=4000,
        remote_rtcp_port=4001,
        rtcp_mux=False,
        codec=codec,
        payload_type=0,
    )


def memory_of(*legs: LegId) -> WorkerMemory:
    memory = WorkerMemory()
    for number, leg in enumerate(legs):
        port = 20_000 + 2 * number
        memory.add_leg(Reserved(leg=leg, address="127.0.0.1", rtp_port=port, rtcp_port=port + 1))
    return memory


def room(*legs: LegId) -> SetRoom:
    return SetRoom(room=ROOM, members=tuple(RoomMember(leg, ()) for leg in legs))


PROMPT = PlayMedia(leg=A, play="p1", prompts=("welcome",))
RECORD = StartRecording(recording=NAME, first=A, second=B, path="x.wav")


def test_setup_is_in_the_order_that_works() -> None:
    memory = memory_of(A, B)
    for command in (RECORD, PROMPT, room(A, B), Configure(leg=A, media=media())):
        assert memory.note_command(command)
    assert memory.setup() == [
        Reserve(leg=A, address="127.0.0.1", rtp_port=20_000),
        Configure(leg=A, media=media()),
        Reserve(leg=B, address="127.0.0.1", rtp_port=20_002),
        room(A, B),
        PROMPT,
        RECORD,
    ]


def test_only_the_last_of_a_kind_counts() -> None:
    memory = memory_of(A)
    memory.note_command(Configure(leg=A, media=media("PCMU")))
    memory.note_command(Configure(leg=A, media=media("G722")))
    memory.note_command(PROMPT)
    memory.note_command(RingbackTone(leg=A))
    assert memory.setup()[1:] == [Configure(leg=A, media=media("G722")), RingbackTone(leg=A)]


def test_what_has_ended_is_not_played_again() -> None:
    memory = memory_of(A)
    memory.note_command(PROMPT)
    memory.note_event(Played(leg=A, play="another", reason="completed"))
    assert PROMPT in memory.setup()
    memory.note_event(Played(leg=A, play="p1", reason="completed"))
    assert len(memory.setup()) == 1
    memory.note_command(RingbackTone(leg=A))
    memory.note_command(RingbackTone(leg=A, on=False))
    memory.note_command(PROMPT)
    memory.note_command(StopMedia(leg=A))
    assert len(memory.setup()) == 1


def test_stopping_ringback_leaves_a_prompt_alone() -> None:
    memory = memory_of(A)
    memory.note_command(PROMPT)
    memory.note_command(RingbackTone(leg=A, on=False))
    assert PROMPT in memory.setup()


def test_pause_survives_and_the_end_is_remembered() -> None:
    memory = memory_of(A, B)
    memory.note_command(RECORD)
    memory.note_command(PauseRecording(recording=NAME))
    assert memory.setup()[2:] == [RECORD, PauseRecording(recording=NAME)]
    memory.note_command(ResumeRecording(recording=NAME))
    assert memory.setup()[2:] == [RECORD]
    assert not memory.note_command(StopRecording(recording=NAME))
    assert memory.setup()[2:] == []


def test_recording_that_ended_by_itself_is_not_started_again() -> None:
    memory = memory_of(A, B)
    memory.note_command(RECORD)
    memory.note_event(
        Recorded(recording=NAME, path="x.wav", duration_ms=0, is_complete=False, problem="p")
    )
    assert memory.setup()[2:] == []


def test_released_leg_leaves_its_rooms() -> None:
    memory = memory_of(A, B)
    memory.note_command(room(A, B))
    assert not memory.note_command(Release(leg=A))
    assert memory.setup()[1:] == [room(B)]
    assert memory.leg_count == 1


def test_keys_are_never_sent_twice() -> None:
    memory = memory_of(A)
    assert not memory.note_command(SendDigits(leg=A, digits="1"))
    assert len(memory.setup()) == 1
