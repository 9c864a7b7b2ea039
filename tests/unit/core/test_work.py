# SPDX-License-Identifier: Apache-2.0
"""Work without a telephone beside calls: capacity, acceptance, leases, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from centralino.core.agents.capacity import Capacity, ChannelRule
from centralino.core.agents.commands import MakeAgentNotReady
from centralino.core.agents.lifecycle import AgentState
from centralino.core.interactions import commands as asked
from centralino.core.interactions import effects
from centralino.core.interactions import events as calls
from centralino.core.interactions.channel import Channel
from centralino.core.interactions.lifecycle import InteractionState
from centralino.core.interactions.ownership import Ownership
from centralino.core.kernel.errors import Conflict
from centralino.core.kernel.ids import LegId
from centralino.core.kernel.instant import SECOND
from centralino.core.kernel.outcome import COMPLETED, Outcome, OutcomeReason, Result
from centralino.core.routing.commands import ConfigureTenant, Tick
from tests.unit.core.company import ANNA, BRUNO, SALES, Desk, company, only

if TYPE_CHECKING:
    from centralino.core.interactions.state import Interaction
    from centralino.core.routing.turn import Decision

pytestmark = pytest.mark.unit

TWO_CHATS = Capacity(total=2, channels={Channel.CHAT: ChannelRule(most=2)}, most_offers=2)


def desk_of(**fields: Any) -> Desk:  # noqa: ANN401 - any field of a queue
    """Return a desk whose agents take two chats each; bruno and carla rest."""
    plain = company()
    agents = tuple(msgspec.structs.replace(one, capacity=TWO_CHATS) for one in plain.agents)
    queues = tuple(msgspec.structs.replace(one, **fields) for one in plain.queues)
    desk = Desk(msgspec.structs.replace(plain, agents=agents, queues=queues))
    desk.do(MakeAgentNotReady(agent=BRUNO, reason="break"))
    return desk


def come(desk: Desk, name: str) -> Decision:
    """Let a chat come to sales."""
    command = asked.QueueInteraction(leg=LegId(name), queue=SALES, channel=Channel.CHAT)
    return desk.do(command)


def one_of(desk: Desk, name: str) -> Interaction:
    """Return the interaction of a chat."""
    return next(i for i in desk.engine.state.interactions.values() if i.leg == name)


def accept(desk: Desk, name: str) -> Decision:
    """Let anna take a chat."""
    return desk.do(asked.AcceptOffer(agent=ANNA, interaction=one_of(desk, name).id))


def test_an_agent_has_as_many_as_his_capacity_and_no_telephone_is_touched() -> None:
    desk = desk_of()
    for name in ("chat-1", "chat-2", "chat-3"):
        come(desk, name)
    accept(desk, "chat-1")
    accept(desk, "chat-2")
    anna = desk.engine.state.agents[ANNA]
    assert [one.is_offer for one in anna.engaged] == [False, False]
    assert one_of(desk, "chat-3").state is InteractionState.QUEUED
    assert anna.state is AgentState.READY
    assert not [effect for decision in desk.decisions for effect in decision.effects]


def test_what_is_completed_frees_capacity_for_who_waits() -> None:
    desk = desk_of(wrap_up_for_ms=5000)
    for name in ("chat-1", "chat-2", "chat-3"):
        come(desk, name)
    accept(desk, "chat-1")
    accept(desk, "chat-2")
    done = asked.CompleteInteraction(agent=ANNA, interaction=one_of(desk, "chat-1").id)
    desk.do(done)
    assert one_of(desk, "chat-3").state is InteractionState.QUEUED, "wrap-up takes capacity"
    freed = desk.do(done)
    assert [e for e in freed.events if isinstance(e, calls.OfferMade)]


def test_a_customer_who_leaves_ends_it_after_the_wrap_up() -> None:
    desk = desk_of(wrap_up_for_ms=5000)
    come(desk, "chat-1")
    accept(desk, "chat-1")
    desk.do(asked.EndLeg(leg=LegId("chat-1"), outcome=COMPLETED, by_far_end=True))
    assert one_of(desk, "chat-1").state is InteractionState.WRAP_UP
    desk.do(Tick(), after_s=5)
    assert not desk.engine.state.interactions
    assert desk.engine.state.agents[ANNA].engaged == ()


def test_an_offer_nobody_takes_ends_by_itself_and_the_agent_rests() -> None:
    desk = desk_of()
    come(desk, "chat-1")
    missed = desk.do(Tick(), after_s=20)
    assert [e for e in missed.events if isinstance(e, calls.OfferMissed)]
    assert desk.engine.state.agents[ANNA].state is AgentState.NOT_READY
    assert one_of(desk, "chat-1").state is InteractionState.QUEUED
    with pytest.raises(Conflict, match="not offered"):
        accept(desk, "chat-1")


def test_who_declines_is_not_asked_again_at_once() -> None:
    desk = desk_of()
    come(desk, "chat-1")
    desk.do(asked.DeclineOffer(agent=ANNA, interaction=one_of(desk, "chat-1").id))
    assert desk.engine.state.agents[ANNA].reason == "declined-offer"


def test_work_whose_owner_shows_no_sign_returns_to_its_place() -> None:
    desk = desk_of(ownership=Ownership(first_reply_ms=30_000, idle_ms=60_000))
    come(desk, "chat-1")
    since = one_of(desk, "chat-1").enqueued_at
    accept(desk, "chat-1")
    desk.do(Tick(), after_s=20)
    desk.do(asked.NoteActivity(agent=ANNA, interaction=one_of(desk, "chat-1").id))
    desk.do(Tick(), after_s=59)
    assert one_of(desk, "chat-1").agent == ANNA
    lapsed = desk.do(Tick(), after_s=1)
    assert [e for e in lapsed.events if isinstance(e, calls.InteractionReturned)]
    one = one_of(desk, "chat-1")
    assert (one.state, one.enqueued_at, one.agent) == (InteractionState.QUEUED, since, None)
    assert desk.engine.state.agents[ANNA].engaged == ()


def test_a_restart_of_the_telephones_leaves_chats_alone() -> None:
    desk = desk_of()
    come(desk, "chat-1")
    accept(desk, "chat-1")
    assert desk.do(asked.ReconcileLegs(legs=())).is_empty


# ------------------------------------------------------------- REFER, lost recordings
NO_WAY = Outcome(Result.CLIENT_ERROR, OutcomeReason.NOT_FOUND)


def test_an_agent_passes_the_customer_on_from_his_telephone() -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    desk.do(asked.RequestTransfer(leg=ring.leg, target="<sip:target>"), after_s=30)
    passed = desk.do(asked.ConfirmTransfer(leg=ring.leg), after_s=5)
    (handed,) = [e for e in passed.events if isinstance(e, calls.InteractionHandedOn)]
    assert (handed.agent, handed.target) == (ANNA, "<sip:target>")
    only(passed, effects.StopRecording)
    assert desk.engine.state.agents[ANNA].state is AgentState.WRAP_UP
    desk.do(Tick(), after_s=5)
    assert desk.engine.state.agents[ANNA].state is AgentState.READY
    (interaction,) = desk.engine.state.interactions.values()
    assert interaction.state is InteractionState.TRANSFERRED
    over = desk.do(asked.EndLeg(leg=LegId("in-1"), outcome=COMPLETED, by_far_end=True))
    assert only(over, effects.HangUpLeg).leg == ring.leg
    ended = [e for e in over.events if isinstance(e, calls.InteractionEnded)]
    assert ended[0].outcome.reason is OutcomeReason.TRANSFERRED


@pytest.mark.parametrize("is_told", [True, False])
def test_a_passing_on_that_fails_leaves_the_two_talking(is_told: bool) -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    desk.do(asked.RequestTransfer(leg=ring.leg, target="<sip:target>"))
    if is_told:
        failed = desk.do(asked.FailTransfer(leg=ring.leg, outcome=NO_WAY))
    else:
        failed = desk.do(Tick(), after_s=180)
    assert [e for e in failed.events if isinstance(e, calls.ReferFailed)]
    (interaction,) = desk.engine.state.interactions.values()
    assert (interaction.state, interaction.refers_to) == (InteractionState.CONNECTED, "")


def test_a_recording_that_nobody_brings_is_said_to_be_lost() -> None:
    desk = Desk()
    ring = desk.connect_call("in-1")
    desk.do(asked.EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True))
    desk.do(Tick(), after_s=60)
    lost = desk.do(Tick(), after_s=3600)
    assert [e for e in lost.events if isinstance(e, calls.RecordingLost)]
    assert desk.engine.next_deadline() is None


def test_what_a_call_interrupts_is_not_taken_from_its_agent_meanwhile() -> None:
    desk = desk_of(ownership=Ownership(first_reply_ms=60_000))
    plain = desk.engine.state.configuration
    assert plain is not None
    channels = {
        Channel.CHAT: ChannelRule(most=2),
        Channel.VOICE: ChannelRule(interrupts=(Channel.CHAT,)),
    }
    capacity = Capacity(total=2, channels=channels)
    agents = tuple(msgspec.structs.replace(one, capacity=capacity) for one in plain.agents)
    desk.do(ConfigureTenant(configuration=msgspec.structs.replace(plain, agents=agents)))
    come(desk, "chat-1")
    accept(desk, "chat-1")
    ring = desk.connect_call("in-1")
    assert ring.agent == ANNA
    desk.do(Tick(), after_s=60)
    chat = one_of(desk, "chat-1")
    assert (chat.agent, chat.deadline) == (ANNA, desk.now + 60 * SECOND)
    desk.do(asked.EndLeg(leg=ring.leg, outcome=COMPLETED, by_far_end=True))
    desk.do(Tick(), after_s=5)
    desk.do(Tick(), after_s=55)
    assert one_of(desk, "chat-1").state is InteractionState.QUEUED
