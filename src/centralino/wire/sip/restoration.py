# SPDX-License-Identifier: Apache-2.0
"""Turning a confirmed session into a checkpoint and back.

What is in flight is not kept: an offer without an answer and a REFER are lost with the process,
the dialog itself goes on. Source: RFC 3261 12; RFC 4028 for the session timer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from centralino.wire.sip import dialog_state
from centralino.wire.sip.checkpoint import DialogCheckpoint
from centralino.wire.sip.dialog import Dialog
from centralino.wire.sip.flow import Hop, Transport
from centralino.wire.sip.session import Session
from centralino.wire.sip.session_state import Event

if TYPE_CHECKING:
    from centralino.wire.sip.engine import Engine

_CODEC = ("utf-8", "surrogateescape")
CSEQ_RESERVE = 100
"""Added to our CSeq on restore: requests sent after the checkpoint have used some numbers."""


def take_checkpoint(session: Session) -> DialogCheckpoint:
    """Return what must survive of an established session."""
    dialog = session.require_dialog()
    timer = session.timer
    fallback = dialog.fallback
    remote_sdp = session.remote_sdp
    return DialogCheckpoint(
        session=session.id,
        is_caller=session.is_caller,
        call_id=dialog.call_id,
        local_tag=dialog.local_tag,
        remote_tag=dialog.remote_tag,
        local=dialog.local,
        remote=dialog.remote,
        local_cseq=dialog.local_cseq,
        remote_cseq=dialog.remote_cseq,
        remote_target=dialog.remote_target,
        route_set=dialog.route_set,
        contact=session.contact,
        local_sdp=session.local_sdp.decode(*_CODEC),
        remote_sdp=None if remote_sdp is None else remote_sdp.decode(*_CODEC),
        allow=session.allow,
        supported=session.supported,
        peer_allow=session.peer_allow,
        session_expires_s=timer.interval_s,
        min_se_s=timer.min_se_s,
        is_refresher=timer.is_refresher,
        expires_at=timer.expires_at,
        flow_id=fallback.flow_id,
        host=fallback.host,
        port=fallback.port,
        transport=fallback.transport,
        trunk=fallback.trunk,
        sent_by=fallback.sent_by,
        refers_received=session.refers.received,
    )


def restore_session(engine: Engine, kept: DialogCheckpoint, now: int) -> Session:
    """Make the session of a checkpoint."""
    session = Session(engine, kept.session, kept.call_id, kept.local_tag, is_caller=kept.is_caller)
    session.dialog = _dialog(kept)
    session.contact = kept.contact
    session.allow = kept.allow
    session.supported = kept.supported
    session.peer_allow = kept.peer_allow
    session.local_sdp = kept.local_sdp.encode(*_CODEC)
    if kept.remote_sdp is not None:
        session.remote_sdp = kept.remote_sdp.encode(*_CODEC)
    session.refers.received = kept.refers_received
    session.timer.min_se_s = kept.min_se_s
    session.timer.is_refresher = kept.is_refresher
    if kept.session_expires_s:
        session.timer.resume(kept.session_expires_s, kept.expires_at, now)
    session.step(Event.RESTORE)
    return session


def _dialog(kept: DialogCheckpoint) -> Dialog:
    dialog = Dialog(kept.call_id, (kept.local, kept.local_tag), (kept.remote, kept.remote_tag))
    dialog.local_cseq = kept.local_cseq + CSEQ_RESERVE
    dialog.remote_cseq = kept.remote_cseq
    dialog.remote_target = kept.remote_target
    dialog.route_set = kept.route_set
    transport = cast("Transport", kept.transport)
    dialog.fallback = Hop(kept.host, kept.port, transport, kept.flow_id, kept.trunk, kept.sent_by)
    dialog.step(dialog_state.Event.SUCCESS)
    return dialog
