# SPDX-License-Identifier: Apache-2.0

"""What an agent may still take beside what he has: capacity, costs, exclusion, interruption.

An agent has a capacity in units of his own choice; each piece of work costs some of it for
as long as it is his, from the offer to the end of its wrap-up. Pure: no clock, no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from centralino.core.interactions.channel import Channel
from centralino.core.kernel.ids import InteractionId

MOST_CAPACITY = 100_000
"""Largest capacity and cost that a configuration may name."""


class Engagement(msgspec.Struct, frozen=True):
    """One piece of work that is an agent's, or is offered to him."""

    interaction: InteractionId
    channel: Channel
    is_offer: bool = False
    """Not accepted yet, or recalled and his phone not quiet yet."""


class ChannelRule(msgspec.Struct, frozen=True, kw_only=True):
    """What work of one channel asks of an agent."""

    cost: int = 1
    """Units of his capacity that one piece of work takes; 0 or more."""
    most: int = 1
    """So many at once."""
    is_exclusive: bool = False
    """Nothing else goes on beside it, whatever capacity is left."""
    interrupts: tuple[Channel, ...] = ()
    """Work of these channels does not count when this one is to be offered: it can be laid
    aside, and goes on afterwards."""


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent takes at once. As it comes: one piece of work, of any channel."""

    total: int = 1
    """Units."""
    channels: dict[Channel, ChannelRule] = {}
    """A channel that is left out costs one unit, may come once, and is exclusive when it is
    voice."""
    most_offers: int = 1
    """So many offers open at once."""

    def rule(self, channel: Channel) -> ChannelRule:
        """Return what holds for a channel."""
        return self.channels.get(channel) or _DEFAULT_RULES[channel]


_DEFAULT_RULES: Mapping[Channel, ChannelRule] = {
    channel: ChannelRule(is_exclusive=channel is Channel.VOICE) for channel in Channel
}


def may_take(capacity: Capacity, engaged: Iterable[Engagement], channel: Channel) -> bool:
    """Tell whether an agent may be offered work of ``channel`` beside what he has.

    >>> chat = Engagement(InteractionId("i-1"), Channel.CHAT)
    >>> two_chats = Capacity(total=2, channels={Channel.CHAT: ChannelRule(most=2)})
    >>> may_take(two_chats, (chat,), Channel.CHAT), may_take(two_chats, (chat,), Channel.VOICE)
    (True, False)
    """
    rule = capacity.rule(channel)
    used, same, offers = 0, 0, 0
    for one in engaged:
        its_rule = capacity.rule(one.channel)
        offers += one.is_offer
        same += one.channel is channel
        if one.channel in rule.interrupts:
            continue
        if rule.is_exclusive or its_rule.is_exclusive:
            return False
        used += its_rule.cost
    return same < rule.most and offers < capacity.most_offers and used + rule.cost <= capacity.total


def is_laid_aside(capacity: Capacity, engaged: Iterable[Engagement], channel: Channel) -> bool:
    """Tell whether something that an agent has interrupts his work of ``channel``.

    >>> calls_first = Capacity(channels={Channel.VOICE: ChannelRule(interrupts=(Channel.MAIL,))})
    >>> call = Engagement(InteractionId("i-1"), Channel.VOICE)
    >>> is_laid_aside(calls_first, (call,), Channel.MAIL)
    True
    """
    return any(channel in capacity.rule(one.channel).interrupts for one in engaged)


def used_capacity(capacity: Capacity, engaged: Iterable[Engagement]) -> int:
    """Return the units that an agent's work takes now; interrupted work counts too."""
    return sum(capacity.rule(one.channel).cost for one in engaged)
