# SPDX-License-Identifier: Apache-2.0
"""Digest authentication, both sides (RFC 7616 as used by SIP: RFC 3261 22, RFC 8760).

Client: `authorise` turns a challenge into the header value that answers it. Server:
`NonceStore` issues nonces that need no memory until they are used, `challenge` writes the
question, `verify` judges the answer. MD5 and SHA-256, with their `-sess` forms on the
client side; qop `auth`, and `auth-int` on the client side.

Invariants: a password or hash never shows in a `repr`; a nonce count is accepted once;
comparisons take constant time. No randomness and no clock: cnonce and `now` come in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from centralino.wire.errors import LocalProtocolError
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.grammar import quote

if TYPE_CHECKING:
    from centralino.wire.sip.values import AuthValue

Algorithm = Literal["MD5", "SHA-256"]
Verdict = Literal["accepted", "stale", "denied"]
"""`stale`: the nonce is old or used up, the password was not judged; challenge again."""

DEFAULT_NONCE_TTL_S = 300
"""How long a nonce may be used. Unit: seconds."""
MAX_USED_NONCES = 10_000
"""How many used nonces are remembered; one forgotten, and all issued before it,
count as stale."""
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and password, optionally bound to one realm."""

    username: str
    password: str = field(repr=False)
    realm: str | None = None
    """Answer challenges of this realm only; None answers any."""


def _hash(algorithm: str, text: str | bytes) -> str:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    if algorithm.startswith("SHA-256"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _response(
    algorithm: str, secret_hash: str, params: dict[str, str], method: str, body: bytes
) -> str:
    """Compute the response from the credentials' parameters (RFC 7616 3.4.1)."""
    if algorithm.lower().endswith("-sess"):
        secret_hash = _hash(algorithm, f"{secret_hash}:{params['nonce']}:{params['cnonce']}")
    asked = f"{method}:{params['uri']}"
    qop = params.get("qop")
    if qop == "auth-int":
        asked += f":{_hash(algorithm, body)}"
    middle = params["nonce"]
    if qop:
        middle += f":{params['nc']}:{params['cnonce']}:{qop}"
    return _hash(algorithm, f"{secret_hash}:{middle}:{_hash(algorithm, asked)}")


def _secret_hash(algorithm: str, credentials: Credentials, realm: str) -> str:
    return _hash(algorithm, f"{credentials.username}:{realm}:{credentials.password}")


def authorise(  # noqa: PLR0913 - the inputs of RFC 7616 3.4, all of them plain
    challenge: AuthValue,
    credentials: Credentials,
    method: str,
    uri: str,
    body: bytes,
    nc: int,
    cnonce: str,
) -> str:
    """Return the Authorization (or Proxy-Authorization) value that answers a challenge.

    Args:
        challenge: What `parse_auth` made of WWW-Authenticate or Proxy-Authenticate.
        credentials: Who we are.
        method: Method of the request.
        uri: Its Request-URI, as written.
        body: Its body; hashed only when the peer insists on `auth-int`.
        nc: How often this nonce was used, this time included; from 1.
        cnonce: Unguessable text, unique per request.

    Raises:
        SipParseError: The challenge is not one we can or may answer: another scheme,
            algorithm, qop or realm, or no nonce.
    """
    asked = dict(challenge.params)
    algorithm = asked.get("algorithm", "MD5")
    realm, nonce = asked.get("realm"), asked.get("nonce")
    if challenge.scheme.lower() != "digest" or realm is None or not nonce:
        raise SipParseError("bad-challenge")
    if algorithm.upper() not in ("MD5", "SHA-256", "MD5-SESS", "SHA-256-SESS"):
        raise SipParseError("unknown-digest-algorithm")
    if credentials.realm is not None and credentials.realm != realm:
        raise SipParseError("foreign-realm")
    params = {"username": credentials.username, "realm": realm, "nonce": nonce, "uri": uri}
    params["cnonce"] = cnonce
    qop = _choose_qop(asked.get("qop"))
    if qop:
        params |= {"qop": qop, "nc": f"{nc:08x}"}
    upper = algorithm.upper()
    secret_hash = _secret_hash(upper, credentials, realm)
    params["response"] = _response(upper, secret_hash, params, method, body)
    if not qop and not upper.endswith("-SESS"):
        del params["cnonce"]
    if "opaque" in asked:
        params["opaque"] = asked["opaque"]
    written = [
        f"{name}={value if name in ('qop', 'nc') else quote(value)}"
        for name, value in params.items()
    ]
    if "algorithm" in asked:
        written.append(f"algorithm={algorithm}")
    return f"Digest {', '.join(written)}"


def _choose_qop(offered: str | None) -> str | None:
    if offered is None:
        return None
    options = [option.strip().lower() for option in offered.split(",")]
    for option in ("auth", "auth-int"):
        if option in options:
            return option
    raise SipParseError("unknown-digest-qop")


class NonceStore:
    """Issues nonces, recognises its own, and accepts each nonce count once.

    A nonce carries its time and a signature, so an unanswered challenge costs no memory.
    """

    __slots__ = ("_forgotten", "_issued", "_secret", "_ttl_ns", "_used")

    def __init__(self, secret: bytes, ttl_s: int = DEFAULT_NONCE_TTL_S) -> None:
        """Start empty; `secret` is 16 or more unguessable bytes, new per process."""
        if len(secret) < 16:
            raise LocalProtocolError("nonce-secret-too-short")
        self._secret = secret
        self._ttl_ns = ttl_s * _NS
        self._issued = 0
        self._forgotten = 0
        self._used: OrderedDict[str, int] = OrderedDict()

    def issue(self, now: int) -> str:
        """Return a nonce that was never issued before. Unit of `now`: nanoseconds."""
        self._issued += 1
        stamp = f"{now:x}-{self._issued:x}"
        return f"{stamp}-{self._sign(stamp)}"

    def is_own(self, nonce: str) -> bool:
        """Tell whether this store issued the nonce, however long ago."""
        stamp, dash, signature = nonce.rpartition("-")
        own = self._sign(stamp)
        return bool(dash) and hmac.compare_digest(
            signature.encode("utf-8", "surrogateescape"), own.encode("ascii")
        )

    def is_fresh(self, nonce: str, now: int) -> bool:
        """Tell whether an own nonce is young enough to be used."""
        return 0 <= now - int(nonce.partition("-")[0], 16) <= self._ttl_ns

    def use(self, nonce: str, count: int) -> bool:
        """Spend one nonce count; False when it, or a higher one, was spent before."""
        former = self._used.get(nonce)
        if former is None and _sequence(nonce) <= self._forgotten:
            return False
        if count <= (former or 0):
            return False
        self._used[nonce] = count
        self._used.move_to_end(nonce)
        while len(self._used) > MAX_USED_NONCES:
            oldest, _ = self._used.popitem(last=False)
            self._forgotten = max(self._forgotten, _sequence(oldest))
        return True

    def _sign(self, stamp: str) -> str:
        data = stamp.encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, data, hashlib.sha256).hexdigest()[:32]


def _sequence(nonce: str) -> int:
    return int(nonce.split("-")[1], 16)


def challenge(
    realm: str, nonce: str, *, algorithm: Algorithm = "SHA-256", stale: bool = False
) -> str:
    """Write the value of WWW-Authenticate or Proxy-Authenticate.

    To offer both algorithms send two headers, the better one first (RFC 8760 2.4).
    """
    flag = ", stale=true" if stale else ""
    return (
        f"Digest realm={quote(realm)}, nonce={quote(nonce)}, "
        f'algorithm={algorithm}, qop="auth"{flag}'
    )


def verify(
    answer: AuthValue,
    method: str,
    uri: str,
    credentials: Credentials,
    nonces: NonceStore,
    now: int,
) -> Verdict:
    """Judge the credentials of a request.

    Args:
        answer: What `parse_auth` made of Authorization or Proxy-Authorization.
        method: Method of the request.
        uri: Its Request-URI as written; the answer must name the same.
        credentials: Who may pass, with the realm of our challenge.
        nonces: The store that issued the challenge's nonce.
        now: Monotonic time. Unit: nanoseconds.

    Returns:
        `accepted`; `stale` when only the nonce is too old or its count was used (challenge
        again with `stale=true`); `denied` for everything else.
    """
    params = dict(answer.params)
    algorithm = params.get("algorithm", "MD5").upper()
    nonce = params.get("nonce", "")
    is_sound = (
        answer.scheme.lower() == "digest"
        and algorithm in ("MD5", "SHA-256")
        and params.get("qop", "").lower() == "auth"
        and params.get("uri") == uri
        and params.get("realm") == credentials.realm
        and params.get("username") == credentials.username
        and "cnonce" in params
    )
    count = _nonce_count(params.get("nc", ""))
    if not is_sound or count is None or not nonces.is_own(nonce):
        return "denied"
    secret_hash = _secret_hash(algorithm, credentials, credentials.realm or "")
    params["qop"] = "auth"
    expected = _response(algorithm, secret_hash, params, method, b"")
    given = params.get("response", "").lower().encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(expected.encode("ascii"), given):
        return "denied"
    if not nonces.is_fresh(nonce, now) or not nonces.use(nonce, count):
        return "stale"
    return "accepted"


def _nonce_count(text: str) -> int | None:
    try:
        count = int(text, 16) if len(text) == 8 and text.isalnum() and text.isascii() else 0
    except ValueError:
        return None
    return count or None
