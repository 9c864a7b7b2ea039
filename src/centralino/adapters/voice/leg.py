# SPDX-License-Identifier: Apache-2.0
"""One leg: everything call handling knows of one party's connection.

Plain state; what happens to it is in the modules around ``driver``. The state only moves
along the table of ``leg_lifecycle``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from centralino.adapters.voice.leg_lifecycle import LEG, LegEvent, LegState

if TYPE_CHECKING:
    from msgspec import Raw

    from centralino.adapters.voice.checkpoint import RecordingCheckpoint
    from centralino.adapters.voice.collecting import Collecting
    from centralino.adapters.voice.deadlines import Deadline
    from centralino.core.kernel.ids import BridgeId, LegId, OrderId, TenantId, TrunkId
    from centralino.core.kernel.outcome import Outcome
    from centralino.exchange.media import PlayMedia, Reserved
    from centralino.exchange.orders import Invite
    from centralino.wire.sdp.audio import AudioNegotiator

MAX_TYPED = 64
"""Keys kept that no collecting has taken yet."""
MAX_ORDERS = 32
"""Orders remembered per leg, against repetition."""


@dataclass(slots=True)
class Attempt:
    """An outgoing call until it is answered."""

    order: Invite
    started_at: int
    """When the first INVITE left (ns)."""
    tried: list[str] = field(default_factory=list)
    """Proxies that were tried."""
    is_g711_only: bool = False
    has_rung: bool = False
    stage: str = ""
    """What was last told as ``Progressing``."""
    outcome: Outcome | None = None
    """Why it was cancelled."""


@dataclass(slots=True)
class Transfer:
    """A REFER of the far end that we follow."""

    old_session: str
    refer: str
    session: str = ""
    """The new call; empty before it is placed."""
    negotiator: AudioNegotiator | None = None
    is_old_gone: bool = False
    has_rung: bool = False
    rings: set[LegId] = field(default_factory=set)
    """Legs that hear our ringback tone."""
    ringing_deadline: Deadline | None = None


@dataclass(slots=True)
class SentRefer:
    """A REFER of ours."""

    refer: str
    order: OrderId


@dataclass(slots=True)
class Leg:
    """One party's connection."""

    id: LegId
    tenant: TenantId
    trunk: TrunkId
    is_incoming: bool
    session: str = ""
    """The SIP session that carries it now."""
    call_id: str = ""
    called_number: str = ""
    caller_number: str | None = None
    """Whom the callee sees; None is anonymous."""
    caller_name: str | None = None
    state: LegState = LegState.NEW
    written: tuple[Raw, Raw] | None = None
    """Dialog and description as they were last written; None: they have changed since."""

    offer: bytes | None = None
    """Description of the incoming INVITE."""
    is_ringing_told: bool = False
    negotiator: AudioNegotiator | None = None
    near: LegId | None = None
    """Whose media worker it follows."""
    reserved: Reserved | None = None
    is_media_set: bool = False

    attempt: Attempt | None = None
    bridge: BridgeId | None = None
    role: str = "party"
    is_member_muted: bool = False
    """Muted by the bridge's order."""
    is_muted: bool = False
    """Muted by an order of its own."""
    play: PlayMedia | None = None
    is_barged: bool = False
    collecting: Collecting | None = None
    collect_deadline: Deadline | None = None
    typed: str = ""
    recordings: list[RecordingCheckpoint] = field(default_factory=list)

    is_held: bool = False
    """We hold the far end."""
    is_held_by_far_end: bool = False
    reoffer_order: OrderId | None = None
    """The Hold or Resume whose re-INVITE is under way."""
    is_hold_wanted: bool = False
    reoffer_count: int = 0
    """Re-INVITEs of ours whose end has not come: each has exactly one."""
    is_answer_due: bool = False
    """Our offer stood in a 2xx; the answer comes with the ACK."""
    is_probing: bool = False

    transfer: Transfer | None = None
    sent_refer: SentRefer | None = None
    transfer_count: int = 0
    old_sessions: set[str] = field(default_factory=set)
    """Sessions that carried it before and are not over yet."""

    is_one_way: bool = False
    is_silent: bool = False
    media_deadline: Deadline | None = None
    deadline: Deadline | None = None
    """Ring time, comfort ringing, or the grace of a cancel: one at a time."""
    holding: str = ""
    awaited: set[str] = field(default_factory=set)
    """What a closing leg waits for."""
    ending: tuple[Outcome, bool, str] | None = None
    orders: deque[OrderId] = field(default_factory=lambda: deque(maxlen=MAX_ORDERS))

    def step(self, event: LegEvent) -> None:
        """Move along the table.

        Raises:
            IllegalTransition: the table has no such row.
        """
        self.state = LEG.next(self.state, event)

    @property
    def is_answered(self) -> bool:
        """Whether the far end is connected."""
        return self.state is LegState.ANSWERED

    @property
    def is_over(self) -> bool:
        """Whether nothing can be ordered of it any more."""
        return self.state in (LegState.CLOSING, LegState.ENDED)

    def disarm(self) -> None:
        """Cancel the deadline of the present phase."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
