# SPDX-License-Identifier: Apache-2.0
"""The entry of a media worker process, cold or as a warm standby.

Cold::

    python -m centralino.adapters.media.worker --socket RUN/media-0.sock \
        --checkpoint RUN/media-0.ckpt --ports 20000-29999 --prompts DIR [DIR ...]

Standby: a process that has imported everything and encoded the prompts, but owns no
socket. A supervisor keeps one per host and lets it become the worker that died, which
takes a few milliseconds instead of the start of an interpreter::

    python -m centralino.adapters.media.worker --standby --prompts DIR [DIR ...]

Protocol over its pipes, one line each: the standby writes ``ready`` to standard output
when it is warm; the supervisor writes the worker's ``WorkerSettings`` as one line of
JSON to its standard input (only ``socket_path`` and ``checkpoint_path`` are required);
the standby writes ``serving`` when it listens, as a cold worker does, and from then on is
that worker. A standby whose standard input is closed before that ends with status 0. A
worker of either kind ends with status 0 on SIGTERM.

The predecessor must be dead (its checkpoint is locked): the successor waits for that up
to two seconds.
"""

from __future__ import annotations

import argparse
import errno
import logging
import select
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import structlog
from structlog.tracebacks import ExceptionDictTransformer

from centralino.adapters.clock import SystemClock
from centralino.adapters.log_stream import lasting
from centralino.adapters.media.codec import CODECS
from centralino.adapters.media.loop import MediaLoop
from centralino.adapters.media.prompts import PromptLibrary
from centralino.adapters.media.settings import WorkerSettings
from centralino.wire.rtp import opus

if TYPE_CHECKING:
    from types import FrameType

log = structlog.get_logger(__name__)

_LOCK_TRIES = 400
_LOCK_PAUSE_S = 0.005


def run_worker(settings: WorkerSettings, library: PromptLibrary | None = None) -> None:
    """Run a worker in this process until SIGTERM.

    Args:
        settings: what it is.
        library: prompts that are warm already, if any.

    Raises:
        OSError: its socket or checkpoint cannot be opened.
    """
    if library is None:
        library = PromptLibrary(settings.prompt_directories)
        library.prepare_all(CODECS)
        opus.is_available()
    structlog.contextvars.bind_contextvars(process=settings.name)
    loop = _open_loop(settings, library)

    def stop(number: int, frame: FrameType | None) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    _say("serving")
    log.info("media.serving", worker=settings.name)
    loop.run()


def _open_loop(settings: WorkerSettings, library: PromptLibrary) -> MediaLoop:
    """Open the worker as soon as its predecessor's lock is gone."""
    for attempt in range(_LOCK_TRIES):
        try:
            return MediaLoop(settings, library, SystemClock())
        except BlockingIOError:
            if attempt == _LOCK_TRIES - 1:
                raise
            select.select((), (), (), _LOCK_PAUSE_S)
    raise BlockingIOError(errno.EWOULDBLOCK, "the checkpoint stays locked")


def run_standby(prompt_directories: tuple[str, ...]) -> None:
    """Get warm, wait to be told which worker to become, and become it.

    Raises:
        msgspec.MsgspecError: what the supervisor wrote are no settings.
        OSError: as ``run_worker``.
    """
    library = PromptLibrary(prompt_directories)
    library.prepare_all(CODECS)
    library.wait_ready()
    opus.is_available()
    _say("ready")
    line = sys.stdin.readline()
    if line.strip():
        run_worker(msgspec.json.decode(line, type=WorkerSettings), library)


def _say(word: str) -> None:
    """Tell the supervisor; one that does not listen is no error."""
    try:
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        log.debug("media.supervisor_does_not_listen")


def _parse_ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    try:
        ports = int(first), int(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no range such as 20000-29999") from None
    if not 1024 <= ports[0] < ports[1] <= 65535:
        raise argparse.ArgumentTypeError("ports lie between 1024 and 65535, the lower first")
    return ports


def _set_up_logging(name: str) -> None:
    """Log JSON lines to standard error; standard output belongs to the protocol."""
    structlog.contextvars.bind_contextvars(process=name)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(lasting(sys.stderr)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="centralino.adapters.media.worker")
    parser.add_argument("--standby", action="store_true", help="wait to become a worker")
    parser.add_argument("--socket", help="Unix socket to listen on")
    parser.add_argument("--checkpoint", help="file that keeps the counters")
    parser.add_argument("--ports", type=_parse_ports, default=(20000, 29999), help="A-B")
    parser.add_argument("--prompts", nargs="*", default=(), help="directories with WAV files")
    parser.add_argument("--name", default="media-0")
    parser.add_argument("--country", default="it", help="whose ringback tone to play")
    given = parser.parse_args(arguments)
    _set_up_logging("media-standby" if given.standby else given.name)
    if given.standby:
        run_standby(tuple(given.prompts))
        return 0
    if not given.socket or not given.checkpoint:
        parser.error("--socket and --checkpoint are required")
    settings = WorkerSettings(
        name=given.name,
        socket_path=given.socket,
        checkpoint_path=given.checkpoint,
        first_port=given.ports[0],
        last_port=given.ports[1],
        prompt_directories=tuple(given.prompts),
        tone_country=given.country,
    )
    run_worker(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
