# SPDX-License-Identifier: Apache-2.0
"""What the end of a conversation changes, however it came: wrap-up, recording, measured time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.lifecycle import AGENT, AgentStep
from centralino.core.interactions.recording_lifecycle import RECORDING, RecordingStep
from centralino.core.kernel.instant import Duration, after, seconds
from centralino.core.routing.evolve_wait import record_of

if TYPE_CHECKING:
    from centralino.core.agents.state import Agent
    from centralino.core.interactions.consult_events import ConsultCompleted
    from centralino.core.interactions.events import InteractionReleased
    from centralino.core.interactions.state import Interaction
    from centralino.core.kernel.instant import Instant
    from centralino.core.routing.state import Index, TenantState

_AGENT_WRAPPED = AGENT.step(AgentStep.WRAPPED)
_RECORDING_STOPPED = RECORDING.step(RecordingStep.STOPPED)
RECORDING_WITHIN = seconds(3600)
"""Longest time from the end of a conversation to the file of its recording."""


def begin_wrap_up(
    index: Index, agent: Agent, event: InteractionReleased | ConsultCompleted, at: Instant
) -> None:
    """Let an agent wrap up; his leg is his until it is known to have ended."""
    agent.state = _AGENT_WRAPPED[agent.state]
    agent.wrap_up_since = at
    agent.wrap_up_until = event.wrap_up_until
    agent.deadline = event.wrap_up_until
    if event.has_agent_leg:
        agent.deadline = max(event.wrap_up_until, event.clear_by)
    elif agent.leg is not None:
        index.agent_legs.pop(agent.leg, None)
        agent.leg = None


def await_recording(
    state: TenantState, index: Index, interaction: Interaction, at: Instant
) -> None:
    """The conversation is over: its recording is awaited, not for ever."""
    recording = state.recordings.get(interaction.recording) if interaction.recording else None
    if recording is None:
        return
    recording.state = _RECORDING_STOPPED[recording.state]
    recording.deadline = after(at, RECORDING_WITHIN)
    index.leases.put(recording.id, recording.deadline)


def note_handling(state: TenantState, interaction: Interaction, until: Instant) -> None:
    """Let a conversation count in how long one of its queue takes."""
    if interaction.queue is None or interaction.connected_at is None:
        return
    took = Duration(until - interaction.connected_at)
    known = state.handling.get(interaction.queue)
    state.handling[interaction.queue] = record_of(state, interaction).note_handled(known, took)
