# SPDX-License-Identifier: Apache-2.0
"""Signing in with a browser, and onboarding of organisations, as ports.

The API only carries: addresses to the browser, queries and cookies back. What a cookie holds
is sealed by who made it. A session is a principal for some hours and nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from centralino.core.kernel.errors import NotAllowed
from centralino.exchange.tokens import TokenRefused

if TYPE_CHECKING:
    from centralino.core.kernel.ids import TenantId
    from centralino.exchange.tokens import Principal


class SignInFailed(TokenRefused):
    """The sign-in was not finished; begin again."""

    code = "sign-in-failed"


class ConsentNeeded(NotAllowed):
    """An administrator must consent to the permissions of this application."""

    code = "consent-needed"


class InteractionNeeded(NotAllowed):
    """Sign in again and prove yourself; ``details['claims']`` is passed on when doing so."""

    code = "interaction-needed"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun."""

    url: str
    """Where the browser goes."""
    cookie: str = field(repr=False)
    """What the browser must bring back, once."""
    good_for_s: int


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody is signed in in a browser."""

    principal: Principal
    name: str
    """For the person himself to read; in no log."""
    ends_at: int
    """UTC nanoseconds."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that was finished."""

    session: Session
    cookie: str = field(repr=False)
    """The session, sealed."""
    good_for_s: int
    to: str
    """The path of ours that the browser goes to."""


class SignInPort(Protocol):
    """Signs people in with a browser. Nothing waits longer than the configured time-out."""

    def begin(
        self, redirect_uri: str, *, to: str = "/", language: str = "", binds_account: bool = False
    ) -> Begun:
        """Begin a sign-in.

        Args:
            redirect_uri: where the sign-in service sends the browser back.
            to: path of ours to go to afterwards; another one becomes ``/``.
            language: of the service's page, ``en`` or ``it``.
            binds_account: the product may act for this account from then on; only the one that
                the settings name is taken.

        Raises:
            NotAllowed: the settings name no account to bind.
        """
        ...

    async def finish(self, query: Mapping[str, str], cookie: str) -> SignedIn:
        """Finish a sign-in with what the browser brought back.

        Raises:
            SignInFailed: it does not belong to a sign-in that this browser began, was used
                before, or the service refused.
            NotAllowed: he is who he says, and may not enter.
            RemoteError: the service cannot be asked now.
        """
        ...

    def read(self, cookie: str) -> Session:
        """Return a session.

        Raises:
            TokenRefused: there is none, or it is over.
        """
        ...


class OnboardingPort(Protocol):
    """Takes organisations in by their administrator's consent."""

    def invite(self, tenant: TenantId) -> str:
        """Return an invitation for an organisation to become this tenant; good for a week."""
        ...

    def begin(self, invitation: str, redirect_uri: str) -> Begun:
        """Send an administrator to the consent page.

        Raises:
            SignInFailed: the invitation is not ours, over, or used.
        """
        ...

    def consented(self, query: Mapping[str, str], cookie: str, redirect_uri: str) -> Begun:
        """Take the consent's answer and send the administrator to sign in.

        His sign-in, not the answer, proves which organisation it was: the answer is
        unsigned. :meth:`SignInPort.finish` then records the organisation.

        Raises:
            SignInFailed: it does not belong to an onboarding that this browser began, or he
                declined.
        """
        ...


class DelegationPort(Protocol):
    """Acts at Microsoft's services in the name of who has called us."""

    async def require(self, token: str) -> None:
        """See that a token of a person can be exchanged for one of Graph.

        Raises:
            TokenRefused: it is no person's token for us.
            ConsentNeeded: an administrator must consent.
            InteractionNeeded: he must prove himself again.
            RemoteError: the service cannot be asked now.
        """
        ...
