# SPDX-License-Identifier: Apache-2.0
"""The reception with sign-in: browsers have sessions, organisations are onboarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from centralino.api.application import create_server_application
from centralino.api.door import Doorkeeper
from centralino.core.kernel.errors import NotAllowed
from centralino.exchange.sign_in import Begun, Session, SignedIn, SignInFailed
from centralino.exchange.tokens import Principal, Role, TokenRefused
from tests.unit.api.reception import ACME, NOW, InMemoryExplanations, InMemoryTokens, Reception

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.kernel.errors import AppError
    from centralino.core.kernel.ids import TenantId

ANNA = Principal("oid-1", ACME, frozenset({Role.SUPERVISOR}))
GOOD, SEALED = "good-state", "sealed-session"
HTML = {"accept": "text/html,application/xhtml+xml"}


class InMemorySignIn:
    """Implements ``SignInPort``."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, str]] = []
        self.failure: AppError | None = None

    def begin(
        self, redirect_uri: str, *, to: str = "/", language: str = "", binds_account: bool = False
    ) -> Begun:
        if binds_account:
            raise NotAllowed("no account is to be bound")
        self.begun.append((redirect_uri, to, language))
        return Begun("https://login.example/authorize?x=1", "sealed-flow", 600)

    async def finish(self, query: Mapping[str, str], cookie: str) -> SignedIn:
        if self.failure is not None:
            raise self.failure
        if cookie != "sealed-flow" or query.get("state") != GOOD:
            raise SignInFailed
        return SignedIn(Session(ANNA, "Anna Riva", NOW), SEALED, 3600, "/desk")

    def read(self, cookie: str) -> Session:
        if cookie != SEALED:
            raise TokenRefused("you are not signed in")
        return Session(ANNA, "Anna Riva", NOW)


class InMemoryOnboarding:
    """Implements ``OnboardingPort``."""

    def invite(self, tenant: TenantId) -> str:
        return f"sealed-{tenant}"

    def begin(self, invitation: str, redirect_uri: str) -> Begun:
        if invitation != "sealed-acme":
            raise SignInFailed
        return Begun(f"https://login.example/adminconsent?{redirect_uri}", "sealed-consent", 60)

    def consented(self, query: Mapping[str, str], cookie: str, redirect_uri: str) -> Begun:
        if cookie != "sealed-consent" or query.get("state") != GOOD:
            raise SignInFailed
        return Begun(f"https://login.example/authorize?{redirect_uri}", "sealed-flow", 600)


class InMemoryDelegation:
    """Implements ``DelegationPort``."""

    def __init__(self, failure: AppError | None = None) -> None:
        self.failure = failure

    async def require(self, token: str) -> None:
        del token
        if self.failure is not None:
            raise self.failure


class Lobby(Reception):
    """A reception where browsers can sign in."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self.sign_in = InMemorySignIn()
        self.delegation = InMemoryDelegation()
        keeper = Doorkeeper(
            InMemoryTokens(),
            self.control,
            self.clock,
            sign_in=self.sign_in,
            onboarding=InMemoryOnboarding(),
            delegation=self.delegation,
            explanations=InMemoryExplanations(),
        )
        self.application = create_server_application(keeper, self.settings, generation=1)

    def browse(self, method: str, path: str, cookies: Mapping[str, str], **headers: str) -> Any:  # noqa: ANN401 - an answer
        """Ask as a browser."""
        told = "; ".join(f"{name}={value}" for name, value in cookies.items())
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(method, path, token=None, headers={**sent, "cookie": told})


def set_cookies(answer: Any) -> dict[str, str]:  # noqa: ANN401 - an answer
    """Return the cookies that an answer sets, by their names."""
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
