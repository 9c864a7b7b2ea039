# SPDX-License-Identifier: Apache-2.0
"""What may be expected of a case: the closed vocabulary, without the judging.

``judging`` turns each kind into a verdict over the evidence. A pattern of a ladder reads
``> INVITE`` (request of the product), ``< 180 INVITE`` (response of the far side), with
``+sdp`` for a body. ``call`` names a user, a caller, ``options``, or ``teams`` for all calls
to Teams users of the case.
"""

from __future__ import annotations

import msgspec

from centralino.certification.stage import Value


class Expected(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="check"
):
    """One expectation."""

    text: str
    """A sentence for the report."""


class Ladder(Expected, frozen=True, kw_only=True, tag="ladder"):
    """Messages that pass in this order, others between them."""

    call: str
    shows: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    times: dict[str, int] = {}
    at_most_times: dict[str, int] = {}
    at_each_proxy: bool = False


class Gap(Expected, frozen=True, kw_only=True, tag="gap"):
    """Time from each message to the next of another pattern in the same transaction."""

    call: str
    since: str
    until: str
    at_most_ms: float


class Header(Expected, frozen=True, kw_only=True, tag="header"):
    """A header of every message of a pattern matches a regular expression as a whole."""

    call: str
    message: str
    name: str
    matches: str


class Moments(Expected, frozen=True, kw_only=True, tag="moments"):
    """Time between two marks."""

    since: str
    until: str
    at_most_ms: float


class Far(Expected, frozen=True, kw_only=True, tag="far"):
    """Lines of the far side's report about a person; every one must fit."""

    what: str
    user: str = ""
    caller: str = ""
    fields: dict[str, Value] = {}
    at_most: dict[str, float] = {}


class Hears(Expected, frozen=True, kw_only=True, tag="hears"):
    """The tones that somebody heard in his call are those of these people, no more, no less."""

    user: str = ""
    caller: str = ""
    users: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()


class Audible(Expected, frozen=True, kw_only=True, tag="audible"):
    """Share of the time between two marks in which a caller heard anything at all."""

    caller: str
    since: str
    until: str
    at_least: float


class Keys(Expected, frozen=True, kw_only=True, tag="keys"):
    """The keys that somebody heard, in order."""

    user: str = ""
    caller: str = ""
    keys: str


class JournalShows(Expected, frozen=True, kw_only=True, tag="journal"):
    """Events of the product's record in this order: a name, then words that must appear."""

    caller: str = ""
    from_user: str = ""
    """The call that a Teams user placed; neither: everything in the case's time."""
    shows: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    times: dict[str, int] = {}


class Routed(Expected, frozen=True, kw_only=True, tag="routed"):
    """From the choice of an agent to the INVITE that reaches the far side."""

    caller: str
    user: str
    at_most_ms: float


class Relayed(Expected, frozen=True, kw_only=True, tag="relay"):
    """From a message of one call to a message of another."""

    first: str
    pattern: str
    second: str
    then: str = "> INVITE"
    at_most_ms: float


class Ringing(Expected, frozen=True, kw_only=True, tag="ringing"):
    """From INVITE to CANCEL it takes the queue's ringing time."""

    user: str
    within_ms: float


class Tags(Expected, frozen=True, kw_only=True, tag="tags"):
    """How many To tags came in responses to one INVITE."""

    user: str
    at_least: int
    is_answer_new: bool = False
    """The tag of the 200 was in no response before."""


class Hunt(Expected, frozen=True, kw_only=True, tag="hunt"):
    """The proxies that a caller's first INVITE to Teams went to, in order (1 to 3)."""

    caller: str
    proxies: tuple[int, ...]
    at_most_ms: float = 0.0
    """Between the first and the last; 0: any."""


class Logged(Expected, frozen=True, kw_only=True, tag="logged"):
    """The product's log has a line with these fields and words."""

    event: str
    fields: dict[str, Value] = {}
    has: tuple[str, ...] = ()


class Cadence(Expected, frozen=True, kw_only=True, tag="cadence"):
    """Between two marks OPTIONS went to each proxy no faster and no slower than configured."""

    since: str
    until: str


class BackOff(Expected, frozen=True, kw_only=True, tag="back-off"):
    """Between two marks refused TLS connections were no more than the back-off allows."""

    since: str
    until: str


class Probed(Expected, frozen=True, kw_only=True, tag="probed"):
    """What became of a probe: a status, ``refused``, or ``connected``."""

    probe: str
    result: str
    codec: str = ""
    """First payload type of the answer."""
    certificate: str = ""
    """``old`` or ``new``: which certificate the product showed."""


class Configuration(Expected, frozen=True, kw_only=True, tag="configuration"):
    """The product refuses a trunk with this contact host."""

    contact_host: str


class Recording(Expected, frozen=True, kw_only=True, tag="recording"):
    """The recording has the caller's tone on one channel and the user's on the other."""

    caller: str
    user: str


Expectation = (
    Ladder
    | Gap
    | Header
    | Moments
    | Far
    | Hears
    | Audible
    | Keys
    | JournalShows
    | Routed
    | Relayed
    | Ringing
    | Tags
    | Hunt
    | Logged
    | Cadence
    | BackOff
    | Probed
    | Configuration
    | Recording
)
