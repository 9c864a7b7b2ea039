# SPDX-License-Identifier: Apache-2.0
"""The simulated Entra in a thread of its own, for clients that block, and a person's part.

Microsoft's libraries for sign-in are synchronous. They call from the test's thread while the
service runs in a loop of another.
"""

from __future__ import annotations

import asyncio
import html
import re
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx

from centralino.simulators.entra.simulator import EntraSimulator
from centralino.simulators.http.clock import LoopClock
from tests.kit import entra as kit
from tests.kit.certificates import trusted_authority

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.simulators.entra.description import EntraScenario

T = TypeVar("T")
_CONTEXT = re.compile(r'name="context" value="([^"]+)"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_WITHIN_S = 10


@dataclass(slots=True)
class EntraStage:
    """A running service, and how to reach it."""

    entra: EntraSimulator
    ca_file: str
    loop: asyncio.AbstractEventLoop

    @property
    def authority(self) -> str:
        """What clients are configured with for the first tenant."""
        return f"{self.entra.base_url}/{kit.TENANT_ID}"

    def client(self) -> httpx.Client:
        """Return a browser without pages; redirects are not followed."""
        context = ssl.create_default_context(cafile=self.ca_file)
        return httpx.Client(verify=context, base_url=self.entra.base_url, trust_env=False)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run something in the service's loop."""
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(_WITHIN_S)

    def sign_in(self, url: str, person: str, *, approves: bool = False) -> dict[str, str]:
        """Open an authorize address, choose a person, and return what the client is told."""
        with self.client() as browser:
            page = browser.get(url)
            if page.is_redirect:
                return answered(page)
            context = context_of(page)
            told = {"context": context, "person": person}
            answer = browser.post("/common/login", data=told)
            if approves:
                told = {"context": context_of(answer), "decision": "approve"}
                answer = browser.post("/common/login", data=told)
            return answered(answer)


def answered(answer: httpx.Response) -> dict[str, str]:
    """Return what a redirect or a form carries to the client."""
    if answer.is_redirect:
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(answer.text)}


def context_of(page: httpx.Response) -> str:
    """Return what a page's form is about."""
    found = _CONTEXT.search(page.text)
    assert found is not None, page.text
    return found[1]


def certificate_files(folder: Path) -> tuple[Path, Path, Path]:
    """Write certificate and key of ``localhost`` and the root that signed it."""
    authority = trusted_authority()
    certificate, key = authority.issue("localhost", "127.0.0.1").write(folder, "entra")
    return certificate, key, authority.write(folder)


@contextmanager
def running_entra(folder: Path, scenario: EntraScenario | None = None) -> Iterator[EntraStage]:
    """Run the service over TLS until the end of the block."""
    certificate, key, root = certificate_files(folder)
    described = scenario or kit.scenario(certificate=str(certificate), private_key=str(key))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="entra")
    thread.start()
    entra = EntraSimulator(described, LoopClock(time.time), make_key=kit.lent_keys())
    stage = EntraStage(entra, str(root), loop)
    try:
        stage.run(entra.start)
        yield stage
        stage.run(entra.close)
        assert entra.service.broken == []
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_WITHIN_S)
        loop.close()
