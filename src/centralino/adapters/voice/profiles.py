# SPDX-License-Identifier: Apache-2.0
"""What each kind of trunk understands, and the headers that follow from it.

Three profiles: the Direct Routing proxy itself, a certified border controller in front of
Teams, a carrier or PBX. Facts: Direct Routing finds the tenant by our Contact host, wants
``user=phone``, refuses Replaces and REFER from us, has neither UPDATE nor PRACK nor INFO,
and reads hold only as ``a=inactive`` (Microsoft "Direct Routing - SIP protocol"). An
anonymous caller's number appears in no header at all (RFC 3323, 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from centralino.adapters.voice.numbers import extension, is_e164, normalise, written
from centralino.wire.rtp import opus
from centralino.wire.sdp.stream import AudioProfile
from centralino.wire.sip.config import DEFAULT_ALLOW
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.uri import OtherUri, SipUri, parse_uri, sip_uri
from centralino.wire.sip.values import NameAddr, parse_history_info

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import NumberFormat, NumberSettings, TrunkSettings
    from centralino.wire.sdp.format import CodecName
    from centralino.wire.sip.flow import Hop
    from centralino.wire.sip.message import Request

_TEAMS_ALLOW = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "NOTIFY")
_ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
COMPLETED_ELSEWHERE = (("Reason", 'SIP;cause=200;text="Call completed elsewhere"'),)
"""On CANCEL: the rung user sees no missed call (Teams records 540200)."""
_CODECS: dict[str, CodecName] = {"PCMA": "PCMA", "PCMU": "PCMU", "G722": "G722", "opus": "opus"}
_SRTP: dict[str, Literal["required", "optional", "forbidden"]] = {
    "required": "required",
    "offered": "optional",
    "off": "forbidden",
}
_MAX_FORWARDED_BY = 10
_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of trunk understands."""

    is_teams: bool
    """The far side is Teams: its status codes, its silent 183."""
    may_refer: bool
    """We may send it REFER."""
    takes_info: bool
    """Keys may go as SIP INFO when telephone-event was not agreed."""
    takes_redirect: bool
    """It follows a 302."""
    holds_as_inactive: bool
    has_early_media: bool
    """Its 183 carries real audio; otherwise its early descriptions are not to be believed."""
    asserts_identity: bool
    """It wants P-Asserted-Identity beside From."""
    supported: tuple[str, ...]


PROFILES: dict[str, Profile] = {
    "teams-direct": Profile(
        is_teams=True,
        may_refer=False,
        takes_info=False,
        takes_redirect=False,
        holds_as_inactive=True,
        has_early_media=False,
        asserts_identity=False,
        supported=("timer", "replaces"),
    ),
    "behind-sbc": Profile(
        is_teams=True,
        may_refer=False,
        takes_info=False,
        takes_redirect=True,
        holds_as_inactive=True,
        has_early_media=False,
        asserts_identity=False,
        supported=("timer", "replaces"),
    ),
    "carrier": Profile(
        is_teams=False,
        may_refer=True,
        takes_info=True,
        takes_redirect=True,
        holds_as_inactive=False,
        has_early_media=True,
        asserts_identity=True,
        supported=("timer", "replaces"),
    ),
}
"""By the name in the trunk's settings."""


def profile_of(trunk: TrunkSettings) -> Profile:
    """Return what a trunk understands."""
    return PROFILES[trunk.profile]


def allow_of(trunk: TrunkSettings) -> tuple[str, ...]:
    """Return the Allow list towards a trunk; REFER in it asks Teams to transfer by REFER."""
    listed = _TEAMS_ALLOW if profile_of(trunk).is_teams else DEFAULT_ALLOW
    without = tuple(method for method in listed if method != "REFER")
    return (*without, "REFER") if trunk.allow_refer else without


def allow_line(trunk: TrunkSettings) -> tuple[str, str]:
    """Return the Allow header of our responses towards a trunk."""
    return "Allow", ", ".join(allow_of(trunk))


def audio_profile(trunk: TrunkSettings, *, g711_only: bool = False) -> AudioProfile:
    """Return how audio is negotiated on a trunk.

    Args:
        trunk: its settings.
        g711_only: the one fall-back after a 488.
    """
    names: tuple[str, ...] = trunk.codecs
    if g711_only:
        names = tuple(name for name in names if name.startswith("PCM")) or ("PCMA", "PCMU")
    codecs: tuple[CodecName, ...] = tuple(_CODECS[name] for name in names if _is_spoken(name))
    srtp = _SRTP[trunk.srtp]
    return AudioProfile(
        codecs=codecs, srtp=srtp, hold_as_inactive=profile_of(trunk).holds_as_inactive
    )


def _is_spoken(name: str) -> bool:
    """Whether our media workers speak a codec: Opus is an extra."""
    return name in _CODECS and (name != "opus" or opus.is_available())


# ---- what we write


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addressing of one INVITE of ours."""

    uri: str
    from_: str
    to: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom the callee shall see."""

    number: str | None
    """E.164; None is anonymous."""
    name: str | None = None


def addresses(trunk: TrunkSettings, hop: Hop, target: str, caller: Caller) -> Addresses:
    """Write Request-URI, From, To and identity headers.

    Args:
        trunk: where the call goes.
        hop: the proxy that is tried.
        target: E.164 number (may carry ``;ext=``) or a SIP URI, which is used verbatim.
        caller: whom the callee sees.
    """
    if target.startswith(("sip:", "sips:")):
        uri = to = target
    else:
        user = _written(target, trunk.numbers.called_format, trunk.numbers)
        uri = _phone_uri(user, hop.host, hop.port, hop.transport)
        to = _phone_uri(user, hop.host, None, "udp")
    from_, headers = identity(trunk, caller)
    return Addresses(uri, from_, f"<{to}>", headers)


def identity(trunk: TrunkSettings, caller: Caller) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the From value and the identity headers that show a caller to a trunk."""
    if caller.number is None:
        return _ANONYMOUS, (("Privacy", "id"),)
    user = _written(caller.number, trunk.numbers.caller_format, trunk.numbers)
    uri = _phone_uri(user, trunk.contact_host, None, "udp")
    from_ = str(NameAddr(_clean(caller.name), uri))
    if not profile_of(trunk).asserts_identity:
        return from_, ()
    return from_, (("P-Asserted-Identity", f"<{uri}>"),)


def _phone_uri(user: str, host: str, port: int | None, transport: str) -> str:
    params: tuple[tuple[str, str | None], ...] = (("user", "phone"),)
    if transport != "udp":
        params = (*params, ("transport", transport))
    base = sip_uri(f"[{host}]" if ":" in host else host, user=user)
    return str(SipUri("sip", base.user, base.host, port, params))


def _written(number: str, form: NumberFormat, numbers: NumberSettings) -> str:
    """Write a number as the trunk wants it; short numbers stay, an extension stays behind."""
    base, semicolon, rest = number.partition(";")
    return (written(base, form, numbers) if is_e164(base) else base) + semicolon + rest


def _clean(name: str | None) -> str | None:
    """Drop what cannot stand in a display name (header injection, SEC-03)."""
    if name is None:
        return None
    return "".join(c for c in name if c.isprintable() and c not in '"\\<>')[:_MAX_NAME] or None


# ---- what we read


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an incoming INVITE says."""

    called_number: str
    """E.164 where it has such a form, else as dialled."""
    caller_number: str | None
    """E.164 where possible, else as written; None: anonymous."""
    caller_name: str | None
    forwarded_by: tuple[str, ...]
    """Oldest first."""
    referred_by: str | None
    history_depth: int
    """Number of History-Info entries."""


def read_arrival(request: Request, trunk: TrunkSettings) -> Arrival:
    """Read who calls whom.

    Raises:
        SipParseError: an address cannot be read; its status answers the request.
    """
    called = _number_of(request.uri, trunk) or ""
    from_ = request.from_
    caller: str | None = None
    name: str | None = None
    if not _is_private(request, from_):
        caller = _number_of(from_.uri, trunk)
        name = _clean(from_.display)
    forwarded, depth = _forwarded_by(request, trunk, called)
    return Arrival(called, caller, name, forwarded, request.headers.get("Referred-By"), depth)


def _is_private(request: Request, from_: NameAddr) -> bool:
    privacy = (request.headers.get("Privacy") or "").lower()
    if privacy and privacy != "none":
        return True
    lowered = from_.uri.lower()
    return "anonymous.invalid" in lowered or "sip:anonymous@" in lowered


def _number_of(uri_text: str, trunk: TrunkSettings) -> str | None:
    uri = parse_uri(uri_text)
    user = uri.rest if isinstance(uri, OtherUri) else uri.user_text
    if not user:
        return None
    number = normalise(user, trunk.numbers)
    if number is None:
        return user.partition(";")[0]
    ext = extension(user)
    return number if ext is None else f"{number};ext={ext}"


def _forwarded_by(
    request: Request, trunk: TrunkSettings, called: str
) -> tuple[tuple[str, ...], int]:
    headers = request.headers
    if "History-Info" not in headers and "Diversion" not in headers:
        return (), 0
    try:
        entries = parse_history_info(headers.get_all("History-Info"))
        found = [
            _number_of(str(entry.address.parsed_uri()).partition("?")[0], trunk)
            for entry in entries
        ]
        if not found:
            found = [
                _number_of(NameAddr.parse(value).uri, trunk)
                for value in reversed(headers.values("Diversion"))
            ]
    except SipParseError:
        return (), 0
    numbers = [number for number in found if number]
    if numbers and numbers[-1] == called:
        numbers.pop()
    return tuple(numbers[:_MAX_FORWARDED_BY]), len(entries)
