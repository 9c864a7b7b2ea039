# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own: made in a temporary folder, on loopback, stopped after.

The server refuses to run as root, so it runs as whoever owns nothing here. It keeps what it
acknowledges (``fsync`` stays on), because that is what the tests are about.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.ports import free_tcp_port
from tests.kit.requirements import require_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "autovacuum": "off",
    "lc_messages": "C",
}
_WITHIN_S = 60


class PostgresServer:
    """A server that tests may stop, freeze and start again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self._folder = folder
        self._user = _server_user()
        self.port = free_tcp_port()
        self._run("initdb", "--auth", "trust", "--username", "owner", "--no-sync")
        options = {**_OPTIONS, "port": str(self.port), "unix_socket_directories": str(folder)}
        lines = [f"{name} = '{value}'" for name, value in options.items()]
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def dsn(self) -> str:
        """The connection string."""
        return f"postgresql://owner:not-asked-for@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "--wait", "--log", log, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; ``immediate`` is a crash, which it recovers from at its start."""
        self._run("pg_ctl", "--wait", "--mode", mode, "stop")

    def ask(self, sql: str) -> str:
        """Return what a statement gives, as text."""
        command = (self._programs / "psql", "-X", "-A", "-t", "-d", self.dsn, "-c", sql)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_WITHIN_S, check=True
        )
        return done.stdout.strip()

    def freeze(self) -> None:
        """Let every process of the server stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        first = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            os.kill(pid, number)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            (self._programs / program, "--pgdata", self._data, *arguments),
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            user=self._user,
            cwd=self._folder,
            timeout=_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, f"{program} {arguments}: {done.stdout}"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server of our own; nothing of it is left afterwards."""
    programs = require_postgres()
    folder = Path(tempfile.mkdtemp(prefix="centralino-pg-"))
    user = _server_user()
    if user is not None:
        os.chown(folder, user, -1)
    try:
        server = PostgresServer(programs, folder)
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.thaw()
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> int | None:
    """Return whom the server runs as; ``None`` is ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
