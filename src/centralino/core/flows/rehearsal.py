# SPDX-License-Identifier: Apache-2.0
"""Plays scripted callers through a flow in virtual time: no clock, no telephone, no waiting.

A :class:`Stage` stands in for everything around the interpreter: it plays, collects keys,
answers lookups and rings as the script says, always doing what is due next. The rules for
keys are those of the drivers: what was pressed since the last collecting counts, and the
first key is waited for from the end of what is playing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from centralino.core.calendars.hours import instant_of, time_zone
from centralino.core.flows import actions, happenings
from centralino.core.flows.interpreter import begin, resume
from centralino.core.flows.position import CallFacts
from centralino.core.flows.script import Answer, Waiting
from centralino.core.kernel.errors import InvalidInput
from centralino.core.kernel.instant import SECOND, Instant, milliseconds, seconds

if TYPE_CHECKING:
    from centralino.core.flows.document import Value
    from centralino.core.flows.library import FlowLibrary
    from centralino.core.flows.script import Act, Caller
    from centralino.core.flows.turn import LogEntry, Turn

LONGEST = seconds(24 * 3600)
"""A call that takes longer is not ended by anything."""
MOST_TURNS = 20_000
_BETWEEN_KEYS = milliseconds(200)
_BEFORE_FIRST_KEY = milliseconds(500)


@dataclass(slots=True)
class Played:
    """What came of one caller."""

    entries: list[LogEntry] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    """Visited, as ``flow/node``."""
    heard: list[str] = field(default_factory=list)
    """Recordings by name, and what the synthetic voice said."""
    asked: list[actions.AnyAction] = field(default_factory=list)
    end: str = ""
    """``connected``, ``hung-up``, ``gone``; empty when nothing ended it."""
    took_s: float = 0
    variables: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class _Playing:
    ask: str
    ends_at: Instant | None
    may_interrupt: bool


@dataclass(slots=True)
class _Collecting:
    ask: str
    order: actions.Collect
    digits: str = ""
    due_at: Instant | None = None


def rehearse(library: FlowLibrary, flow: str, caller: Caller, prompt_s: float = 3) -> Played:
    """Play one caller through the newest version of a flow.

    Raises:
        NotFound: no such flow is published.
        InvalidInput: the flow's time zone or the caller's date does not exist.
    """
    return _Stage(library, caller, prompt_s).run(flow)


class _Stage:
    def __init__(self, library: FlowLibrary, caller: Caller, prompt_s: float) -> None:
        self._library = library
        self._caller = caller
        self._prompt_for = seconds(prompt_s)
        self._acts: list[Act] = list(caller.does)
        self._act_ready_at: Instant | None = None
        self._played = Played()
        self._playing: _Playing | None = None
        self._collecting: _Collecting | None = None
        self._pressed_for = ""
        """The collecting that has had its keys; the next ones are for another."""
        self._buffer = ""
        self._due: list[tuple[Instant, happenings.AnyHappening]] = []
        """What the world will answer, and when."""
        self._waiting = Waiting()
        self._queue_ask = ""
        self._entered_queue_at = Instant(0)
        self._turn: Turn
        self._now = Instant(0)

    def run(self, flow: str) -> Played:
        start = self._now = self._start(flow)
        facts = CallFacts(
            called_number=self._caller.called,
            caller_number=self._caller.number,
            language=self._caller.language,
        )
        self._take(begin(self._library, flow, facts, self._now))
        for _ in range(MOST_TURNS):
            if self._turn.position.is_over or self._now - start > LONGEST:
                break
            self._step()
        position = self._turn.position
        self._played.end = position.end
        self._played.took_s = (self._now - start) / SECOND
        self._played.variables = position.variables
        return self._played

    def _start(self, flow: str) -> Instant:
        version = self._library.newest_version(flow)
        compiled = self._library.flow(flow, version or 0)
        zone = time_zone("UTC" if compiled is None else compiled.flow.zone)
        try:
            local = datetime.strptime(self._caller.at, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - wall clock
        except ValueError:
            raise InvalidInput(f"there is no such date: {self._caller.at}") from None
        return instant_of(local.date(), local.time(), zone)

    # time -----------------------------------------------------------------------------------

    def _step(self) -> None:
        """Do the one thing that is due next."""
        deadline = self._turn.position.deadline
        collecting = self._collecting
        acting_at = self._acting_at()
        times: list[tuple[int, int]] = [(at, 0) for at, _ in self._due]
        if self._playing is not None and self._playing.ends_at is not None:
            times.append((self._playing.ends_at, 1))
        if collecting is not None and collecting.due_at is not None:
            times.append((collecting.due_at, 2))
        if acting_at is not None:
            times.append((acting_at, 3))
        if deadline is not None:
            times.append((deadline, 4))
        at, kind = min(times)
        self._now = Instant(max(self._now, at))
        if kind == 0:
            self._answer_first()
        elif kind == 1:
            self._end_play()
        elif kind == 2:
            self._end_collect()
        elif kind == 3:
            self._act()
        else:
            self._tell(happenings.Deadline())

    def _answer_first(self) -> None:
        first = min(self._due, key=_due_at)
        self._due.remove(first)
        self._tell(first[1])

    def _end_play(self) -> None:
        playing, self._playing = self._playing, None
        self._arm_collect()
        if playing is not None:
            self._tell(happenings.PlayFinished(ask=playing.ask))

    def _end_collect(self) -> None:
        collecting, self._collecting = self._collecting, None
        if collecting is not None:
            self._tell(happenings.Collected(ask=collecting.ask, digits=collecting.digits))

    # the caller -----------------------------------------------------------------------------

    def _acting_at(self) -> Instant | None:
        """Return when the caller does his next thing, ``None`` while he waits for something."""
        if not self._acts:
            return None
        act = self._acts[0]
        if act.press and (self._collecting is None or self._collecting.ask == self._pressed_for):
            return None
        if act.until and not self._is_at(act.until):
            return None
        if self._act_ready_at is None:
            pause = seconds(act.wait) if act.wait else _BEFORE_FIRST_KEY
            self._act_ready_at = Instant(self._now + (0 if act.until else pause))
        return self._act_ready_at

    def _is_at(self, node: str) -> bool:
        frame = self._turn.position.frames[-1]
        return node in {frame.node, f"{frame.flow}/{frame.node}"}

    def _act(self) -> None:
        act = self._acts.pop(0)
        self._act_ready_at = None
        if act.hang_up:
            self._tell(happenings.CallerGone())
        if act.press and self._collecting is not None:
            self._pressed_for = self._collecting.ask
        for key in act.press or act.press_now:
            if self._turn.position.is_over:
                return
            self._press(key)
            self._now = Instant(self._now + _BETWEEN_KEYS)

    def _press(self, key: str) -> None:
        if self._playing is not None and self._playing.may_interrupt:
            ask, self._playing = self._playing.ask, None
            self._buffer += key
            self._tell(happenings.PlayFinished(ask=ask))
        else:
            self._buffer += key
        self._feed()

    def _feed(self) -> None:
        """Give the collecting what was pressed."""
        while self._buffer and (collecting := self._collecting) is not None:
            key, self._buffer = self._buffer[0], self._buffer[1:]
            is_end = key in collecting.order.terminators
            if not is_end:
                collecting.digits += key
            wait = milliseconds(collecting.order.inter_digit_timeout_ms)
            collecting.due_at = Instant(self._now + wait)
            if is_end or len(collecting.digits) >= collecting.order.max_digits:
                self._end_collect()

    # what the flow asks for -----------------------------------------------------------------

    def _tell(self, happening: happenings.AnyHappening) -> None:
        self._take(resume(self._library, self._turn.position, happening, self._now))

    def _take(self, turn: Turn) -> None:
        self._turn = turn
        for entry in turn.entries:
            self._played.entries.append(entry)
            if entry.to:
                self._played.nodes.append(f"{entry.flow}/{entry.to}")
        if turn.position.end == "gone":
            return
        for action in turn.actions:
            self._played.asked.append(action)
            self._carry_out(action)
        self._feed()

    def _carry_out(self, action: actions.AnyAction) -> None:
        match action:
            case actions.Play():
                self._play(action)
            case actions.StopPlay():
                self._playing = None
                self._arm_collect()
            case actions.Collect():
                self._buffer = "" if action.forgets_earlier else self._buffer
                self._collecting = _Collecting(action.ask, action)
                self._arm_collect()
            case actions.StopCollect():
                self._collecting = None
            case actions.HangUp():
                self._collecting = self._playing = None
            case _:
                self._ask_world(action)

    def _play(self, action: actions.Play) -> None:
        for sound in action.sounds:
            heard = sound.name if isinstance(sound, actions.Clip) else sound.text
            self._played.heard.append(heard)
        length = self._prompt_for * len(action.sounds)
        ends_at = None if action.is_looped else Instant(self._now + length)
        self._playing = _Playing(action.ask, ends_at, action.may_interrupt)

    def _arm_collect(self) -> None:
        """Start the wait for the first key, once nothing is playing that will end."""
        collecting, playing = self._collecting, self._playing
        if collecting is None or collecting.digits or not collecting.order.first_timeout_ms:
            return
        if playing is None or playing.ends_at is None:
            wait = milliseconds(collecting.order.first_timeout_ms)
            collecting.due_at = Instant(self._now + wait)

    # the world ------------------------------------------------------------------------------

    def _ask_world(self, action: actions.AnyAction) -> None:
        node = self._turn.position.frames[-1].node
        match action:
            case actions.Lookup():
                self._look_up(action, self._caller.lookups.get(node, Answer(fails="no-answer")))
            case actions.Transfer():
                result = self._caller.transfers.get(node, "answered")
                after = action.ring_for_ms if result == "no-answer" else 2000
                answer = happenings.TransferEnded(ask=action.ask, result=result)
                self._later(after / 1000, answer)
            case actions.BookCallback():
                is_booked = self._caller.is_callback_booked
                kind = happenings.CallbackBooked if is_booked else happenings.CallbackRefused
                self._later(0.1, kind(ask=action.ask))
            case actions.RecordVoicemail():
                speaks_for_s = min(self._caller.speaks_for_s, action.max_ms / 1000)
                is_kept = speaks_for_s > 0
                answer_at = speaks_for_s + action.silence_ms / 1000
                ended = happenings.VoicemailEnded(ask=action.ask, is_kept=is_kept)
                self._later(answer_at, ended)
            case _:
                self._ask_queue(action)

    def _look_up(self, action: actions.Lookup, answer: Answer) -> None:
        if answer.fails == "never":
            return
        if answer.after_s * 1000 > action.timeout_ms or answer.fails:
            reason = answer.fails or "timeout"
            failed = happenings.LookupFailed(ask=action.ask, reason=reason)
            self._later(min(answer.after_s, action.timeout_ms / 1000), failed)
            return
        body = answer.text if answer.text is not None else json.dumps(answer.body)
        answered = happenings.LookupAnswered(ask=action.ask, status=answer.status, body=body)
        self._later(answer.after_s, answered)

    def _ask_queue(self, action: actions.AnyAction) -> None:
        waiting = self._waiting
        match action:
            case actions.EnterQueue():
                waiting = self._waiting = self._caller.queues.get(action.queue, Waiting())
                self._queue_ask = action.ask
                if waiting.refused:
                    self._leave(waiting.refused)
                elif waiting.answered_after_s is not None:
                    left = happenings.QueueLeft(ask=action.ask, reason="answered")
                    self._later(waiting.answered_after_s, left)
            case actions.ReadQueue() if not waiting.refused:
                told = happenings.QueueRead(
                    ask=action.ask,
                    position=waiting.position,
                    waiting=waiting.position,
                    ready_agents=waiting.ready_agents,
                    estimated_wait_s=waiting.estimated_wait_s,
                )
                self._later(0, told)
            case actions.LeaveQueue():
                self._due = [one for one in self._due if not _is_answered(one[1])]
                self._leave("left")
            case _:
                return

    def _leave(self, reason: str) -> None:
        self._later(0, happenings.QueueLeft(ask=self._queue_ask, reason=reason))

    def _later(self, after_s: float, happening: happenings.AnyHappening) -> None:
        self._due.append((Instant(self._now + seconds(after_s)), happening))


def _due_at(one: tuple[Instant, happenings.AnyHappening]) -> Instant:
    return one[0]


def _is_answered(happening: happenings.AnyHappening) -> bool:
    return isinstance(happening, happenings.QueueLeft) and happening.reason == "answered"
