# SPDX-License-Identifier: Apache-2.0
"""What a media worker does with each command: one method per command of the vocabulary.

Holds the legs and hands the work to the graph, the player, the recordings. Commands are
idempotent where a driver repeats them after a break of the link: a leg that is there is
reserved again, a playing or recording that runs is not started twice.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from centralino.adapters.media.agreement import media_problem
from centralino.adapters.media.graph import MediaGraph
from centralino.adapters.media.keypad import KeySender
from centralino.adapters.media.leg import Leg
from centralino.adapters.media.mixer import Mixer
from centralino.adapters.media.outgoing import LinePosition, OutgoingLine
from centralino.adapters.media.plan import room_problem
from centralino.adapters.media.player import Playing
from centralino.adapters.media.prompts import PromptError, PromptLibrary
from centralino.adapters.media.report import leg_statistics
from centralino.adapters.media.sockets import NoPortError, PortRange
from centralino.adapters.media.spare import STOCK, SparePorts
from centralino.exchange import media as m
from centralino.wire.errors import LocalProtocolError, ProtocolError

if TYPE_CHECKING:
    from centralino.adapters.media.checkpoint import Checkpoint, LegCounters
    from centralino.adapters.media.control import AnyCommand
    from centralino.adapters.media.recordings import RecordingDesk
    from centralino.adapters.media.settings import WorkerSettings
    from centralino.adapters.media.sockets import SocketPair
    from centralino.core.kernel.ids import LegId, RecordingId

log = structlog.get_logger(__name__)

_MAX_PROMPTS = 64


class Refusal(Exception):
    """A command is not carried out."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class LoopHooks(Protocol):
    """What the engine needs of the loop it lives in."""

    def watch(self, leg: Leg) -> None:
        """Read a leg's sockets from now on."""
        ...

    def unwatch(self, leg: Leg) -> None:
        """Read a leg's sockets no more; they are about to be closed."""
        ...

    @property
    def is_late(self) -> bool:
        """Whether the loop cannot keep up."""
        ...

    def now(self) -> int:
        """Return monotonic nanoseconds."""
        ...

    def emit(self, event: m.Event, *, can_wait: bool = False) -> None:
        """Send an event to the driver, at once or with the next that cannot wait."""
        ...


class MediaEngine:
    """The state of one worker."""

    def __init__(
        self,
        settings: WorkerSettings,
        checkpoint: Checkpoint,
        library: PromptLibrary,
        recordings: RecordingDesk,
        loop: LoopHooks,
    ) -> None:
        self.legs: dict[LegId, Leg] = {}
        self.mixer = Mixer()
        self.graph = MediaGraph(self.legs, self.mixer)
        self.recordings = recordings
        self._pressed: dict[LegId, Leg] = {}
        self._settings = settings
        self._checkpoint = checkpoint
        self._library = library
        self._loop = loop
        self._ports = PortRange(
            settings.first_port, settings.last_port, settings.receive_buffer_bytes
        )
        self._stocked_address = ""
        """Where legs are opened, and so ports in advance."""
        self._do: Mapping[type, Callable[[Any, int], m.Event | None]] = {
            m.Reserve: self._reserve,
            m.Configure: self._configure,
            m.PlayMedia: self._play,
            m.StopMedia: self._stop_media,
            m.RingbackTone: self._ringback,
            m.SetRoom: self._set_room,
            m.StartRecording: self._start_recording,
            m.PauseRecording: self._pause_recording,
            m.ResumeRecording: self._resume_recording,
            m.MarkRecording: self._mark_recording,
            m.StopRecording: self._stop_recording,
            m.SendDigits: self._send_digits,
            m.ReadStatistics: self._read_statistics,
            m.Release: self._release,
            m.ListMedia: self._list,
        }

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that needs ticks."""
        return not self.legs and not self.recordings

    def carry_out(self, command: AnyCommand, now: int) -> m.Event:
        """Carry out one command and return the reply."""
        try:
            reply = self._do[type(command)](command, now)
        except Refusal as refusal:
            log.info("media.refused", command=type(command).__name__, code=refusal.code)
            if not command.request:
                self._tell_unasked(command, refusal)
            return m.Refused(request=command.request, code=refusal.code, text=refusal.text)
        return reply or m.Done(request=command.request)

    def _tell_unasked(self, command: AnyCommand, refusal: Refusal) -> None:
        """Tell the end of what was refused to a driver that awaits no reply."""
        if isinstance(command, m.PlayMedia):
            self._loop.emit(m.Played(leg=command.leg, play=command.play, reason="failed"))
        elif isinstance(command, m.StartRecording):
            self._loop.emit(
                m.Recorded(
                    recording=command.recording,
                    path=command.path,
                    duration_ms=0,
                    is_complete=False,
                    problem=refusal.code,
                )
            )
        else:
            what = f"{type(command).__name__}: {refusal.text}"
            leg = getattr(command, "leg", None)
            self._loop.emit(m.WorkerAlarm(code="command-refused", text=what, leg=leg))

    # ------------------------------------------------------------------ legs
    def _leg(self, leg: LegId) -> Leg:
        try:
            return self.legs[leg]
        except KeyError:
            raise Refusal("unknown-leg", "there is no such leg on this worker") from None

    def _configured(self, leg: LegId) -> Leg:
        found = self._leg(leg)
        if found.media is None:
            raise Refusal("not-configured", "the leg has no agreed media yet")
        return found

    def _reserve(self, command: m.Reserve, now: int) -> m.Event:
        leg = self.legs.get(command.leg)
        if leg is None:
            leg = self._open_leg(command, now)
        elif command.rtp_port not in (0, leg.pair.rtp_port):
            raise Refusal("no-port", "the leg has another port already")
        return m.Reserved(
            request=command.request,
            leg=command.leg,
            address=leg.pair.address,
            rtp_port=leg.pair.rtp_port,
            rtcp_port=leg.pair.rtp_port + 1,
        )

    def _open_leg(self, command: m.Reserve, now: int) -> Leg:
        if len(self.legs) >= self._settings.max_legs:
            raise Refusal("overloaded", "the worker has as many legs as it may have")
        if self._loop.is_late and not command.rtp_port:
            raise Refusal("overloaded", "the worker is late and takes no new legs")
        pair = self._open_pair(command)
        self._stocked_address = command.address
        left = self._checkpoint.claim(command.leg)
        if left is not None and left.rtp_port != pair.rtp_port:
            left = None

        def make_line(on_reserve: Callable[[], None]) -> OutgoingLine:
            start = LinePosition(
                secrets.randbits(32), secrets.randbits(15), secrets.randbits(32), now
            )
            line = OutgoingLine(start, on_reserve=on_reserve)
            if left is not None:
                line.resume(left.line, now)
            return line

        leg = Leg(command.leg, pair, make_line, self, self._store)
        leg.resumed = left
        self.legs[command.leg] = leg
        self.store(leg)
        self._loop.watch(leg)
        return leg

    def _open_pair(self, command: m.Reserve) -> SocketPair:
        """Open a leg's sockets; the last places of a full worker are those in stock."""
        pair, stock = None, self._ports
        if not command.rtp_port and len(self.legs) + len(stock.spare) >= self._settings.max_legs:
            pair = stock.take_spare(command.address)
        try:
            return pair or stock.open(command.address, command.rtp_port)
        except NoPortError as error:
            raise Refusal("no-port", str(error)) from error

    def stock_up(self) -> None:
        """Open ports for the next legs and tell the driver; once a tick."""
        wanted = min(STOCK, self._settings.max_legs - len(self.legs)) - len(self._ports.spare)
        address = self._stocked_address
        if wanted <= 0 or not address or self._loop.is_late:
            return
        try:
            self._ports.put_by(address, wanted)
        except NoPortError:
            self._stocked_address = ""
        for event in self.greet():
            self._loop.emit(event, can_wait=True)

    def give_up_stock(self) -> None:
        """Close what was opened in advance, because there is no leg, and tell the driver."""
        told = self.greet()
        self._ports.close()
        for event in told:
            self._loop.emit(SparePorts(address=event.address, rtp_ports=()), can_wait=True)

    def greet(self) -> list[SparePorts]:
        """Return what a driver that has just come is told first: the ports there are."""
        ports: dict[str, list[int]] = {}
        for address, port in self._ports.spare:
            ports.setdefault(address, []).append(port)
        return [SparePorts(address=at, rtp_ports=tuple(one)) for at, one in ports.items()]

    def close(self) -> None:
        """Close every socket; legs end without a word."""
        for leg in self.legs.values():
            leg.close()
        self._ports.close()

    def _store(self, leg: Leg) -> None:
        if self.legs.get(leg.id) is not leg:
            # Released in this very turn: who talked to it does so until the graph is built anew.
            return
        counters: LegCounters = leg.counters(self._loop.now())
        self._checkpoint.write(leg.id, counters)

    def store(self, leg: Leg) -> None:
        """Put a leg's counters into the checkpoint, unless they wait there to be resumed."""
        if leg.resumed is None:
            self._store(leg)

    def _configure(self, command: m.Configure, now: int) -> None:
        leg = self._leg(command.leg)
        media = command.media
        problem = media_problem(media)
        if problem:
            raise Refusal("bad-media", problem)
        if media != leg.media:
            try:
                leg.configure(media, now)
            except ProtocolError as error:
                raise Refusal("bad-media", str(error)) from error
            self._store(leg)
            self.graph.invalidate(leg.id)
            if leg.playing:
                self._prepare(leg.playing.prompts, leg)

    def _release(self, command: m.Release, now: int) -> None:
        leg = self._leg(command.leg)
        self._end_playing(leg, "stopped")
        leg.reporter.say_goodbye(now)
        self._loop.emit(leg_statistics(leg, leg.reporter.round_trip_ms, is_final=True))
        self._loop.unwatch(leg)
        del self.legs[leg.id]
        self._pressed.pop(leg.id, None)
        leg.close()
        self._checkpoint.release(leg.id)
        self.graph.leave_rooms(leg.id)
        self.graph.invalidate(leg.id)

    def _read_statistics(self, command: m.ReadStatistics, now: int) -> m.Event:
        leg = self._leg(command.leg)
        return leg_statistics(leg, leg.reporter.round_trip_ms, request=command.request)

    def _list(self, command: m.ListMedia, now: int) -> m.Event:
        legs = tuple((leg.id, leg.pair.rtp_port) for leg in self.legs.values())
        return m.MediaListed(request=command.request, legs=legs)

    def _set_room(self, command: m.SetRoom, now: int) -> None:
        problem = room_problem(command.members)
        if problem:
            raise Refusal("bad-room", problem)
        for member in command.members:
            self._leg(member.leg)
        self.graph.set_room(command.room, command.members)

    # ------------------------------------------------------------------ playing
    def _play(self, command: m.PlayMedia, now: int) -> None:
        leg = self._leg(command.leg)
        if not 0 < len(command.prompts) <= _MAX_PROMPTS:
            raise Refusal("unknown-prompt", f"one to {_MAX_PROMPTS} prompts are played at a time")
        try:
            for prompt in command.prompts:
                self._library.require(prompt)
        except PromptError as error:
            raise Refusal("unknown-prompt", str(error)) from error
        if leg.playing and command.play and leg.playing.play == command.play:
            return
        playing = Playing(
            command.play,
            command.prompts,
            self._library,
            loop=command.loop,
            barge_in=command.barge_in,
        )
        self._start_playing(leg, playing)

    def _ringback(self, command: m.RingbackTone, now: int) -> None:
        leg = self._leg(command.leg)
        if command.on:
            tone = (f"tone:ringback:{self._settings.tone_country}",)
            if not leg.playing or leg.playing.prompts != tone:
                self._start_playing(leg, Playing("", tone, self._library, loop=True))
        elif leg.playing and not leg.playing.play:
            self._end_playing(leg, "stopped")

    def _stop_media(self, command: m.StopMedia, now: int) -> None:
        self._end_playing(self._leg(command.leg), "stopped")

    def _start_playing(self, leg: Leg, playing: Playing) -> None:
        self._end_playing(leg, "replaced")
        leg.playing = playing
        self._prepare(playing.prompts, leg)
        self.graph.invalidate(leg.id)

    def _prepare(self, prompts: tuple[str, ...], leg: Leg) -> None:
        if leg.codec:
            for prompt in prompts:
                self._library.prepare(prompt, leg.codec)

    def _end_playing(self, leg: Leg, reason: str) -> None:
        playing = leg.playing
        if playing is not None:
            leg.playing = None
            self.graph.invalidate(leg.id)
            if playing.play:
                self._loop.emit(m.Played(leg=leg.id, play=playing.play, reason=reason))

    def next_played_frame(self, leg: Leg, playing: Playing) -> bytes | None:
        """Return the next 20 ms of what is played to a leg; tells its end."""
        try:
            frame = playing.next_frame(leg.codec)
        except PromptError:
            self._end_playing(leg, "failed")
            return None
        if frame is None:
            self._end_playing(leg, "completed")
        return frame

    # ------------------------------------------------------------------ keys
    def key_began(self, leg: Leg) -> None:
        """A key is being pressed: what may be interrupted stops at once."""
        self._pressed[leg.id] = leg
        if leg.playing and leg.playing.barge_in:
            self._end_playing(leg, "barged-in")

    def end_lost_keys(self, now: int) -> None:
        """Tell the keys whose end packets were all lost; once a tick."""
        for leg in tuple(self._pressed.values()):
            for key in leg.keys.tick(now):
                self.key_pressed(leg, key.digit, key.duration_ms)
            if leg.keys.next_deadline() is None:
                del self._pressed[leg.id]

    def key_pressed(self, leg: Leg, digit: str, duration_ms: int) -> None:
        """Tell the driver about a key."""
        self._loop.emit(m.KeyPressed(leg=leg.id, digit=digit, duration_ms=duration_ms))

    def first_packet(self, leg: Leg) -> None:
        """Tell the driver that the far end has begun to send."""
        self._loop.emit(m.MediaChanged(leg=leg.id, change="first-packet"), can_wait=True)

    def _send_digits(self, command: m.SendDigits, now: int) -> None:
        leg = self._configured(command.leg)
        if leg.event_payload_type < 0:
            raise Refusal("no-telephone-event", "the far end takes no telephone events")
        if leg.sending_keys is None:
            leg.sending_keys = KeySender()
            self.graph.invalidate(leg.id)
        try:
            leg.sending_keys.add(command.digits)
        except LocalProtocolError as error:
            raise Refusal("bad-digits", str(error)) from error

    # ------------------------------------------------------------------ recording
    def _start_recording(self, command: m.StartRecording, now: int) -> None:
        if command.recording in self.recordings:
            return
        if len(self.recordings) >= self._settings.max_recordings:
            raise Refusal("overloaded", "the worker makes as many recordings as it may")
        legs = [self._configured(command.first)]
        if command.second:
            legs.append(self._configured(command.second))
        if (legs[0] is legs[-1] and len(legs) > 1) or any(leg.tap is not None for leg in legs):
            raise Refusal("already-recorded", "a leg is in one recording at a time")
        self.recordings.start(command, legs, now)

    def _require_recording(self, recording: RecordingId) -> None:
        if recording not in self.recordings:
            raise Refusal("unknown-recording", "there is no such recording on this worker")

    def _pause_recording(self, command: m.PauseRecording, now: int) -> None:
        self._require_recording(command.recording)
        self.recordings.pause(command.recording, now, paused=True)

    def _resume_recording(self, command: m.ResumeRecording, now: int) -> None:
        self._require_recording(command.recording)
        self.recordings.pause(command.recording, now, paused=False)

    def _mark_recording(self, command: m.MarkRecording, now: int) -> None:
        self._require_recording(command.recording)
        self.recordings.mark(command.recording, now, "mark", command.label)

    def _stop_recording(self, command: m.StopRecording, now: int) -> None:
        self._require_recording(command.recording)
        self.recordings.stop(command.recording, now)
