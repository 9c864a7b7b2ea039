# SPDX-License-Identifier: Apache-2.0
"""``centralino serve`` with settings from a file, against the far side run apart."""

from __future__ import annotations

import datetime
import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import httpx
import msgspec
import pytest

from centralino.adapters.clock import SystemClock
from centralino.adapters.journal.sqlite import JournalReader
from centralino.api.settings import ApiSettings
from centralino.bootstrap.authority import DemoAuthority
from centralino.bootstrap.demo import company
from centralino.bootstrap.demo.identity import SILVIA, Identity, entra_scenario
from centralino.bootstrap.demo.wiring import (
    SBC_HOST,
    DemoPlan,
    Ports,
    demo_scenario,
    demo_settings,
    proxy_names,
    save_scenario,
)
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.sample import settings_text
from centralino.bootstrap.settings import LogSettings
from centralino.exchange.replay import read_events, replay
from centralino.exchange.summary import CallCounts, count_calls, read_stories
from tests.kit.entra_stage import context_of
from tests.kit.ports import free_port, free_tcp_port, free_udp_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.wire, pytest.mark.timeout(90)]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Run a command; afterwards it has ended, by SIGTERM if it had not."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def wait_for(lines: IO[str], words: str) -> list[str]:
    said = []
    for line in lines:
        said.append(line)
        if words in line:
            return said
    raise AssertionError(f"{words!r} was never said: {''.join(said)}")


def prepare(directory: Path) -> tuple[Path, Path, Layout]:
    """Write settings and scenario for one caller, on free ports."""
    now = datetime.datetime.fromtimestamp(SystemClock().utc() / 1e9, datetime.UTC)
    authority = DemoAuthority(directory / "certificates", now)
    sbc = authority.issue("sbc", [SBC_HOST])
    proxies = authority.issue("sip-proxies", proxy_names())
    ports = Ports(
        sip=free_port(),
        tls=free_tcp_port(),
        carrier=free_udp_port(),
        proxies=free_tcp_port(),
        entra=free_tcp_port(),
        pages=free_tcp_port(),
    )
    cloud = authority.issue("cloud", ["localhost"])
    identity = Identity.below(directory)
    identity.make()
    layout = Layout(directory / "data", directory / "run")
    settings = msgspec.structs.replace(
        demo_settings(layout, ports, sbc, identity),
        run_dir=None,
        api=ApiSettings(port=0),
        log=LogSettings(format="console"),
    )
    config = directory / "config.yaml"
    config.write_text(settings_text("", settings), encoding="utf-8")
    scenario = demo_scenario(
        DemoPlan(seed=1, seconds=5), ports, proxies, entra_scenario(ports, identity, cloud)
    )
    carrier = scenario.carrier
    assert carrier is not None
    caller = msgspec.structs.replace(
        carrier.callers[0],
        keys="1",
        keys_after_ms=300,
        talk_for_ms=500,
        patience_ms=30_000,
        called=company.NUMBER,
    )
    carrier = msgspec.structs.replace(
        carrier,
        callers=(caller,),
        arrivals=msgspec.structs.replace(carrier.arrivals, most=1, first_after_ms=0),
    )
    path = directory / "scenario.yaml"
    save_scenario(msgspec.structs.replace(scenario, carrier=carrier), path)
    return config, path, layout


def test_a_served_product_takes_a_call_and_stops_when_told(tmp_path: Path) -> None:
    config, scenario, layout = prepare(tmp_path)
    far = ("-m", "centralino.simulators", "--scenario", str(scenario))
    command = ("-m", "centralino.cli.main", "serve", "--config", str(config))
    with running(*far, "direct-routing") as (_, teams):
        wait_for(teams, '"ready"')
        with running(*command) as (product, said):
            wait_for(said, "Centralino is up.")
            with running(*far, "carrier") as (_, carrier):
                lines = wait_for(carrier, "arrivals.done")
    assert product.returncode == 0
    ended = next(line for line in map(json.loads, lines) if line["what"] == "call.ended")
    assert ended["tones_heard"], "the caller heard nobody"
    reader = JournalReader(layout.journal)
    assert replay(reader, company.TENANT).is_identical
    stories = read_stories(read_events(reader, company.TENANT))
    counts = count_calls(stories)
    assert (counts.offered, counts.answered) == (1, 1)
    assert counts in {CallCounts(1, 1, 0, 0, 0), CallCounts(1, 1, 0, 0, 1)}, "wrap-up may be left"


def test_wrong_settings_are_wrong_usage(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("voice: {}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "centralino.cli.main", "serve", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Configuration:" in done.stderr


def test_the_far_side_runs_without_anything_at_its_standard_input(tmp_path: Path) -> None:
    _, scenario, _ = prepare(tmp_path)
    far = ("-m", "centralino.simulators", "--scenario", str(scenario), "direct-routing")
    with subprocess.Popen(
        (sys.executable, *far), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        wait_for(process.stdout, '"ready"')
        process.terminate()
        assert process.wait(20) == 0


def test_one_signs_in_at_the_served_product_as_one_of_its_people(tmp_path: Path) -> None:
    config, scenario, _ = prepare(tmp_path)
    far = ("-m", "centralino.simulators", "--scenario", str(scenario), "entra")
    command = ("-m", "centralino.cli.main", "serve", "--config", str(config))
    with running(*far) as (_, entra), running(*command) as (_, said):
        wait_for(entra, '"ready"')
        line = wait_for(said, "Status page and API:")[-1]
        found = re.search(r"(http://127\.0\.0\.1:\d+)/$", line.strip())
        assert found is not None
        with httpx.Client(base_url=found[1], follow_redirects=True) as browser:
            page = browser.get("/v1/sign-in")
            assert page.url.host == "localhost"
            told = {"context": context_of(page), "person": SILVIA.oid}
            back = browser.post(str(page.url.join("/common/login")), data=told)
            assert str(back.url) == f"{found[1]}/"
            session = browser.get("/v1/session").json()
            live = browser.get("/v1/live").json()
    assert (session["name"], session["roles"]) == (SILVIA.name, ["supervisor"])
    assert live["name"] == "Aurora Outdoor"
