# SPDX-License-Identifier: Apache-2.0
"""Settings of the voice process: listeners, certificates, trunks, limits.

Plain values, read once at start; an unknown key is an error. Secrets are only named by file,
never held here. Rules between fields are checked where the structs are made, so that a wrong
configuration is told before a socket opens. Names and figures of the Direct Routing profile
follow Microsoft's "Plan Direct Routing" and "Direct Routing - SIP protocol".
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from centralino.core.kernel.errors import ConfigError
from centralino.core.kernel.ids import TenantId, TrunkId
from centralino.wire.sip.flow import Transport

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[int, Meta(ge=1)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
TrunkProfile = Literal["teams-direct", "behind-sbc", "carrier"]
"""``teams-direct``: the Direct Routing SIP proxy itself; ``behind-sbc``: a certified session
border controller between us and Teams; ``carrier``: a PSTN side or a PBX."""
NumberFormat = Literal["e164", "e164-no-plus", "international-00", "national"]
"""How numbers are written towards a trunk."""

TEAMS_CIPHERS = (
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES128-SHA256",
)
"""The four suites documented for Direct Routing, strongest first ("Plan Direct Routing")."""

TEAMS_NETWORKS = ("52.112.0.0/14", "52.120.0.0/14")
"""Where the commercial cloud's proxies send from, in both directions, from any address of it."""

TEAMS_PROXIES = (
    "sip.pstnhub.microsoft.com",
    "sip2.pstnhub.microsoft.com",
    "sip3.pstnhub.microsoft.com",
)
"""Order of fail-over: best data centre, second region, third region."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all settings share: immutable, no unknown keys."""


class TlsSettings(Settings, frozen=True, kw_only=True):
    """Our certificate and what we demand of a peer's."""

    certificate_file: str
    """PEM: our certificate, then every intermediate. Teams refuses an incomplete chain."""
    private_key_file: str
    """PEM, unencrypted, readable by us alone."""
    trusted_roots_file: str | None = None
    """PEM of the roots we accept. None: the machine's store."""
    minimum_version: Literal["1.2", "1.3"] = "1.2"
    """Lowest TLS version. Direct Routing documents 1.2 only."""
    ciphers: tuple[str, ...] = TEAMS_CIPHERS
    """TLS 1.2 suites in OpenSSL's names, in order of preference. TLS 1.3 has its own."""
    require_client_certificate: bool = True
    """Refuse a peer that connects without a certificate we trust (mutual TLS). It must be fit
    for the usage clientAuth; public authorities stop issuing that in 2026. False asks for no
    certificate: then trunks are known by their networks, and only the certificates of peers
    we connect to are checked."""
    reload_s: PositiveSeconds = 30.0
    """How often the files are looked at for a change, seconds."""
    retire_s: PositiveSeconds = 60.0
    """After a reload a connection with the old certificate is closed when idle, and at the
    latest after this time, seconds (CON-13)."""
    expiry_warning_days: Positive = 30
    """An alarm tells of the end of our certificate this long before; as Teams does."""


class ListenerSettings(Settings, frozen=True, kw_only=True):
    """One socket that takes SIP."""

    transport: Transport
    address: str = "127.0.0.1"
    """IPv4 or IPv6 literal to bind."""
    port: Port = 5060
    """0 lets the system choose (tests)."""
    backlog: Positive = 512
    """Connections that the system queues before we accept them."""


class EdgeSettings(Settings, frozen=True, kw_only=True):
    """A proxy of ours in front (say Kamailio) that ends TLS and tells the trunk, signed.

    Its header reads ``<trunk>;t=<Unix seconds>;mac=<hex>`` where mac is HMAC-SHA-256 over
    Call-ID, trunk and t, joined by line feeds. The header is removed from every message.
    """

    name: str
    networks: tuple[str, ...]
    """CIDR blocks the edge sends from."""
    secret_file: str
    """File with the shared secret, at least 16 bytes; surrounding space does not count."""
    header: str = "X-Edge-Trunk"
    window_s: PositiveSeconds = 30.0
    """Largest difference between t and our clock, seconds: bounds a replay."""


class MatchRule(Settings, frozen=True, kw_only=True):
    """Who belongs to a trunk. What From or Contact claim never counts.

    ``names`` and ``networks`` must both hold where both are given.
    """

    names: tuple[str, ...] = ()
    """Names in the peer's certificate; ``*.example.net`` covers one label (RFC 6125 6.4.3)."""
    networks: tuple[str, ...] = ()
    """CIDR blocks of the source address."""
    hosts: tuple[str, ...] = ()
    """Request-URI hosts: which of several trunks with the same peer (Teams' carrier model).
    Empty: any; for ``teams-direct`` the contact host."""


class CredentialsSettings(Settings, frozen=True, kw_only=True):
    """Digest credentials (RFC 3261 22) that a carrier asks of us."""

    username: str
    password_file: str
    realm: str | None = None
    """None: any realm the trunk names."""


class OptionsSettings(Settings, frozen=True, kw_only=True):
    """OPTIONS in both directions: health, and for Teams the condition to get calls at all."""

    enabled: bool = True
    interval_s: Annotated[float, Meta(ge=0.01, le=180)] = 60.0
    """Time between two per proxy, seconds; Teams wants 60 to 180. Below 60 is for tests and
    refused for ``teams-direct`` (unless ``is_lab``)."""
    jitter_s: Annotated[float, Meta(ge=0, le=60)] = 10.0
    """Added at random to each interval, so that trunks do not march in step, seconds."""
    losses_to_down: Positive = 3
    """So many in a row without an answer make a proxy down (CON-04)."""
    one_way_s: PositiveSeconds = 300.0
    """A peer that asked once and is silent for this long is ``one-way`` (CON-05), seconds."""


class TrunkLimits(Settings, frozen=True, kw_only=True):
    """How much one trunk may ask of us; beyond it: 503 with Retry-After."""

    max_calls: Positive = 500
    """Calls at a time, both directions."""
    calls_per_s: PositiveSeconds = 50.0
    """New calls per second over time, both directions."""
    burst: Positive = 100
    """New calls at once."""
    messages_per_s: PositiveSeconds = 2000.0
    """SIP messages per second and source address; more are dropped and counted."""
    message_burst: Positive = 4000
    alarm_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.9
    """Share of ``max_calls`` at which an alarm is raised (LOD-02)."""


class ProxySettings(Settings, frozen=True, kw_only=True):
    """One address of the far side."""

    host: str
    """Name (resolved as RFC 3263 says) or literal address."""
    port: Port | None = None
    """None: the resolver decides (SRV), else the transport's default."""


class NumberSettings(Settings, frozen=True, kw_only=True):
    """How numbers look on a trunk. Inside we know only E.164 with plus."""

    country: str = "IT"
    """ISO 3166 region by which numbers without plus are read."""
    caller_format: NumberFormat = "e164"
    """Written in From and P-Asserted-Identity towards the trunk."""
    called_format: NumberFormat = "e164"
    """Written in Request-URI and To towards the trunk."""
    international_prefix: str = "00"
    """Dialled before the country code; written with the form ``international-00``."""


class TrunkSettings(Settings, frozen=True, kw_only=True):
    """One SIP peer of one tenant, or a carrier."""

    trunk: TrunkId
    tenant: TenantId
    """Whose it is: calls that arrive on it are this tenant's."""
    shared_with: tuple[TenantId, ...] = ()
    """Further tenants that may place calls on it, each by its id."""
    profile: TrunkProfile
    transport: Transport = "tls"
    proxies: tuple[ProxySettings, ...] = ()
    """Fail-over order: the first that is usable gets the call, and gets it again when it is
    back. Empty: calls go to the host of their URI (a peer that registers nowhere)."""
    match: MatchRule = MatchRule()
    edge: str | None = None
    """Messages of this trunk come through the edge of that name, and only through it."""
    contact_host: str
    """Our name towards the trunk: Contact, Via and From host. Teams finds the tenant by it;
    it must be a name there, never an address (CON-12)."""
    contact_port: Port | None = None
    """Port in Contact. None: that of the first listener of the trunk's transport."""
    server_name: str | None = None
    """Name that the peer's certificate must carry. None: any of ``match.names``, else the
    proxy's host."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU", "G722")
    """In order of preference, also ``opus`` with the extra ``audio`` (without it: left out);
    telephone-event is always offered."""
    srtp: Literal["required", "offered", "off"] = "off"
    """SDES-SRTP. ``teams-direct`` must require it."""
    allow_refer: bool = True
    """Take REFER from the peer and say so in Allow."""
    session_timer: bool = True
    """Offer session timers (RFC 4028)."""
    credentials: CredentialsSettings | None = None
    numbers: NumberSettings = NumberSettings()
    limits: TrunkLimits = TrunkLimits()
    options: OptionsSettings = OptionsSettings()
    health_of: TrunkId | None = None
    """Take the health of that trunk and send no OPTIONS: a derived trunk in Teams' carrier
    model, where only the base domain is asked (MT-04)."""
    no_answer_s: Annotated[float, Meta(ge=1, le=600)] = 120.0
    """Longest ringing of an outgoing call unless the order says less, seconds."""
    failover_s: Annotated[float, Meta(gt=0, le=32)] = 4.0
    """No response at all to an INVITE for this long, 100 included: try the next proxy, seconds.
    Two silent proxies of three must leave time within the 10 s that a caller is to wait at
    most (INB-18); a proxy that is well answers 100 in milliseconds, and over UDP four
    transmissions go out in 4 s."""
    enabled: bool = True
    """False drains: calls go on, new ones get 503 (MT-05)."""
    is_lab: bool = False
    """Allow what only a simulator accepts: OPTIONS faster than once per minute, a contact
    that is an address."""

    def __post_init__(self) -> None:
        """Refuse combinations that cannot work.

        Raises:
            ConfigError: names the trunk and the field.
        """
        path = f"voice.trunks[{self.trunk}]"
        _require_networks(f"{path}.match.networks", self.match.networks)
        if not (self.match.names or self.match.networks or self.edge):
            raise ConfigError(
                f"{path}.match",
                "nothing identifies this trunk's messages",
                "give names, networks or an edge",
            )
        if self.match.names and self.transport != "tls" and not self.match.networks:
            raise ConfigError(
                f"{path}.match.names", "only TLS peers have certificate names", "give networks"
            )
        if self.profile == "teams-direct":
            self._require_teams(path)

    def _require_teams(self, path: str) -> None:
        if self.transport != "tls":
            raise ConfigError(f"{path}.transport", "Direct Routing takes TLS only")
        if self.srtp != "required":
            raise ConfigError(f"{path}.srtp", "Direct Routing takes SRTP only", "required")
        if self.is_lab:
            return
        if self.options.interval_s < 60:
            raise ConfigError(
                f"{path}.options.interval_s",
                "Direct Routing wants at least 60 s between two OPTIONS",
            )
        if not is_host_name(self.contact_host):
            raise ConfigError(
                f"{path}.contact_host", "Direct Routing answers 403 to an address", "give the FQDN"
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Request-URI hosts that belong to this trunk, lower case; empty: any."""
        hosts = self.match.hosts
        if not hosts and self.profile == "teams-direct":
            hosts = (self.contact_host,)
        return tuple(host.lower() for host in hosts)


class TransportSettings(Settings, frozen=True, kw_only=True):
    """Bounds of sockets and connections."""

    connect_s: PositiveSeconds = 4.0
    """A connection attempt (TCP and TLS together), or the handshake of a peer that connects,
    longer than this has failed, seconds."""
    backoff_s: Annotated[float, Meta(ge=0.001)] = 5.0
    """After a failed connect the same address is left alone for this long, seconds; doubles
    per failure (CON-08: at least 5 s)."""
    backoff_max_s: PositiveSeconds = 60.0
    idle_s: PositiveSeconds = 600.0
    """A connection without a byte for this long is closed, seconds. Longer than OPTIONS
    intervals, so that trunk connections stay."""
    keepalive_s: Annotated[float, Meta(ge=0)] = 0.0
    """CRLF CRLF on quiet outgoing connections every so many seconds (RFC 5626 3.5.1); 0: none,
    because OPTIONS do it for us."""
    first_message_s: PositiveSeconds = 30.0
    """An accepted connection that sends no message for this long is closed, seconds."""
    max_connections: Positive = 1000
    """Accepted connections at a time; more are closed at once and counted."""
    max_connections_per_peer: Positive = 100
    """Of these from one source address."""
    max_handshakes: Positive = 50
    """TLS handshakes under way at a time: they are what a stranger can make us compute."""
    handshakes_per_s: PositiveSeconds = 20.0
    """New TLS connections per second and source address."""
    write_buffer_bytes: Positive = 1_048_576
    """A peer that does not read: so much is held for it, then the connection is reset."""
    udp_buffer_bytes: Positive = 4_194_304
    """Receive buffer asked for a UDP socket: what one source sends too much must not push out
    what others send. The system may grant less (``net.core.rmem_max``)."""
    pending_sends: Positive = 256
    """Messages held per destination while it is resolved and connected."""
    unknown_per_s: PositiveSeconds = 10.0
    """Log lines about unknown peers per second; counting goes on."""
    max_peers: Positive = 4096
    """Source addresses with a flood bucket of their own; the longest unseen goes first."""


class ResolverSettings(Settings, frozen=True, kw_only=True):
    """How names become addresses (RFC 3263)."""

    servers: tuple[str, ...] = ()
    """``address`` or ``address:port`` of name servers; empty: the machine's."""
    timeout_s: PositiveSeconds = 3.0
    """Whole time of one question, seconds."""
    minimum_ttl_s: Annotated[float, Meta(ge=0)] = 1.0
    maximum_ttl_s: PositiveSeconds = 3600.0
    negative_ttl_s: Annotated[float, Meta(ge=0)] = 5.0
    """How long a name stays unresolvable without being asked again, seconds."""
    cache_entries: Positive = 1024
    ipv6: bool = False
    """Use AAAA answers too; Direct Routing has none for SIP."""
    static: dict[str, str] = {}
    """Names to addresses (``192.0.2.1`` or ``192.0.2.1:5061``) that are not asked of a server:
    simulators. ``*.example.test`` covers every name below."""


class TraceSettings(Settings, frozen=True, kw_only=True):
    """The memory of SIP messages per Call-ID."""

    enabled: bool = True
    max_calls: Positive = 500
    max_messages_per_call: Positive = 200
    max_bytes: Positive = 16 * 1024 * 1024
    """All messages together; the oldest calls go first."""
    file: str | None = None
    """JSON Lines file for every message, masked; None: none (it costs CPU)."""
    file_max_bytes: Positive = 64 * 1024 * 1024
    """Then the file becomes ``<file>.1`` and a new one starts."""


class TimerSettings(Settings, frozen=True, kw_only=True):
    """SIP timers (RFC 3261 table 4, RFC 4028)."""

    t1_ms: Positive = 500
    t2_ms: Positive = 4000
    t4_ms: Positive = 5000
    transaction_ms: Positive = 32000
    """Timers B, F, H: wait for a response, or for the ACK."""
    session_expires_s: Annotated[int, Meta(ge=90)] = 1800
    min_se_s: Annotated[int, Meta(ge=90)] = 90


class VoiceSettings(Settings, frozen=True, kw_only=True):
    """All of the voice process."""

    listeners: tuple[ListenerSettings, ...]
    trunks: tuple[TrunkSettings, ...]
    edges: tuple[EdgeSettings, ...] = ()
    tls: TlsSettings | None = None
    """Needed when a listener or a trunk uses TLS."""
    user_agent: str = "Centralino"
    """User-Agent and Server; no version, that would help an attacker."""
    media_address: str = "127.0.0.1"
    """Address in our SDP: where the far side sends RTP; one for the life of a call."""
    recording_dir: str = "recordings"
    """Where recordings are written; made when missing."""
    data_dir: str = "data"
    """Checkpoints of dialogs, and the inbox of facts not yet acknowledged."""
    run_dir: str = "run"
    """Local sockets between the processes."""
    prompt_dir: str | None = None
    """Prompts as WAV; None: those that come with the product."""
    max_calls: Positive = 2000
    """Legs of all trunks together."""
    calls_per_s: PositiveSeconds = 200.0
    """New legs per second, all trunks together."""
    retry_after_s: Annotated[int, Meta(ge=1, le=3600)] = 5
    """Retry-After of our 503, seconds."""
    media_setup_s: PositiveSeconds = 2.0
    """Wait for a media worker at call set-up, seconds; then 503."""
    inbox_facts: Positive = 100_000
    """Facts kept while the exchange is away."""
    timers: TimerSettings = TimerSettings()
    transport: TransportSettings = TransportSettings()
    resolver: ResolverSettings = ResolverSettings()
    trace: TraceSettings = TraceSettings()

    def __post_init__(self) -> None:
        """Refuse references that lead nowhere.

        Raises:
            ConfigError: names the field.
        """
        trunks = {trunk.trunk for trunk in self.trunks}
        if len(trunks) != len(self.trunks):
            raise ConfigError("voice.trunks", "two trunks have the same id")
        edges = {edge.name for edge in self.edges}
        for edge in self.edges:
            _require_networks(f"voice.edges[{edge.name}].networks", edge.networks)
        for trunk in self.trunks:
            path = f"voice.trunks[{trunk.trunk}]"
            if trunk.edge is not None and trunk.edge not in edges:
                raise ConfigError(f"{path}.edge", "no such edge", ", ".join(sorted(edges)))
            if trunk.health_of is not None and trunk.health_of not in trunks:
                raise ConfigError(f"{path}.health_of", "no such trunk")
        transports = {item.transport for item in self.listeners}
        transports.update(item.transport for item in self.trunks)
        if "tls" in transports and self.tls is None:
            raise ConfigError("voice.tls", "a listener or trunk uses TLS, no certificate given")


def is_host_name(text: str) -> bool:
    """Tell whether ``text`` is a domain name rather than an address literal.

    >>> is_host_name("sbc1.example.net"), is_host_name("192.0.2.7"), is_host_name("[::1]")
    (True, False, False)
    """
    return not (":" in text or text.startswith("[") or text.replace(".", "").isdigit())


def _require_networks(path: str, networks: tuple[str, ...]) -> None:
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise ConfigError(path, f"{network!r} is not a network", "192.0.2.0/24") from None
