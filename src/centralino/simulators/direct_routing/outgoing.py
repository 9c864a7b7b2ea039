# SPDX-License-Identifier: Apache-2.0
"""One call that a Teams user places, over the trunks of his tenant.

Either to a number, or with Replaces to take over a call that the SBC has with somebody
else (answers from call queues, resumed and retrieved calls): then there is one trunk to
try, that of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from centralino.simulators.direct_routing.hunt import TrunkHunt, Wanted
from centralino.simulators.direct_routing.talk import Talk
from centralino.simulators.party.description import DescriptionError
from centralino.simulators.party.party import Party

if TYPE_CHECKING:
    from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
    from centralino.simulators.scenario import OutgoingCall, TeamsUser, Tenant, TrunkSettings
    from centralino.wire.sip.events import SessionAnswered

BOGUS_REPLACES = "never-was@pstnhub;to-tag=nobody;from-tag=nothing"


class UserOutgoingCall(Talk):
    """A call from a Teams user to the SBC."""

    prefix: ClassVar[str] = "outgoing"

    def __init__(
        self,
        proxy: DirectRoutingSimulator,
        tenant: Tenant,
        user: TeamsUser,
        plan: OutgoingCall,
        *,
        replaces: str = "",
        trunk: tuple[str, TrunkSettings] | None = None,
    ) -> None:
        super().__init__(proxy, tenant, user)
        self._plan = plan
        self.customer = plan.number
        self.party = Party(
            proxy.hub,
            proxy.style,
            tone_hz=user.tone_hz,
            listen_for=proxy.tones,
            is_muted=user.is_muted,
        )
        self.party.on_heard = self.heard
        self.party.on_key = lambda key: self.tell("key", key=key)
        replaces = BOGUS_REPLACES if plan.has_bogus_replaces else replaces
        wanted = Wanted(
            number=plan.number,
            caller="" if plan.is_anonymous else user.number,
            name=user.name,
            payer=user.number,
            offer=self.party.offer(),
            headers=((("Replaces", replaces),) if replaces else ()) + plan.headers,
        )
        trunks = [trunk] if trunk is not None else proxy.watch.trunks_in_order(tenant)
        self._hunt = TrunkHunt(proxy, trunks, wanted, self)

    def begin(self) -> None:
        """Try the first trunk."""
        self._hunt.begin()

    # ---- Hunter

    def placed(self, fqdn: str, *, is_again: bool) -> None:
        """An INVITE went out."""
        self.session = self._hunt.session
        if is_again:
            self.tell("retried", trunk=fqdn)
        else:
            self.tell("placed", trunk=fqdn)

    def progressed(self, status: int) -> None:
        """It rings or so."""
        self.tell("progress", status=status)

    def answered(self, event: SessionAnswered) -> None:
        """Somebody answered."""
        if self.party is None:
            return
        try:
            self.party.accept(event.sdp or b"")
        except DescriptionError as error:
            self.tell("refused-media", reason=error.reason)
            self.hang_up()
            return
        self.has_refer = "REFER" in (event.response.headers.get("Allow") or "").upper()
        self.party.start()
        self.tell("answered")
        self.follow(self._plan.actions)
        if self._plan.talk_for_ms:
            self.after(self._plan.talk_for_ms, self.hang_up)

    def refused(self, status: int | None, cause: str) -> None:
        """One trunk refused."""
        self.tell("refused", status=status, cause=cause)

    def failed(self, status: int | None, cause: str, subcode: int) -> None:
        """No trunk is left, or the refusal is final."""
        self._over(cause, status, subcode)

    def ended(self, cause: str) -> None:
        """The answered call is over."""
        self._over(cause, 200, 0)

    # ---- orders

    def press(self, keys: str) -> None:
        """Press keys in the call."""
        if self.party is not None:
            self.party.press(keys)

    @override
    def hang_up(self) -> None:
        """Cancel or end the call."""
        self._hunt.hang_up()

    def _over(self, how: str, status: int | None, subcode: int) -> None:
        if self.is_over or self.party is None:
            return
        self.is_over = True
        self.cancel_timers()
        self.drop_leg()
        self.party.close()
        self.tell(
            "ended",
            how=how,
            status=status,
            subcode=subcode,
            was_answered=self._hunt.is_answered,
            trunks=self._hunt.tried,
            tones_heard=self.party.ear.tones_heard(),
        )

    @override
    def close(self) -> None:
        """Drop everything without a word."""
        self._hunt.drop()
        super().close()

    @override
    def particulars(self) -> dict[str, object]:
        """Return the number that was called."""
        return {"number": self._plan.number}
