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

from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.api.settings import ApiSettings
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.sample import example_settings
from tests.kit import entra as kit
from tests.kit.entra_stage import running_entra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kit.entra_stage import EntraStage

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraStage]:
    """Give a running Entra."""
    with running_entra(tmp_path_factory.mktemp("entra")) as running:
        yield running


def _prepare(folder: Path, stage: EntraStage | None = None, **changes: object) -> Layout:
    layout = Layout(folder / "data", folder)
    settings = msgspec.structs.replace(
        example_settings(),
        profile="demo",
        data_dir=str(layout.data_dir),
        run_dir=str(layout.run_dir),
        api=ApiSettings(port=0),
    )
    if stage is not None:
        (folder / "entra.secret").write_text(kit.SECRET)
        entra = EntraSettings(
            client_id=kit.CLIENT_ID,
            authority=stage.entra.base_url,
            has_instance_discovery=False,
            ca_file=stage.ca_file,
            secret_file=str(folder / "entra.secret"),
            allowed_clients=(kit.DAEMON_ID,),
            tenants=(OnboardedTenant(directory=kit.TENANT_ID, tenant=settings.tenants[0].tenant),),
        )
        settings = msgspec.structs.replace(
            settings, entra=msgspec.structs.replace(entra, **changes)
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


def _program_token(stage: EntraStage) -> str:
    """Return what a program gets by client credentials."""
    with stage.client() as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": kit.DAEMON_ID,
            "client_secret": kit.SECRET,
            "scope": f"{kit.URI}/.default",
        }
        answer = http.post(f"/{kit.TENANT_ID}/oauth2/v2.0/token", data=form)
        return str(answer.json()["access_token"])


def test_an_edge_serves_without_its_exchange_and_returns_to_its_port(
    tmp_path: Path, stage: EntraStage
) -> None:
    layout = _prepare(tmp_path, stage)
    with _edge(layout) as process:
        _wait_ready(process)
        port = layout.edge_port.read_text(encoding="ascii")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/health/live").status_code == 200
            assert client.get("/health/ready").status_code == 503
            assert client.get("/v1/live").status_code == 401
            bearer = {"authorization": f"Bearer {_program_token(stage)}"}
            answer = client.get("/v1/live", headers=bearer)
            assert answer.json()["code"] == "remote-unavailable"
        process.kill()
    with _edge(layout) as process:
        _wait_ready(process)
        assert layout.edge_port.read_text(encoding="ascii") == port
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_somebody_signs_in_with_a_browser_and_stays_so_when_the_edge_is_killed(
    tmp_path: Path, stage: EntraStage
) -> None:
    layout = _prepare(tmp_path, stage)
    with contextlib.ExitStack() as cleanup:
        process = cleanup.enter_context(_edge(layout))
        _wait_ready(process)
        port = layout.edge_port.read_text(encoding="ascii")
        client = cleanup.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        away = client.get("/v1/sign-in?to=/&language=it")
        assert away.status_code == 303
        # Killed while the person is at the sign-in page: what it began is in the cookie.
        process.kill()
        process.wait(10)
        _wait_ready(cleanup.enter_context(_edge(layout)))
        told = stage.sign_in(away.headers["location"], kit.SUSANNA)
        back = client.get("/v1/sign-in/callback", params=told)
        assert (back.status_code, back.headers["location"]) == (303, "/")
        session = client.get("/v1/session").json()
        assert session["name"] == "Susanna Po"
        assert session["roles"] == ["supervisor"]
        assert client.delete("/v1/session").status_code == 403
        gone = client.delete("/v1/session", headers={"x-centralino-request": "1"})
        assert gone.status_code == 204
        assert client.get("/v1/session").status_code == 401


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tenants": (OnboardedTenant(directory="d", tenant="nobody"),)}, "no tenant"),
        ({"authority": "http://127.0.0.1"}, "no https address"),
        ({"secret_file": "/nowhere"}, "entra.secret_file"),
    ],
)
def test_sign_in_that_cannot_work_stops_the_edge_and_says_why(
    tmp_path: Path, stage: EntraStage, changes: dict[str, object], says: str
) -> None:
    with _edge(_prepare(tmp_path, stage, **changes)) as process:
        assert process.wait(20) == 1
        assert process.stderr is not None
        assert says in process.stderr.read()
    assert not (tmp_path / "edge.port").exists()


def test_without_sign_in_the_edge_lets_nobody_in(tmp_path: Path) -> None:
    layout = _prepare(tmp_path)
    with _edge(layout) as process:
        _wait_ready(process)
        port = layout.edge_port.read_text(encoding="ascii")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            assert client.get("/v1/live", headers={"authorization": "Bearer x"}).status_code == 401
            assert client.get("/v1/sign-in").status_code == 404
