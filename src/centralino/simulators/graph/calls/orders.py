# SPDX-License-Identifier: Apache-2.0
"""What an application asks and what it is answered, before HTTP and after it.

Reading of the members of a request's body, with Graph's errors for what is wrong: nothing here
knows what the request is about.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from centralino.simulators.http.messages import Refusal
from centralino.wire.graph.errors import GraphProtocolError
from centralino.wire.graph.identity import Identity, read_identity
from centralino.wire.graph.states import read_word

if TYPE_CHECKING:
    from enum import StrEnum

    from centralino.simulators.graph.callers import Caller
    from centralino.simulators.graph.calls.call import ServiceCall

Json = dict[str, object]
MOST_CONTEXT: Final = 256
"""Characters of a ``clientContext``."""
MOST_URI: Final = 2_048
W = TypeVar("W", bound="StrEnum")


@dataclass(frozen=True, slots=True)
class Order:
    """One request."""

    caller: Caller
    base_url: str
    """Under which the service was reached, with the version: links are built on it."""
    body: Mapping[str, object] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    call: ServiceCall | None = None

    @property
    def its_call(self) -> ServiceCall:
        """The call that the path names."""
        assert self.call is not None  # noqa: S101 - the table found it
        return self.call


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: Json | None = None
    location: str = ""


def bad(message: str) -> Refusal:
    """Return what answers a request that cannot be understood."""
    return Refusal(400, "BadRequest", message)


def forbidden(code: str, message: str) -> Refusal:
    """Return what answers a request that is not allowed; ``code`` is a number as text."""
    return Refusal(403, code, message)


def no_permission(needed: str = "") -> Refusal:
    """Return what answers a token without the permission that is needed."""
    message = "Insufficient enterprise tenant permissions, cannot access this API."
    return forbidden("7504", f"{message} Needed: {needed}." if needed else message)


def not_found() -> Refusal:
    """Return what answers a call that is not there."""
    return Refusal(404, "8522", "Call not found.")


def no_participant() -> Refusal:
    """Return what answers for a participant who is not there."""
    return Refusal(404, "itemNotFound", "Participant not found.")


def wrong_state(message: str) -> Refusal:
    """Return what answers an action that the call's state does not allow."""
    return Refusal(409, "Conflict", message)


def text(body: Mapping[str, object], name: str, *, most: int = MOST_URI) -> str:
    """Return an optional text; empty for none.

    Raises:
        Refusal: it is no text, or too long.
    """
    found = body.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise bad(f"'{name}' must be a string.")
    if len(found) > most:
        raise bad(f"'{name}' is longer than {most} characters.")
    return found


def context(body: Mapping[str, object]) -> str | None:
    """Return the ``clientContext``.

    Raises:
        Refusal: it is no text or too long.
    """
    return text(body, "clientContext", most=MOST_CONTEXT) or None


def number(body: Mapping[str, object], name: str, default: int, *, least: int, most: int) -> int:
    """Return an optional whole number.

    Raises:
        Refusal: it is none, or out of range.
    """
    found = body.get(name)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int):
        raise bad(f"'{name}' must be an integer.")
    if not least <= found <= most:
        raise bad(f"'{name}' must be between {least} and {most}.")
    return found


def flag(body: Mapping[str, object], name: str, *, default: bool) -> bool:
    """Return an optional truth value.

    Raises:
        Refusal: it is none.
    """
    found = body.get(name)
    if found is None:
        return default
    if not isinstance(found, bool):
        raise bad(f"'{name}' must be a boolean.")
    return found


def word(body: Mapping[str, object], name: str, kind: type[W]) -> W | None:
    """Return an optional member of a closed set, in any case.

    Raises:
        Refusal: it is not in the set.
    """
    found = body.get(name)
    if found is None:
        return None
    read = read_word(kind, found)
    if read is None:
        raise bad(f"'{name}' has no value {str(found)[:40]!r}.")
    return read


def thing(body: Mapping[str, object], name: str) -> Json | None:
    """Return an optional object.

    Raises:
        Refusal: it is none.
    """
    found = body.get(name)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise bad(f"'{name}' must be an object.")
    return found


def things(body: Mapping[str, object], name: str, *, most: int) -> list[Json]:
    """Return an optional list of objects; empty for none.

    Raises:
        Refusal: it is no such list, or longer than ``most``.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad(f"'{name}' must be a list of objects.")
    if len(found) > most:
        raise bad(f"'{name}' has more than {most} items.")
    return found


def words(body: Mapping[str, object], name: str, *, most: int) -> list[str]:
    """Return an optional list of texts; empty for none.

    Raises:
        Refusal: it is no such list, or longer than ``most``.
    """
    found = body.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise bad(f"'{name}' must be a list of strings.")
    if len(found) > most:
        raise bad(f"'{name}' has more than {most} items.")
    return found


def who(body: Mapping[str, object], name: str = "identity") -> Identity:
    """Return the party that an identity set names.

    Raises:
        Refusal: it names nobody.
    """
    try:
        found = read_identity(body.get(name))
    except GraphProtocolError as error:
        raise bad(f"'{name}': {error}.") from error
    if found is None:
        raise bad(f"'{name}' names nobody.")
    return found


def web_address(address: str, name: str, *, http: str) -> str:
    """Return an address that may be called; ``http`` says when plain http is taken.

    Raises:
        Refusal: it is none, or not https where https is wanted.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError as error:
        raise bad(f"'{name}' is no address.") from error
    if not host or parts.scheme not in {"http", "https"} or len(address) > MOST_URI:
        raise bad(f"'{name}' must be an absolute https address.")
    is_plain_fine = http == "always" or (http == "loopback" and _is_loopback(host))
    if parts.scheme == "http" and not is_plain_fine:
        raise bad(f"'{name}' must use https.")
    return address


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def any_role(caller: Caller, roles: Sequence[str]) -> None:
    """Go on only with one of the roles.

    Raises:
        Refusal: the token has none of them.
    """
    if caller.roles.isdisjoint(roles):
        raise no_permission(" or ".join(roles))
