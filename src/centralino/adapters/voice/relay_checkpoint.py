# SPDX-License-Identifier: Apache-2.0
"""What a relayed call needs to outlive the process: two dialogs, and two agreements.

Kept in the same file as the legs' checkpoints; holds SRTP keys when the call is anchored.
"""

from __future__ import annotations

import msgspec
import structlog

from centralino.wire.sdp.audio import NegotiatorCheckpoint
from centralino.wire.sip.checkpoint import DialogCheckpoint

log = structlog.get_logger(__name__)

KEY_PREFIX = "relay:"
"""Of the keys in the checkpoint file."""


class RelayAudioCheckpoint(msgspec.Struct, frozen=True):
    """Both sides' negotiators."""

    caller: NegotiatorCheckpoint
    callee: NegotiatorCheckpoint


class RelayCheckpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answered call. Fields may be added with defaults, never renamed."""

    id: str
    route: str
    """Name of its route; a call whose route is gone from the settings is given up."""
    caller: DialogCheckpoint
    callee: DialogCheckpoint
    audio: RelayAudioCheckpoint | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RelayCheckpoint)


def encode_call(call: RelayCheckpoint) -> bytes:
    """Return the call as MessagePack."""
    return _ENCODER.encode(call)


def decode_call(value: bytes) -> RelayCheckpoint | None:
    """Return the call; None (and a log line) when it cannot be read."""
    try:
        return _DECODER.decode(value)
    except msgspec.MsgspecError as error:
        log.error("relay.checkpoint_unreadable", reason=str(error))
        return None
