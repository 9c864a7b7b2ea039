# SPDX-License-Identifier: Apache-2.0
"""What a driver remembers of one worker, so that a new worker can be made the same.

Commands that set a state are remembered (the last of each kind per leg, room and
recording), momentary ones (keys, markers) are not. After a worker's death ``setup``
returns the commands that bring its successor to the same state, on the same ports.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.exchange.media import (
    Command,
    Configure,
    Event,
    PauseRecording,
    Played,
    PlayMedia,
    Recorded,
    Release,
    Reserve,
    Reserved,
    ResumeRecording,
    RingbackTone,
    SetRoom,
    StartRecording,
    StopMedia,
    StopRecording,
)

if TYPE_CHECKING:
    from centralino.core.kernel.ids import BridgeId, LegId, RecordingId


@dataclass(slots=True)
class _RememberedLeg:
    reserved: Reserved
    configure: Configure | None = None
    playing: PlayMedia | RingbackTone | None = None


@dataclass(slots=True)
class _RememberedRecording:
    start: StartRecording
    is_paused: bool = False


class WorkerMemory:
    """The state that a worker should have."""

    def __init__(self) -> None:
        self.ports: set[tuple[str, int]] = set()
        """Address and RTP port of every leg."""
        self._legs: dict[LegId, _RememberedLeg] = {}
        self._rooms: dict[BridgeId, SetRoom] = {}
        self._recordings: dict[RecordingId, _RememberedRecording] = {}

    @property
    def leg_count(self) -> int:
        """Legs on this worker."""
        return len(self._legs)

    def reserved(self, leg: LegId) -> Reserved | None:
        """Return the ports of a leg, ``None`` when it is not on this worker."""
        found = self._legs.get(leg)
        return found.reserved if found else None

    def add_leg(self, reserved: Reserved) -> None:
        """Remember a leg whose ports are open."""
        if reserved.leg not in self._legs:
            self._legs[reserved.leg] = _RememberedLeg(reserved)
            self.ports.add((reserved.address, reserved.rtp_port))

    def note_command(self, command: Command) -> bool:
        """Remember a command that was given; ``False`` when it is a momentary one."""
        if isinstance(command, SetRoom):
            self._note_room(command)
        elif isinstance(command, StartRecording):
            if command.recording not in self._recordings:
                self._recordings[command.recording] = _RememberedRecording(command)
        elif isinstance(command, PauseRecording | ResumeRecording):
            recording = self._recordings.get(command.recording)
            if recording is not None:
                recording.is_paused = isinstance(command, PauseRecording)
        elif isinstance(command, Release):
            self._forget_leg(command.leg)
            return False
        elif isinstance(command, StopRecording):
            self._recordings.pop(command.recording, None)
            return False
        else:
            return self._note_leg_command(command)
        return True

    def _note_leg_command(self, command: Command) -> bool:
        if not isinstance(command, Configure | PlayMedia | RingbackTone | StopMedia):
            return False
        leg = self._legs.get(command.leg)
        if leg is None:
            return True
        if isinstance(command, Configure):
            leg.configure = command
        elif isinstance(command, PlayMedia) or (isinstance(command, RingbackTone) and command.on):
            leg.playing = command
        elif isinstance(command, StopMedia) or isinstance(leg.playing, RingbackTone):
            leg.playing = None
        return True

    def _note_room(self, command: SetRoom) -> None:
        if command.members:
            self._rooms[command.room] = command
        else:
            self._rooms.pop(command.room, None)

    def _forget_leg(self, leg: LegId) -> None:
        gone = self._legs.pop(leg, None)
        if gone is not None:
            self.ports.discard((gone.reserved.address, gone.reserved.rtp_port))
        for room, command in tuple(self._rooms.items()):
            members = tuple(member for member in command.members if member.leg != leg)
            if members != command.members:
                self._note_room(SetRoom(room=room, members=members))

    def note_event(self, event: Event) -> None:
        """Forget what has ended by itself."""
        if isinstance(event, Played):
            leg = self._legs.get(event.leg)
            playing = leg.playing if leg else None
            if leg and isinstance(playing, PlayMedia) and playing.play == event.play:
                leg.playing = None
        elif isinstance(event, Recorded):
            self._recordings.pop(event.recording, None)

    def setup(self) -> list[Command]:
        """Return what makes a fresh worker the same, in the order it must be done."""
        commands: list[Command] = []
        for leg in self._legs.values():
            reserved = leg.reserved
            commands.append(
                Reserve(leg=reserved.leg, address=reserved.address, rtp_port=reserved.rtp_port)
            )
            if leg.configure is not None:
                commands.append(leg.configure)
        commands.extend(self._rooms.values())
        commands.extend(leg.playing for leg in self._legs.values() if leg.playing is not None)
        for recording in self._recordings.values():
            commands.append(recording.start)
            if recording.is_paused:
                commands.append(PauseRecording(recording=recording.start.recording))
        return commands
