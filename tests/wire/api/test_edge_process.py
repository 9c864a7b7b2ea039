# SPDX-License-Identifier: Apache-2.0
"""The edge as the supervisor starts it: ready without an exchange, same port when it returns."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from centralino.api.settings import ApiSettings
from centralino.bootstrap.demo.wiring import make_development_key
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.sample import example_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wire


def _prepare(folder: Path, *, profile: str = "demo") -> Layout:
    layout = Layout(folder / "data", folder)
    make_development_key(layout)
    settings = msgspec.structs.replace(
        example_settings(),
        profile=profile,
        data_dir=str(layout.data_dir),
        run_dir=str(layout.run_dir),
        api=ApiSettings(port=0, development_key_file=str(layout.development_key)),
    )
    layout.settings_file.write_bytes(msgspec.json.encode(settings))
    return layout


@contextlib.contextmanager
def _edge(layout: Layout) -> Iterator[subprocess.Popen[str]]:
    command = ("-m", "centralino.bootstrap.process", "edge", "--config", str(layout.settings_file))
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"


def test_an_edge_serves_without_its_exchange_and_returns_to_its_port(tmp_path: Path) -> None:
    layout = _prepare(tmp_path)
    with _edge(layout) as process:
        _wait_ready(process)
        port = layout.edge_port.read_text(encoding="ascii")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/health/live").status_code == 200
            assert client.get("/health/ready").status_code == 503
            assert client.get("/v1/live").status_code == 401
            key = layout.development_key.read_text(encoding="utf-8")
            answer = client.get("/v1/live", headers={"authorization": f"Bearer {key}"})
            assert answer.json()["code"] == "remote-unavailable"
        process.kill()
    with _edge(layout) as process:
        _wait_ready(process)
        assert layout.edge_port.read_text(encoding="ascii") == port
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_development_key_outside_the_demo_stops_the_edge(tmp_path: Path) -> None:
    with _edge(_prepare(tmp_path, profile="live")) as process:
        assert process.wait(20) == 1
        assert process.stderr is not None
        assert "is refused in profile live" in process.stderr.read()
    assert not (tmp_path / "edge.port").exists()
