# SPDX-License-Identifier: Apache-2.0
"""What ``centralino doctor`` examines: settings, certificates, names, ports, directories, sign-in.

Each finding says what was looked at, what was found, and how to mend it. Nothing is
changed, and nothing is sent to anybody but the name server and, where sign-in is set up, the
sign-in service.
"""

from __future__ import annotations

import datetime
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from centralino.bootstrap.children import prompt_directories
from centralino.bootstrap.examination_sign_in import check_sign_in
from centralino.bootstrap.finding import Finding
from centralino.bootstrap.sources import load_settings
from centralino.core.kernel.errors import AppError

if TYPE_CHECKING:
    from centralino.adapters.voice.settings import ListenerSettings, TlsSettings, VoiceSettings
    from centralino.bootstrap.settings import Settings


def examine(config: Path) -> list[Finding]:
    """Return the findings, in order; wrong settings are the only one there is then."""
    try:
        settings = load_settings(config, os.environ)
    except AppError as error:
        cure = f"Mend {config} or the CENTRALINO__ variable of that name."
        return [Finding("settings", is_good=False, text=error.message, cure=cure)]
    findings = [Finding("settings", is_good=True, text=f"{config} is complete")]
    checks: Sequence[Callable[[Settings], list[Finding]]] = (
        _check_tenants,
        _check_certificates,
        _check_listeners,
        _check_names,
        _check_directories,
        _check_prompts,
        check_sign_in,
    )
    for check in checks:
        findings.extend(check(settings))
    return findings


def _check_tenants(settings: Settings) -> list[Finding]:
    trunks = {trunk.trunk for trunk in settings.voice.trunks}
    findings = []
    for tenant in settings.tenants:
        name = f"tenant {tenant.tenant}"
        try:
            tenant.require_valid()
        except AppError as error:
            cure = "Name only queues, agents and flows that the tenant has."
            findings.append(Finding(name, is_good=False, text=error.message, cure=cure))
            continue
        lost = sorted({agent.trunk for agent in tenant.agents} - trunks)
        if lost:
            text = f"agents are reached on {', '.join(lost)}, which is no trunk"
            cure = "Add the trunk under voice.trunks, or correct the agents' trunk."
            findings.append(Finding(name, is_good=False, text=text, cure=cure))
        else:
            text = f"{len(tenant.queues)} queues, {len(tenant.agents)} agents"
            findings.append(Finding(name, is_good=True, text=text))
    return findings


def _check_certificates(settings: Settings) -> list[Finding]:
    tls = settings.voice.tls
    if tls is None:
        return []
    try:
        data = Path(tls.certificate_file).read_bytes()
        leaf = x509.load_pem_x509_certificates(data)[0]
        key = serialization.load_pem_private_key(Path(tls.private_key_file).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        cure = "Give readable PEM files under voice.tls; the key without a password."
        return [Finding("certificate", is_good=False, text=str(error), cure=cure)]
    findings = [_check_dates(leaf, tls)]
    if key.public_key() != leaf.public_key():
        text = f"{tls.private_key_file} is not the key of {tls.certificate_file}"
        cure = "Use the key with which the certificate was requested."
        findings.append(Finding("private key", is_good=False, text=text, cure=cure))
    findings.extend(_check_host_names(settings.voice, leaf))
    return findings


def _check_dates(leaf: x509.Certificate, tls: TlsSettings) -> Finding:
    left = leaf.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    text = f"{tls.certificate_file} is valid for {left.days} more days"
    is_good = left.days >= 0
    cure = "" if is_good else "Renew it; a running voice process takes the new one by itself."
    return Finding("certificate", is_good=is_good, text=text, cure=cure)


def _check_host_names(voice: VoiceSettings, leaf: x509.Certificate) -> list[Finding]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    findings = []
    for trunk in voice.trunks:
        if trunk.transport != "tls":
            continue
        host = trunk.contact_host
        wild = "*." + host.partition(".")[2]
        is_good = host in names or wild in names
        text = f"names {', '.join(names) or 'nobody'}; trunk {trunk.trunk} is {host}"
        cure = "" if is_good else f"Have {host} put into the certificate's alternative names."
        findings.append(Finding("certificate name", is_good=is_good, text=text, cure=cure))
    return findings


def _check_listeners(settings: Settings) -> list[Finding]:
    return [_check_listener(listener) for listener in settings.voice.listeners]


def _check_listener(listener: ListenerSettings) -> Finding:
    kind = socket.SOCK_DGRAM if listener.transport == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    name = f"port {listener.port}/{listener.transport}"
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.address, listener.port))
        except OSError as error:
            text = f"{listener.address} cannot be bound: {error.strerror}"
            cure = "Stop what holds it (ss -lnp shows it), or take another port or address."
            return Finding(name, is_good=False, text=text, cure=cure)
    return Finding(name, is_good=True, text=f"{listener.address} is free")


def _check_names(settings: Settings) -> list[Finding]:
    static = settings.voice.resolver.static
    hosts = {proxy.host for trunk in settings.voice.trunks for proxy in trunk.proxies}
    return [_check_name(host, is_static=host in static) for host in sorted(hosts)]


def _check_name(host: str, *, is_static: bool) -> Finding:
    if is_static:
        return Finding(f"name {host}", is_good=True, text="is set in voice.resolver.static")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        cure = "Ask the name server for it (dig), and check its address in voice.resolver."
        return Finding(f"name {host}", is_good=False, text=str(error), cure=cure)
    return Finding(f"name {host}", is_good=True, text=f"is {found[0][4][0]}")


def _check_directories(settings: Settings) -> list[Finding]:
    findings = []
    for name, text in (("data", settings.data_dir), ("recordings", settings.voice.recording_dir)):
        place = Path(text).absolute()
        while not place.exists():
            place = place.parent
        is_good = place.is_dir() and _is_writable(place)
        cure = "" if is_good else f"Make {text} and give it to the user that runs Centralino."
        state = "can be written" if is_good else "cannot be written"
        findings.append(
            Finding(f"{name} directory", is_good=is_good, text=f"{text} {state}", cure=cure)
        )
    return findings


def _is_writable(directory: Path) -> bool:
    probe = directory / ".centralino-doctor"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def _check_prompts(settings: Settings) -> list[Finding]:
    directories = [Path(one) for one in prompt_directories(settings.media)]
    wanted = {
        prompt
        for tenant in settings.tenants
        for prompts in (
            *(queue.music for queue in tenant.queues),
            *(flow.greeting + flow.menu for flow in tenant.flows),
        )
        for prompt in prompts
    }
    missing = sorted(
        prompt
        for prompt in wanted
        if not any((directory / f"{prompt}.wav").is_file() for directory in directories)
    )
    if not missing:
        return [Finding("prompts", is_good=True, text=f"all {len(wanted)} are there")]
    cure = "Put the WAV files into a directory of media.prompt_directories."
    return [Finding("prompts", is_good=False, text=f"missing: {', '.join(missing)}", cure=cure)]
