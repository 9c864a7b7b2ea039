# SPDX-License-Identifier: Apache-2.0
"""A way to a server that can be cut at the worst moment: after it has done what it was asked.

Runs on a thread of its own, so that a blocking client can be on either side.
"""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.kit.ports import free_tcp_port


class CuttingProxy:
    """Forwards connections to a port of this machine; a context manager."""

    def __init__(self, target: int) -> None:
        self.port = free_tcp_port()
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._word = b""
        self._is_armed = False
        self.cuts = 0

    def cut_after(self, word: bytes) -> None:
        """Swallow the answer to the next request that holds ``word``, and hang up."""
        with self._lock:
            self._word, self._is_armed = word, False

    def __enter__(self) -> CuttingProxy:
        """Begin to accept."""
        self._start(self._accept)
        return self

    def __exit__(self, *problem: object) -> None:
        """Close everything."""
        with self._lock:
            for one in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        for thread in self._threads:
            thread.join()

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]  # any callable
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with self._lock:
                self._open += [near, far]
            self._start(self._forward, near, far, True)
            self._start(self._forward, far, near, False)

    def _forward(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    if is_request and self._word and self._word in data:
                        self._is_armed = True
                    cut = not is_request and self._is_armed
                    if cut:
                        self._word, self._is_armed = b"", False
                        self.cuts += 1
                if cut:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
