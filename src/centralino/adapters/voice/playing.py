# SPDX-License-Identifier: Apache-2.0
"""Prompts and music to a leg, keys from it and to it, collecting keys.

Keys come from the media worker (RFC 4733) or as SIP INFO; both count the same. A key ends a
prompt that allows it: the worker does that by itself, for INFO it is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from centralino.adapters.voice.collecting import Collecting
from centralino.adapters.voice.leg import MAX_TYPED
from centralino.core.kernel.errors import AppError, InvalidInput, NotAllowed
from centralino.exchange.facts import Collected, Dtmf, PlayFinished
from centralino.exchange.media import PlayMedia, SendDigits, StopMedia

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.adapters.voice.calls import Calls
    from centralino.adapters.voice.lanes import Work
    from centralino.adapters.voice.leg import Leg
    from centralino.exchange.media import KeyPressed, Played
    from centralino.exchange.orders import Collect, Play, SendDtmf, StopCollect, StopPlay
    from centralino.wire.sip.events import InfoReceived

log = structlog.get_logger(__name__)

KEYS = frozenset("0123456789*#ABCD")
MAX_KEYS = 64
MAX_PROMPTS = 64
INFO_KEY_MS = 160


class Playing:
    """Playing, keys and collecting of all legs."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.on_finished: Callable[[Leg, str, str], None] = _ignore_finish
        """Hears of each playing that ended: leg, name, reason (holding treatment)."""

    # ---- playing

    def play(self, order: Play, now: int) -> Work | None:
        """Play prompts or music to one leg."""
        del now
        leg = self._calls.require_answered(order.leg)
        if not 1 <= len(order.prompts) <= MAX_PROMPTS:
            raise InvalidInput(f"1 to {MAX_PROMPTS} prompts can be played")
        return self._play(order, leg)

    async def _play(self, order: Play, leg: Leg) -> None:
        command = PlayMedia(
            leg=leg.id,
            play=order.play,
            prompts=order.prompts,
            loop=order.loop,
            barge_in=order.barge_in,
        )
        former, leg.play = leg.play, command
        leg.is_barged = False
        try:
            await self._calls.media.ask(leg.id, command)
        except AppError as error:
            if leg.play is command:
                leg.play = former
            code = str(error.details.get("code") or error.code)
            self._calls.fail(order.order, leg.id, code, error.message)
            return
        self._calls.save(leg)

    def stop(self, order: StopPlay, now: int) -> None:
        """Stop what is played to a leg; without effect when nothing is."""
        del now
        leg = self._calls.require_answered(order.leg)
        if leg.play is not None:
            self._calls.tell_media(leg.id, StopMedia(leg=leg.id))

    def on_played(self, leg: Leg, event: Played) -> None:
        """Take notice that a playing ended."""
        reason = event.reason
        if leg.play is not None and leg.play.play == event.play:
            leg.play = None
            self._calls.save(leg)
            if leg.is_barged and reason == "stopped":
                reason = "barged-in"
            if leg.collecting is not None:
                leg.collecting.prompt_ended(self._calls.now())
                self._arm(leg)
        if not leg.is_over:
            self._calls.tell(PlayFinished(leg=leg.id, play=event.play, reason=reason))
            self.on_finished(leg, event.play, reason)

    # ---- collecting

    def collect(self, order: Collect, now: int) -> None:
        """Collect keys; one that is under way ends."""
        leg = self._calls.require_answered(order.leg)
        if not 1 <= order.max_digits <= MAX_KEYS:
            raise InvalidInput(f"1 to {MAX_KEYS} keys can be collected")
        if leg.collecting is not None:
            self._finish(leg, "stopped")
        collecting = leg.collecting = Collecting(order)
        is_prompt = leg.play is not None and not leg.play.loop
        typed, leg.typed = ("" if order.forgets_earlier else leg.typed), ""
        reason, leg.typed = collecting.begin(typed, now, is_prompt_playing=is_prompt)
        if typed:
            self._barge_in(leg)
        if reason is not None:
            self._finish(leg, reason)
        else:
            self._arm(leg)
            self._calls.save(leg)

    def stop_collect(self, order: StopCollect, now: int) -> None:
        """End a collecting; without effect when none is under way."""
        del now
        leg = self._calls.require_answered(order.leg)
        if leg.collecting is not None:
            self._finish(leg, "stopped")

    def _arm(self, leg: Leg) -> None:
        if leg.collect_deadline is not None:
            leg.collect_deadline.cancel()
            leg.collect_deadline = None
        if leg.collecting is not None and leg.collecting.deadline is not None:
            leg.collect_deadline = self._calls.deadlines.arm(
                leg.collecting.deadline, lambda now: self._tick(leg, now)
            )

    def _tick(self, leg: Leg, now: int) -> None:
        reason = leg.collecting.tick(now) if leg.collecting is not None else None
        if reason is not None:
            self._finish(leg, reason)

    def _finish(self, leg: Leg, reason: str) -> None:
        collecting, leg.collecting = leg.collecting, None
        self._arm(leg)
        if collecting is not None:
            self._calls.tell(
                Collected(
                    leg=leg.id,
                    collect=collecting.order.collect,
                    digits=collecting.digits,
                    reason=reason,
                )
            )
            self._calls.save(leg)

    # ---- keys

    def on_key(self, leg: Leg, event: KeyPressed) -> None:
        """Take a key that a worker heard."""
        self._press(leg, event.digit, event.duration_ms)

    def on_info(self, leg: Leg, event: InfoReceived) -> None:
        """Take a key that came as SIP INFO; other INFO is ignored."""
        found = key_of_info(event.request.content_type or "", event.request.body)
        if found is not None and leg.is_answered:
            self._barge_in(leg)
            self._press(leg, *found)

    def _press(self, leg: Leg, digit: str, duration_ms: int) -> None:
        if leg.is_over or digit not in KEYS:
            return
        self._calls.tell(Dtmf(leg=leg.id, digit=digit, duration_ms=duration_ms))
        if leg.collecting is None:
            leg.typed = (leg.typed + digit)[-MAX_TYPED:]
            return
        reason = leg.collecting.press(digit, self._calls.now())
        if reason is not None:
            self._finish(leg, reason)
        else:
            self._arm(leg)

    def _barge_in(self, leg: Leg) -> None:
        if leg.play is not None and leg.play.barge_in and not leg.is_barged:
            leg.is_barged = True
            self._calls.tell_media(leg.id, StopMedia(leg=leg.id))

    def send(self, order: SendDtmf, now: int) -> None:
        """Send keys to the far end: as telephone events, else as INFO where that is understood."""
        leg = self._calls.require_answered(order.leg)
        digits = order.digits.upper()
        if not digits or len(digits) > MAX_KEYS or not KEYS.issuperset(digits):
            raise InvalidInput(f"1 to {MAX_KEYS} keys of 0-9, *, #, A-D can be sent")
        agreed = leg.negotiator.session if leg.negotiator is not None else None
        if agreed is not None and agreed.telephone_event is not None:
            self._calls.tell_media(leg.id, SendDigits(leg=leg.id, digits=digits))
            return
        if not self._calls.profile(leg.trunk).takes_info:
            raise NotAllowed("the far end takes no keys: telephone-event was not agreed")
        endpoint = self._calls.edge.endpoint
        for digit in digits:
            body = f"Signal={digit}\r\nDuration={INFO_KEY_MS}\r\n".encode()
            endpoint.info(leg.session, now, "application/dtmf-relay", body)

    # ---- the end

    def on_end(self, leg: Leg, now: int) -> None:
        """Say farewell to a leg that ends."""
        del now
        if leg.collecting is not None:
            self._finish(leg, "stopped")

    def restore(self, leg: Leg, collect: Collect, typed: str) -> None:
        """Go on with a collecting of an earlier process; its waiting time starts anew."""
        leg.collecting = Collecting(collect)
        is_prompt = leg.play is not None and not leg.play.loop
        leg.collecting.begin(typed, self._calls.now(), is_prompt_playing=is_prompt)
        self._arm(leg)


def key_of_info(content_type: str, body: bytes) -> tuple[str, int] | None:
    r"""Return key and duration (ms) of an INFO body, None when it holds no key.

    >>> key_of_info("application/dtmf-relay", b"Signal= 5\r\nDuration= 100\r\n")
    ('5', 100)
    """
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("ascii", "replace")
    if kind == "application/dtmf":
        digit, duration = text.strip().upper(), INFO_KEY_MS
    elif kind == "application/dtmf-relay":
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition("=") for line in text.splitlines())
        }
        digit = fields.get("signal", "").upper()
        written = fields.get("duration", "")
        duration = int(written) if written.isdigit() and len(written) < 6 else INFO_KEY_MS
    else:
        return None
    digit = {"10": "*", "11": "#"}.get(digit, digit)
    return (digit, duration) if digit in KEYS else None


def _ignore_finish(leg: Leg, play: str, reason: str) -> None:
    """Nobody wants to hear of playings that ended."""
