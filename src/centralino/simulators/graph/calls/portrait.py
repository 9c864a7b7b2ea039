# SPDX-License-Identifier: Apache-2.0
"""A call as JSON: all of it, as GET and the reply to a new call show it.

Members that there are none of are null, as the samples of the reference have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from centralino.simulators.graph.calls.call import ServiceCall

Json = dict[str, object]
CALL_TYPE: Final = "#microsoft.graph.call"


def call_json(call: ServiceCall) -> Json:
    """Return a ``call``."""
    return {
        "@odata.type": CALL_TYPE,
        "id": call.id,
        "state": call.state.value,
        "direction": call.direction.value,
        "callbackUri": call.callback_uri,
        "callChainId": call.chain_id,
        "callOptions": call.call_options,
        "callRoutes": call.call_routes,
        "chatInfo": call.chat_info,
        "incomingContext": call.incoming_context,
        "mediaConfig": call.media_config,
        "mediaState": call.shown_media_state(),
        "meetingInfo": call.meeting_info,
        "myParticipantId": call.my_participant_id,
        "requestedModalities": call.modalities,
        "resultInfo": call.result.write() if call.result else None,
        "source": call.source,
        "subject": call.subject,
        "targets": call.targets,
        "tenantId": call.tenant_id,
        "toneInfo": call.last_tone,
        "transcription": None,
        **call.extra,
    }
