# SPDX-License-Identifier: Apache-2.0
"""What a Teams user does while he talks: holds, presses keys, transfers, parks, hangs up.

The same for calls he takes and calls he places. Transfers go by REFER when the SBC's
Allow lists it, else inside Microsoft, where the SBC sees re-INVITEs or a new INVITE
(Microsoft "Direct Routing - SIP protocol", call transfer). Hold is ``inactive``, or a
REFER to the music service.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from centralino.simulators.direct_routing.hunt import Wanted
from centralino.simulators.direct_routing.number_leg import NumberLeg
from centralino.simulators.party.description import DescriptionError
from centralino.wire.sip.events import (
    ReferProgress,
    ReofferFinished,
    SessionReoffered,
    SipEvent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.direct_routing.transfer import Transfer
    from centralino.simulators.party.party import Party
    from centralino.simulators.scenario import Action, TeamsUser, Tenant


class Talk:
    """A call of a Teams user; subclasses say how it comes about."""

    prefix: ClassVar[str]
    """First word of its report lines."""

    def __init__(self, proxy: DirectRoutingSimulator, tenant: Tenant, user: TeamsUser) -> None:
        self.proxy = proxy
        self.tenant = tenant
        self.user = user
        self.session = ""
        self.party: Party | None = None
        self.is_over = False
        self.customer = ""
        """User part of the other side's address."""
        self.has_refer = False
        """Whether the SBC's Allow lists REFER."""
        self._timers: list[asyncio.TimerHandle] = []
        self._leg: NumberLeg | None = None

    # ---- the script

    def follow(self, actions: tuple[Action, ...]) -> None:
        """Do these things at their times, counted from now."""
        for action in actions:
            self.after(action.at_ms, partial(self.act, action, actions))

    def act(self, action: Action, later: tuple[Action, ...] = ()) -> None:
        """Do one scripted thing; ``later`` is the script it stands in."""
        if self.is_over or self.party is None:
            return
        match action.do:
            case "hold" if self.proxy.settings.music_by_refer and self.may_refer:
                rest = tuple(a for a in later if a.at_ms > action.at_ms)
                self.proxy.services.hold_with_music(self, action, rest)
            case "hold" | "resume" | "refresh":
                self._reoffer(action.do)
            case "refer" | "consult":
                self._transfer(action)
            case "park":
                self.proxy.services.park(self, action)
            case "pick-up":
                self.proxy.services.pick_up(self.session, self.tenant, action.target, self.customer)
            case "hang-up":
                self.hang_up()
            case _:
                self.party.act(action.do, action.keys)

    @property
    def may_refer(self) -> bool:
        """Whether a REFER may be sent."""
        return self.has_refer and self.proxy.settings.refer_when_allowed

    # ---- descriptions

    def _reoffer(self, do: str) -> None:
        stack, party = self.proxy.stack, self.party
        if party is None:
            return
        if do == "refresh":
            sdp = party.repeat_offer()
        else:
            party.expect_pause()
            party.is_sending = do != "hold"
            sdp = party.offer("inactive" if do == "hold" else "sendrecv")
        stack.endpoint.reoffer(self.session, sdp, stack.now())
        stack.flush()

    def _reoffered(self, sdp: bytes | None) -> None:
        stack, party = self.proxy.stack, self.party
        if party is None:
            return
        try:
            answer = party.answer(sdp) if sdp else party.offer()
        except DescriptionError as error:
            stack.endpoint.reject_offer(self.session, error.status, stack.now())
            return
        # Only inactive is understood as hold; sendonly and recvonly change nothing.
        is_held = b"a=inactive" in answer
        party.expect_pause()
        party.is_sending = not is_held
        self.tell("reoffered-by-sbc", is_held=is_held)
        stack.endpoint.accept_offer(self.session, answer, stack.now())

    def in_call(self, event: SipEvent) -> None:
        """Take an event of the established call."""
        match event:
            case SessionReoffered(sdp=sdp):
                self._reoffered(sdp)
            case ReofferFinished(status=status):
                self.tell("reoffered", status=status)
            case ReferProgress(status=status, final=final):
                self._refer_progress(status, final=final)
            case _:
                return

    # ---- transfers

    def refer(self, transfer: Transfer) -> None:
        """Send the REFER of a transfer."""
        stack = self.proxy.stack
        stack.endpoint.refer(
            self.session,
            f"<{transfer.refer_to_uri}>",
            stack.now(),
            referred_by=transfer.referred_by,
        )
        stack.flush()
        target = transfer.target_oid or transfer.target_number or transfer.service
        self.tell("referred", target=target, correlation=transfer.correlation)

    def _transfer(self, action: Action) -> None:
        target, is_number = action.target, action.target.startswith("+")
        if self.may_refer:
            transfer = self.proxy.transfers.make(
                self.tenant.id,
                self.user.oid,
                oid="" if is_number else target,
                number=target if is_number else "",
                is_consulted=action.do == "consult",
            )
            self.refer(transfer)
            return
        self.tell("transfer-internal", target=target)
        if is_number:
            self._transfer_to_number(target)
        else:
            self._transfer_to_user(target)

    def _transfer_to_number(self, number: str) -> None:
        """Call the number for the customer: a new INVITE, from him, referred by this user."""
        home = self.proxy.settings.proxies[0]
        by = f"<sip:{self.user.number}@{home.fqdn}:{home.port};user=phone>"
        self._hush()
        wanted = Wanted(
            number=number,
            caller=self.customer,
            payer=self.user.number,
            headers=(("Referred-By", by),),
        )
        self._leg = NumberLeg(self.proxy, self.tenant, wanted)
        self._leg.on_answered = self._number_answered
        self._leg.on_failed = self._number_failed
        self._leg.on_ended = self.hang_up
        self._leg.begin()

    def _number_answered(self) -> None:
        if self.is_over or self.party is None or self._leg is None:
            return
        self.tell("transferred")
        if self.proxy.settings.internal_transfer_keeps_call:
            self.party.join(self._leg.stream)
        else:
            self._leg = None
            self.hang_up()

    def _number_failed(self, status: int) -> None:
        self._leg = None
        self._speak_again()
        self.tell("transfer-failed", status=status)

    def _transfer_to_user(self, oid: str) -> None:
        target = self.proxy.directory.user_by_oid(self.tenant, oid)
        self._hush()
        if target is None or target.behaviour not in ("answer", "immediate-answer"):
            self._speak_again()
            self.tell("transfer-failed", status=404 if target is None else 480)
            return
        self.after(target.answer_after_ms, partial(self._taken_over_by, target))

    def _taken_over_by(self, target: TeamsUser) -> None:
        if self.is_over or self.party is None:
            return
        self.tell("transferred")
        self.user = target
        self.party.tone_hz = target.tone_hz
        self._speak_again()
        self._reoffer("refresh")

    def _hush(self) -> None:
        if self.party is not None:
            self.party.is_muted = True

    def _speak_again(self) -> None:
        if self.party is not None:
            self.party.is_muted = self.user.is_muted

    def _refer_progress(self, status: int, *, final: bool) -> None:
        self.tell("refer-progress", status=status, final=final)
        if final and 200 <= status < 300:
            self.hang_up()

    # ---- the end

    def hang_up(self) -> None:
        """End the call."""
        if not self.is_over:
            self.proxy.stack.endpoint.bye(self.session, self.proxy.stack.now())
            self.proxy.stack.flush()

    def close(self) -> None:
        """Drop everything without a word."""
        self.cancel_timers()
        if self.party is not None:
            self.party.close()
        if self._leg is not None:
            self._leg.close()

    def drop_leg(self, why: str = "") -> None:
        """Give up or end the call to a number that belongs to this one."""
        if self._leg is not None:
            self._leg.hang_up(why)
            self._leg = None

    def after(self, delay_ms: int, call: Callable[[], None]) -> None:
        """Do something that long from now, unless the call is over by then."""
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(delay_ms / 1000, call))

    def cancel_timers(self) -> None:
        """Forget what was to be done."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def heard(self, hz: int) -> None:
        """Report a tone that is surely there."""
        self.tell("heard", tone_hz=hz)

    def tell(self, what: str, **fields: object) -> None:
        """Write a report line of this call."""
        self.proxy.report.add(
            "direct-routing",
            f"{self.prefix}.{what}",
            user=self.user.oid,
            own_tone_hz=self.user.tone_hz,
            **self.particulars(),
            **fields,
        )

    def particulars(self) -> dict[str, object]:
        """Return what every line of this kind of call carries."""
        return {}
