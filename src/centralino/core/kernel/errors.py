# SPDX-License-Identifier: Apache-2.0
"""Every error that crosses a module border, and whose fault it is.

The tree (kept true by a test)::

    AppError
    ├── InvalidInput
    ├── NotAllowed
    ├── NotFound
    ├── Conflict
    │   ├── IllegalTransition
    │   ├── VersionConflict
    │   ├── CapacityExceeded
    │   └── AlreadyExists
    ├── RemoteError
    │   ├── RemoteTimeout
    │   ├── RemoteThrottled
    │   ├── RemoteUnavailable
    │   ├── RemoteRejected
    │   └── RemoteAuthFailed
    ├── ConfigError
    ├── StorageError
    └── Bug

HTTP statuses are mapped in one table of the API, never here. Protocol errors of the
wire have a tree of their own in ``centralino.wire.errors``.
"""

from __future__ import annotations

from collections.abc import Mapping


class AppError(Exception):
    """Something went wrong that a caller can be told about."""

    code = "app-error"

    def __init__(self, message: str = "", *, details: Mapping[str, object] | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])
        self.details: Mapping[str, object] = dict(details or {})

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])


class InvalidInput(AppError):
    """The input breaks a rule; ``details['path']`` names the field."""

    code = "invalid-input"


class NotAllowed(AppError):
    """The caller may not do this."""

    code = "not-allowed"


class NotFound(AppError):
    """There is no such thing."""

    code = "not-found"


class Conflict(AppError):
    """The present state does not allow this."""

    code = "conflict"


class IllegalTransition(Conflict):
    """A lifecycle has no such transition."""

    code = "illegal-transition"

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(
            f"{machine}: no transition from {state} on {event}",
            details={"machine": machine, "state": state, "event": event},
        )


class VersionConflict(Conflict):
    """Somebody else changed it first."""

    code = "version-conflict"


class CapacityExceeded(Conflict):
    """There is no room left; ``details`` names the limit."""

    code = "capacity-exceeded"


class AlreadyExists(Conflict):
    """A thing of that name is there already."""

    code = "already-exists"


class RemoteError(AppError):
    """A service beyond us failed."""

    code = "remote-error"
    retryable = False

    def __init__(
        self,
        service: str,
        operation: str,
        message: str = "",
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(
            message or f"{service}: {operation} failed",
            details={
                "service": service,
                "operation": operation,
                "retry_after_s": retry_after_s,
            },
        )
        self.service = service
        self.operation = operation
        self.retry_after_s = retry_after_s


class RemoteTimeout(RemoteError):
    """No answer in time; whether it took effect is unknown."""

    code = "remote-timeout"


class RemoteThrottled(RemoteError):
    """The service asks us to slow down."""

    code = "remote-throttled"
    retryable = True


class RemoteUnavailable(RemoteError):
    """The service cannot be reached."""

    code = "remote-unavailable"
    retryable = True


class RemoteRejected(RemoteError):
    """The service refused."""

    code = "remote-rejected"


class RemoteAuthFailed(RemoteError):
    """The service does not accept our credentials."""

    code = "remote-auth-failed"


class ConfigError(AppError):
    """The configuration is wrong; the message says where and how to mend it."""

    code = "config-error"

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        text = f"{path}: {problem}" + (f" ({hint})" if hint else "")
        super().__init__(text, details={"path": path, "hint": hint})
        self.path = path
        self.hint = hint


class StorageError(AppError):
    """Nothing can be stored now (disk full, file damaged); nothing was acknowledged."""

    code = "storage-error"


class Bug(AppError):
    """Our own mistake; always reported."""

    code = "bug"
