# SPDX-License-Identifier: Apache-2.0
"""Which trunk a message belongs to, and what we expect of a trunk's peer.

A trunk is known by the names in the peer's verified certificate, by the source address, or by
the signed word of a trusted edge in front of us; where several trunks share one peer (Teams'
carrier model) the Request-URI host tells them apart. From and Contact count for nothing: anyone
can write them. Sources: Microsoft "Configure a Session Border Controller for multiple tenants",
RFC 5922, cert cases CON-15, MT-01 to MT-03.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.voice import edge_word
from centralino.adapters.voice.tls_diagnosis import covers
from centralino.core.kernel.errors import ConfigError, NotFound
from centralino.core.kernel.ids import TrunkId
from centralino.wire.sip.message import Message, Request

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import EdgeSettings, TrunkSettings, VoiceSettings
    from centralino.wire.sip.flow import Transport

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of one source: decided once per connection or address, then reused."""

    generation: int
    """``TrunkRegistry.generation`` of the decision; an older one must be asked again."""
    by_host: Mapping[str, TrunkId]
    """Request-URI host to trunk."""
    any_host: TrunkId | None
    """The trunk of other hosts."""
    edge: EdgeSettings | None
    messages_per_s: float
    message_burst: int

    @property
    def first(self) -> TrunkId | None:
        """Any one of the peer's trunks: responses need no finer answer."""
        return self.any_host or next(iter(self.by_host.values()), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """To whom one message belongs."""

    trunk: TrunkId | None
    refusal: str = ""
    """Why the message is refused, a short fixed word; empty: it is welcome."""


_WELCOME_FROM_EDGE = Verdict(None)
_UNKNOWN_HOST = Verdict(None, "unknown-host")
_UNSIGNED = Verdict(None, "edge-word-missing")
_FORGED = Verdict(None, "edge-word-wrong")
_FOREIGN = Verdict(None, "edge-trunk-unknown")


class _Rule:
    """One trunk's ways to be known, ready for use."""

    __slots__ = ("is_secure", "networks", "trunk")

    def __init__(self, trunk: TrunkSettings) -> None:
        self.trunk = trunk
        self.is_secure = trunk.transport == "tls"
        self.networks = [ip_network(text) for text in trunk.match.networks]

    def prefix(self, address: Address) -> int:
        """Length of the narrowest network that holds the address; 0: no rule; -1: outside."""
        if not self.networks:
            return 0
        return max((n.prefixlen for n in self.networks if address in n), default=-1)

    def match(self, address: Address, names: Sequence[str], *, is_secure: bool) -> int:
        """Return how well a source fits: -1 not at all, else the greater the better."""
        if is_secure != self.is_secure or self.trunk.edge is not None:
            return -1
        wanted = self.trunk.match.names
        if is_secure and wanted and not any(covers(names, name) for name in wanted):
            return -1
        return self.prefix(address)


class _Reach:
    """All networks of many rules, so that a stranger costs one look however many trunks."""

    __slots__ = ("_is_everywhere", "_networks")

    def __init__(self, rules: Iterable[_Rule]) -> None:
        own = [rule for rule in rules if rule.trunk.edge is None]
        self._is_everywhere = any(not rule.networks for rule in own)
        self._networks = list(dict.fromkeys(n for rule in own for n in rule.networks))

    def holds(self, address: Address) -> bool:
        """Tell whether any rule may fit the address."""
        return self._is_everywhere or any(address in network for network in self._networks)


class TrunkRegistry:
    """All trunks and edges; may be replaced while running (MT-06)."""

    def __init__(
        self,
        trunks: Iterable[TrunkSettings],
        edges: Iterable[EdgeSettings] = (),
        secrets: Mapping[str, bytes] | None = None,
    ) -> None:
        """Make a registry.

        Args:
            trunks: all trunks.
            edges: trusted edges.
            secrets: shared secret per edge name.

        Raises:
            ConfigError: two trunks cannot be told apart.
        """
        self.generation = 0
        self._edges = [(edge, [ip_network(n) for n in edge.networks]) for edge in edges]
        self._secrets = dict(secrets or {})
        self.headers = tuple(edge.header for edge, _ in self._edges)
        """Names of the headers that only an edge may write: removed from every message."""
        self.replace(trunks)

    @classmethod
    def from_settings(cls, settings: VoiceSettings) -> TrunkRegistry:
        """Make a registry, reading the edges' secrets from their files.

        Raises:
            ConfigError: a secret is missing or too short, or trunks cannot be told apart.
        """
        secrets = {}
        for edge in settings.edges:
            path = f"voice.edges[{edge.name}].secret_file"
            try:
                data = Path(edge.secret_file).read_bytes()
            except OSError as error:
                raise ConfigError(path, f"cannot be read: {error.strerror}") from error
            secrets[edge.name] = edge_word.check_secret(path, data)
        return cls(settings.trunks, settings.edges, secrets)

    def replace(self, trunks: Iterable[TrunkSettings]) -> None:
        """Take other trunks from now on; live connections are judged anew.

        Raises:
            ConfigError: two trunks cannot be told apart; the present ones stay.
        """
        kept = {trunk.trunk: trunk for trunk in trunks}
        _require_distinct(kept.values())
        self._trunks = kept
        self._rules = [_Rule(trunk) for trunk in kept.values()]
        self._plain = _Reach(rule for rule in self._rules if not rule.is_secure)
        self._secure = _Reach(rule for rule in self._rules if rule.is_secure)
        self.generation += 1

    def all(self) -> tuple[TrunkSettings, ...]:
        """Return the trunks in order of configuration."""
        return tuple(self._trunks.values())

    def settings(self, trunk: TrunkId) -> TrunkSettings:
        """Return a trunk.

        Raises:
            NotFound: there is no such trunk.
        """
        found = self._trunks.get(trunk)
        if found is None:
            raise NotFound("no such trunk", details={"trunk": trunk})
        return found

    # ---- who is it

    def may_connect(self, transport: Transport, address: str) -> bool:
        """Tell whether an address can be any trunk's, before a certificate was seen."""
        parsed = _parsed(address)
        if parsed is None:
            return False
        if any(parsed in network for _, networks in self._edges for network in networks):
            return True
        return (self._secure if transport == "tls" else self._plain).holds(parsed)

    def peer(self, transport: Transport, address: str, names: Sequence[str] = ()) -> Peer | None:
        """Return what is known of a source, None for a stranger.

        Args:
            transport: how it came.
            address: source address.
            names: names in the peer's verified certificate.
        """
        parsed = _parsed(address)
        if parsed is None:
            return None
        for edge, networks in self._edges:
            if any(parsed in network for network in networks):
                trunks = [t for t in self._trunks.values() if t.edge == edge.name]
                return self._peer(trunks, edge)
        is_secure = transport == "tls"
        if not (self._secure if is_secure else self._plain).holds(parsed):
            return None
        ranked = [
            (rule.match(parsed, names, is_secure=is_secure), rule.trunk) for rule in self._rules
        ]
        found = [pair for pair in ranked if pair[0] >= 0]
        found.sort(key=lambda pair: -pair[0])
        return self._peer([trunk for _, trunk in found], None) if found else None

    def peer_of(self, trunk: TrunkId) -> Peer:
        """Return the peer at the far end of a connection that we opened for a trunk.

        Raises:
            NotFound: there is no such trunk.
        """
        return self._peer([self.settings(trunk)], None)

    def identify(self, peer: Peer, message: Message, utc: int) -> Verdict:
        """Say which trunk a message belongs to; edge headers are removed from it.

        Args:
            peer: from where it came.
            message: parsed; loses what only an edge may write.
            utc: epoch nanoseconds, to judge the age of an edge's word.
        """
        word = None
        for name in self.headers:
            if name in message.headers:
                if peer.edge is not None and name == peer.edge.header:
                    word = message.headers.get(name)
                message.headers.remove(name)
        if peer.edge is not None:
            return self._identify_signed(peer.edge, peer, message, word, utc)
        if not peer.by_host or not isinstance(message, Request):
            return Verdict(peer.first)
        trunk = peer.by_host.get(uri_host(message.uri), peer.any_host)
        return Verdict(trunk) if trunk is not None else _UNKNOWN_HOST

    def _identify_signed(
        self, edge: EdgeSettings, peer: Peer, message: Message, word: str | None, utc: int
    ) -> Verdict:
        if not isinstance(message, Request):
            return Verdict(peer.first)
        if word is None:
            return _WELCOME_FROM_EDGE if message.method == "OPTIONS" else _UNSIGNED
        secret = self._secrets.get(edge.name, b"")
        named = edge_word.verify(secret, word, message.call_id, utc, edge.window_s)
        if named is None or not secret:
            return _FORGED
        trunk = self._trunks.get(TrunkId(named))
        if trunk is None or trunk.edge != edge.name:
            return _FOREIGN
        return Verdict(trunk.trunk)

    # ---- whom do we expect

    def expected_names(self, trunk: TrunkId | None, host: str) -> tuple[str, ...]:
        """Return the names of which a server's certificate must carry one."""
        found = self._trunks.get(trunk) if trunk is not None else None
        if found is not None:
            if found.server_name is not None:
                return (found.server_name.lower(),)
            if found.match.names:
                return tuple(name.lower() for name in found.match.names)
        return (host.lower(),)

    def _peer(self, trunks: Sequence[TrunkSettings], edge: EdgeSettings | None) -> Peer:
        by_host: dict[str, TrunkId] = {}
        any_host = None
        for trunk in trunks:
            for host in trunk.hosts:
                by_host.setdefault(host, trunk.trunk)
            if not trunk.hosts and any_host is None:
                any_host = trunk.trunk
        return Peer(
            generation=self.generation,
            by_host=by_host,
            any_host=any_host,
            edge=edge,
            messages_per_s=max((t.limits.messages_per_s for t in trunks), default=100.0),
            message_burst=max((t.limits.message_burst for t in trunks), default=200),
        )


def uri_host(uri: str) -> str:
    """Return the host of a SIP URI's text in lower case, without parsing the rest.

    Empty when there is none, or when it is not certain which it is: a second ``@`` is illegal
    everywhere (RFC 3261 25.1) and would let a peer name one host to us and another to the parser.

    >>> uri_host("sip:+390612345678@Cust1.sbc.test:5061;user=phone")
    'cust1.sbc.test'
    """
    user, mark, rest = uri.partition(":")[2].rpartition("@")
    if "@" in user:
        return ""
    if mark or not uri.lower().startswith("tel:"):
        rest = rest.partition("?")[0].partition(";")[0]
        if rest.startswith("["):
            return rest[1:].partition("]")[0].lower()
        return rest.partition(":")[0].lower()
    return ""


def plain_address(address: str) -> str:
    """Return an address without zone, and an IPv4 one that came through IPv6 as IPv4.

    >>> plain_address("::ffff:192.0.2.1")
    '192.0.2.1'
    """
    address = address.partition("%")[0]
    if address.startswith("::ffff:") and "." in address:
        return address[7:]
    return address


def _parsed(address: str) -> Address | None:
    try:
        return ip_address(plain_address(address))
    except ValueError:
        return None


def _require_distinct(trunks: Iterable[TrunkSettings]) -> None:
    seen: dict[tuple[object, ...], TrunkId] = {}
    for trunk in trunks:
        if trunk.edge is not None:
            continue
        match = trunk.match
        source = (trunk.transport == "tls", frozenset(match.names), frozenset(match.networks))
        for host in trunk.hosts or ("",):
            other = seen.setdefault((*source, host), trunk.trunk)
            if other != trunk.trunk:
                raise ConfigError(
                    f"voice.trunks[{trunk.trunk}].match",
                    f"cannot be told apart from trunk {other}",
                    "give other names, networks or hosts",
                )
