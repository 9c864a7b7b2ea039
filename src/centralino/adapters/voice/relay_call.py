# SPDX-License-Identifier: Apache-2.0
"""One relayed call: plain state, moved by ``relay``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from centralino.adapters.voice.call_settings import RelayRouteSettings
    from centralino.adapters.voice.deadlines import Deadline
    from centralino.adapters.voice.profiles import Arrival
    from centralino.adapters.voice.relay_audio import RelayAudio
    from centralino.adapters.voice.settings import TrunkSettings


@dataclass(slots=True, eq=False)
class RelayCall:
    """One call: the side that came in and the side that we placed."""

    id: str
    route: RelayRouteSettings
    caller: str
    """Session that came in."""
    arrival: Arrival | None
    """None after a restart."""
    from_trunk: TrunkSettings
    to_trunk: TrunkSettings
    hops_left: int
    callee: str = ""
    """Session that we placed; empty before."""
    offer: bytes | None = None
    audio: RelayAudio | None = None
    """Only when anchored."""
    tried: tuple[str, ...] = ()
    has_rung: bool = False
    is_answered: bool = False
    is_over: bool = False
    deadline: Deadline | None = None
    waiting: str = ""
    """Session whose re-INVITE waits for the other side."""
    cancel_lines: tuple[tuple[str, str], ...] = ()
    """Reason for the called side when the call is given up: that of the caller."""
