# SPDX-License-Identifier: Apache-2.0
"""Mutual TLS on the loopback: who gets in, who does not and why, renewal under way.

Cert cases CON-07 to CON-11, CON-13, RES-06: each wrong certificate has a diagnosis of its own
that names what was expected and what was found.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.voice.resolver import StaticResolver
from centralino.adapters.voice.settings import (
    MatchRule,
    OptionsSettings,
    ProxySettings,
    TransportSettings,
)
from centralino.core.kernel.errors import ConfigError
from tests.kit.certificates import (
    EXPIRED,
    NOT_YET_VALID,
    SERVER_ONLY,
    Authority,
    Identity,
    strange_authority,
    trusted_authority,
)
from tests.kit.ports import free_tcp_port
from tests.kit.processes import running
from tests.wire.voice_edge.peers import (
    TEAMS,
    FarServer,
    client_context,
    connected,
    options,
    port_of,
    response,
    running_stack,
    server_context,
    settings_of,
    status,
    teams_trunk,
    tls_settings,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from centralino.adapters.voice.settings import TrunkSettings, VoiceSettings
    from centralino.adapters.voice.stack import SipStack

pytestmark = pytest.mark.wire

OUR_NAME = "sbc1.example.test"
PROXY = "sip.pstnhub.test"
ASKING = OptionsSettings(interval_s=0.2, jitter_s=0.0)


def _root() -> Authority:
    return trusted_authority()


def _ours() -> Identity:
    return _root().issue(OUR_NAME)


def _settings(folder: Path, *trunks: TrunkSettings, **changes: object) -> VoiceSettings:
    tls = tls_settings(folder, _ours(), _root())
    return settings_of(*(trunks or (teams_trunk(),)), tls=tls, **changes)


def _ask(port: int, via: str) -> bytes:
    return options(port, via).replace(f"sip:127.0.0.1:{port}".encode(), f"sip:{OUR_NAME}".encode())


def test_a_peer_with_the_right_certificate_is_served_as_its_trunk(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_stack(_settings(tmp_path)) as (stack, _):
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            port = port_of(stack, "tls")
            async with connected(port, context) as peer:
                await peer.send(_ask(port, peer.via))
                assert status(await peer.receive()) == 200
                found = peer.writer.get_extra_info("ssl_object")
                assert found.version() in ("TLSv1.2", "TLSv1.3")
            report = stack.report(TEAMS)
            assert report is not None
            assert report.asked_at is not None

    asyncio.run(run())


def test_a_request_for_no_host_of_ours_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_stack(_settings(tmp_path)) as (stack, heard):
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            port = port_of(stack, "tls")
            async with connected(port, context) as peer:
                await peer.send(options(port, peer.via))
                assert status(await peer.receive()) == 403
            assert stack.counts["unknown-host"] == 1
            assert heard.events == []

    asyncio.run(run())


def _self_signed() -> Identity:
    return Authority.create(PROXY).identity


WRONG_CLIENTS: list[tuple[str, Callable[[], Identity | None], str]] = [
    ("expired", lambda: _root().issue(PROXY, validity=EXPIRED), "has expired"),
    ("not-yet-valid", lambda: _root().issue(PROXY, validity=NOT_YET_VALID), "not valid yet"),
    ("self-signed", _self_signed, "self-signed"),
    ("missing-usage", lambda: _root().issue(PROXY, usages=SERVER_ONLY), "actual serverAuth"),
    ("no-certificate", lambda: None, "presented no certificate"),
    (
        "missing-intermediate",
        lambda: _without_intermediates(_root().intermediate().issue(PROXY)),
        "was not sent",
    ),
    (
        "unknown-root",
        lambda: strange_authority().intermediate("Strange Intermediate").issue(PROXY),
        "not among our trusted roots",
    ),
    ("wrong-name", lambda: _root().issue("other.example.test"), "expected a certificate for"),
]


def _without_intermediates(identity: Identity) -> Identity:
    """The same identity without its intermediates."""
    return Identity(identity.certificate, identity.key)


@pytest.mark.parametrize(
    ("fault", "make", "words"), WRONG_CLIENTS, ids=[item[0] for item in WRONG_CLIENTS]
)
def test_a_wrong_client_certificate_is_refused_with_its_cause(
    tmp_path: Path, fault: str, make: Callable[[], Identity | None], words: str
) -> None:
    async def run() -> None:
        async with running_stack(_settings(tmp_path)) as (stack, heard):
            context = client_context(tmp_path, _root(), make())
            port = port_of(stack, "tls")
            try:
                async with connected(port, context) as peer:
                    await peer.send(_ask(port, peer.via))
                    assert b"SIP/2.0" not in await peer.ended()
            except OSError:
                pass
            text = await heard.alarm(f"tls-{fault}")
            assert words in text
            if fault == "wrong-name":
                assert PROXY in text
                assert "other.example.test" in text
            assert heard.events == []
            assert stack.endpoint.open_transactions == 0

    asyncio.run(run())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_modern_versions_are_taken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    async def run() -> None:
        async with running_stack(_settings(tmp_path)) as (stack, _):
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            context.minimum_version = context.maximum_version = version
            port = port_of(stack, "tls")
            async with connected(port, context) as peer:
                await peer.send(_ask(port, peer.via))
                assert status(await peer.receive()) == 200

    asyncio.run(run())


def test_weak_ciphers_and_plain_text_are_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_stack(_settings(tmp_path)) as (stack, heard):
            port = port_of(stack, "tls")
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("AES128-SHA")
            with pytest.raises(ssl.SSLError):
                async with connected(port, context):
                    pass
            text = await heard.alarm("tls-protocol")
            assert "no cipher suite" in text
            async with connected(port) as peer:
                await peer.send(_ask(port, peer.via))
                assert b"SIP/2.0" not in await peer.ended()
            assert stack.counts["tls-failed"] == 2

    asyncio.run(run())


# ---- connections of ours


def _towards(far: FarServer, **changes: object) -> tuple[TrunkSettings, StaticResolver]:
    trunk = teams_trunk((ProxySettings(host=PROXY, port=far.port),), options=ASKING, **changes)
    return trunk, StaticResolver({PROXY: "127.0.0.1"})


def test_our_options_present_our_certificate_and_make_the_trunk_active(tmp_path: Path) -> None:
    async def run() -> None:
        context = server_context(tmp_path, _root().issue(PROXY), _root())
        async with FarServer.open(context) as far:
            far.on_message = lambda message: response(message, 200)
            trunk, resolver = _towards(far)
            async with running_stack(_settings(tmp_path, trunk), resolver) as (stack, heard):
                peer = await far.connections.get()
                certificate = peer.writer.get_extra_info("peercert")
                assert ("DNS", OUR_NAME) in certificate["subjectAltName"]
                asked = (await far.receive()).decode()
                port = port_of(stack, "tls")
                assert asked.startswith(f"OPTIONS sip:{PROXY}:{far.port};transport=tls SIP/2.0")
                assert f"Contact: <sip:{OUR_NAME}:{port};transport=tls>\r\n" in asked
                assert f"Via: SIP/2.0/TLS {OUR_NAME}:{port};" in asked
                assert f"From: <sip:{OUR_NAME}>;tag=" in asked
                # The peer asks back over a connection of its own.
                back = client_context(tmp_path, _root(), _root().issue(PROXY))
                async with connected(port, back) as asking:
                    await asking.send(_ask(port, asking.via))
                    assert status(await asking.receive()) == 200
                    await far.receive()
                report = stack.report(TEAMS)
                assert report is not None
                assert report.health == "active"
                assert {item[0] for item in heard.alarms} == {"certificate-ending"}
                assert far.accepted == 1

    asyncio.run(run())


WRONG_SERVERS: list[tuple[str, Callable[[], Identity], str]] = [
    ("expired", lambda: _root().issue(PROXY, validity=EXPIRED), "has expired"),
    ("self-signed", _self_signed, "self-signed"),
    ("wrong-name", lambda: _root().issue("evil.example.test"), "evil.example.test"),
    (
        "unknown-root",
        lambda: strange_authority().intermediate("Strange Intermediate").issue(PROXY),
        "not among our trusted roots",
    ),
    (
        "missing-intermediate",
        lambda: _without_intermediates(_root().intermediate().issue(PROXY)),
        "was not sent",
    ),
]


@pytest.mark.parametrize(
    ("fault", "make", "words"), WRONG_SERVERS, ids=[item[0] for item in WRONG_SERVERS]
)
def test_a_wrong_server_certificate_is_refused_with_its_cause(
    tmp_path: Path, fault: str, make: Callable[[], Identity], words: str
) -> None:
    async def run() -> None:
        context = server_context(tmp_path, make(), _root())
        async with FarServer.open(context) as far:
            trunk, resolver = _towards(far)
            async with running_stack(_settings(tmp_path, trunk), resolver) as (_, heard):
                assert words in await heard.alarm(f"tls-{fault}")
                await heard.alarm("trunk-unreachable")
                assert far.messages.empty()

    asyncio.run(run())


REFUSALS: list[tuple[str, Callable[[], Identity]]] = [
    ("tls-expired", lambda: _root().issue(OUR_NAME, validity=EXPIRED)),
    ("tls-unknown-root", lambda: strange_authority().issue(OUR_NAME)),
    ("tls-missing-usage", lambda: _root().issue(OUR_NAME, usages=SERVER_ONLY)),
]


async def _wait_refused(folder: Path, identity: Identity, port: int, code: str) -> None:
    """Connect with a certificate to a peer that refuses it; the alarm must say `code`."""
    trunk = teams_trunk((ProxySettings(host=PROXY, port=port),), options=ASKING)
    tls = tls_settings(folder, identity, _root())
    settings = settings_of(trunk, tls=tls, transport=TransportSettings(backoff_s=30.0))
    async with running_stack(settings, StaticResolver({PROXY: "127.0.0.1"})) as (stack, heard):
        await heard.alarm(code)
        await heard.alarm("trunk-unreachable")
        assert stack.health.usable(TEAMS, stack._clock.now()) == []
        # Asked again while the back-off lasts, the peer sees no further connection.
        await heard.alarm("trunk-degraded")
        await heard.wait_for(lambda: _losses(stack) >= 2)
        assert stack.counts["tls-failed"] == 1


def _losses(stack: SipStack) -> int:
    report = stack.report(TEAMS)
    return report.proxies[0].losses if report is not None else 0


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(("code", "make"), REFUSALS, ids=[item[0] for item in REFUSALS])
def test_a_peer_that_refuses_our_certificate_is_understood_and_not_hammered(
    tmp_path: Path, code: str, make: Callable[[], Identity], version: str
) -> None:
    async def run() -> None:
        certificate, key = _root().issue(PROXY).write(tmp_path, "far")
        port = free_tcp_port()
        arguments = ("-accept", f"127.0.0.1:{port}", "-cert", str(certificate), "-key", str(key))
        roots = str(_root().write(tmp_path, "farroots"))
        strict = ("-CAfile", roots, "-Verify", "2", "-verify_return_error", version)
        async with running("openssl", "s_server", *arguments, *strict) as child:
            await child.wait_for_line("ACCEPT")
            await _wait_refused(tmp_path, make(), port, code)

    asyncio.run(run())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_peer_that_closes_without_a_word_is_not_hammered(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    async def run() -> None:
        context = server_context(tmp_path, _root().issue(PROXY), _root())
        context.minimum_version = context.maximum_version = version
        # asyncio's server sends no alert when it refuses a certificate.
        async with FarServer.open(context) as far:
            strange = strange_authority().issue(OUR_NAME)
            await _wait_refused(tmp_path, strange, far.port, "tls-closed")

    asyncio.run(run())


def test_our_own_certificate_is_judged_before_anybody_else_does(tmp_path: Path) -> None:
    async def run() -> None:
        tls = tls_settings(tmp_path, _root().issue("*.elsewhere.test", usages=SERVER_ONLY), _root())
        async with running_stack(settings_of(teams_trunk(), tls=tls)) as (_, heard):
            text = await heard.alarm("certificate-wrong-name")
            assert OUR_NAME in text
            assert "*.elsewhere.test" in text
            assert "clientAuth" in await heard.alarm("certificate-missing-usage")
            await heard.alarm("certificate-ending")

    asyncio.run(run())


def test_a_key_that_does_not_fit_is_a_configuration_error(tmp_path: Path) -> None:
    tls = tls_settings(tmp_path, _ours(), _root())
    _, other = _root().issue("other.example.test").write(tmp_path, "other")
    broken = msgspec.structs.replace(tls, private_key_file=str(other))

    async def run() -> None:
        with pytest.raises(ConfigError, match="private_key_file"):
            async with running_stack(settings_of(teams_trunk(), tls=broken)):
                pass

    asyncio.run(run())


def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        tls = tls_settings(tmp_path, _ours(), _root(), reload_s=0.05, retire_s=3.0)
        async with running_stack(settings_of(teams_trunk(), tls=tls)) as (stack, _):
            port = port_of(stack, "tls")
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            async with connected(port, context) as old:
                await old.send(_ask(port, old.via))
                assert status(await old.receive()) == 200
                first = old.writer.get_extra_info("peercert")["serialNumber"]
                renewed = _root().issue(OUR_NAME, common_name="renewed")
                certificate, key = renewed.write(tmp_path, "renewed")
                certificate.replace(tls.certificate_file)
                key.replace(tls.private_key_file)
                # The old connection is closed when quiet, at the latest after retire_s.
                assert await old.ended() == b""
            async with connected(port, context) as new:
                assert new.writer.get_extra_info("peercert")["serialNumber"] != first

    asyncio.run(run())


def test_a_broken_renewal_keeps_the_old_certificate_and_tells(tmp_path: Path) -> None:
    async def run() -> None:
        tls = tls_settings(tmp_path, _ours(), _root(), reload_s=0.05)
        async with running_stack(settings_of(teams_trunk(), tls=tls)) as (stack, heard):
            (tmp_path / "junk").write_text("no certificate")
            (tmp_path / "junk").replace(tls.certificate_file)
            await heard.alarm("certificate-unusable")
            port = port_of(stack, "tls")
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            async with connected(port, context) as peer:
                await peer.send(_ask(port, peer.via))
                assert status(await peer.receive()) == 200

    asyncio.run(run())


def test_two_tenants_on_one_peer_are_told_apart_by_the_request_uri(tmp_path: Path) -> None:
    names = MatchRule(names=(PROXY,))
    one = teams_trunk(match=names, contact_host="cust1.example.test")
    two = msgspec.structs.replace(one, trunk="two", contact_host="cust2.example.test")

    async def run() -> None:
        async with running_stack(_settings(tmp_path, one, two)) as (stack, _):
            port = port_of(stack, "tls")
            context = client_context(tmp_path, _root(), _root().issue(PROXY))
            async with connected(port, context) as peer:
                ask = _ask(port, peer.via).replace(OUR_NAME.encode(), b"cust2.example.test")
                await peer.send(ask)
                assert status(await peer.receive()) == 200
            reports = [stack.report(item.trunk) for item in (one, two)]
            assert [item is not None and item.asked_at is not None for item in reports] == [
                False,
                True,
            ]

    asyncio.run(run())
