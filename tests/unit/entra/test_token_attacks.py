# SPDX-License-Identifier: Apache-2.0
"""Attacks on token verification, each refused; docs/reference/security-sign-in.md lists them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import structlog

from centralino.core.kernel.errors import NotAllowed, RemoteUnavailable
from centralino.exchange.tokens import Role, TokenRefused
from tests.kit import entra as kit
from tests.unit.entra.stage import TokenStage

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.unit


@pytest.fixture
def stage(tmp_path: Path) -> TokenStage:
    """Give a stage."""
    return TokenStage(tmp_path)


def reasons(stage: TokenStage, token: str) -> list[str]:
    """Return why a token is refused, as our log says; the sender hears one sentence."""
    with structlog.testing.capture_logs() as logs, pytest.raises(TokenRefused) as refused:
        stage.verify(token)
    assert refused.value.message == "this token is not valid here"
    (told,) = (line for line in logs if line["event"] == "entra.token_refused")
    assert len(token) < 20 or token not in str(logs)
    return list(told["reasons"])


def test_a_good_token_of_a_person_is_believed(stage: TokenStage) -> None:
    principal = stage.verify(stage.tab_token())
    assert (principal.subject, principal.tenant) == (kit.ANNA, "first")
    assert principal.roles == {Role.AGENT}


def test_a_forged_token_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("forged-signature")) == ["signature"]


def test_a_token_without_signature_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("alg-none")) == ["algorithm"]


def test_a_token_signed_with_the_public_key_as_secret_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("hs256-with-public-key")) == ["algorithm"]


def test_an_expired_token_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("expired")) == ["expired"]


def test_a_token_that_is_not_yet_valid_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("not-yet-valid")) == ["not-yet-valid"]


def test_a_token_for_somebody_else_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("wrong-audience")) == ["audience"]


def test_a_token_of_another_issuer_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("wrong-issuer")) == ["issuer"]


def test_a_token_whose_issuer_is_another_tenants_is_refused(stage: TokenStage) -> None:
    # Signed by the service and onboarded: only the two tenants in it do not fit together.
    claims = json.loads(_part(stage.tab_token(), 1))
    claims["iss"] = f"https://login.example/{kit.OTHER_TENANT_ID}/v2.0"
    assert reasons(stage, stage.mint.sign(claims)) == ["issuer"]


def test_a_token_of_an_unknown_tenant_is_refused(stage: TokenStage) -> None:
    token = stage.tab_token(person=kit.STRANGER, tenant=1)
    assert reasons(stage, token) == ["tenant"]


def test_a_token_without_tenant_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("missing-tenant")) == ["tenant", "issuer"]


def test_a_token_of_an_unknown_key_is_refused(stage: TokenStage) -> None:
    stage.verify(stage.tab_token())
    assert reasons(stage, stage.tab_token("unknown-key")) == ["key"]


def test_a_token_that_names_no_key_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("no-key-id")) == ["malformed"]


def test_unknown_keys_cause_one_fetch_a_minute_whatever_arrives(stage: TokenStage) -> None:
    stage.verify(stage.tab_token())
    for _ in range(50):
        reasons(stage, stage.tab_token("unknown-key"))
    assert stage.keys.fetch_count == 1
    stage.time.advance(60)
    for _ in range(50):
        reasons(stage, stage.tab_token("unknown-key"))
    assert stage.keys.fetch_count == 2


def test_keys_that_are_rotated_in_the_middle_lock_nobody_out(stage: TokenStage) -> None:
    before = stage.tab_token()
    stage.verify(before)
    stage.ring.rotate()
    # Announced before, so that no fetch is needed.
    stage.verify(stage.tab_token())
    assert stage.keys.fetch_count == 1
    stage.time.advance(61)
    stage.ring.replace()
    stage.verify(stage.tab_token())
    assert stage.keys.fetch_count == 2
    assert reasons(stage, before) == ["key"]


def test_keys_are_fetched_anew_each_day(stage: TokenStage) -> None:
    stage.verify(stage.tab_token())
    stage.time.advance(24 * 3600)
    stage.verify(stage.tab_token())
    assert stage.keys.fetch_count == 2


def test_while_the_service_is_away_its_keys_serve_another_day(stage: TokenStage) -> None:
    stage.verify(stage.tab_token())
    stage.is_away = True
    stage.time.advance(47 * 3600)
    stage.verify(stage.tab_token())
    stage.time.advance(3600)
    with pytest.raises(RemoteUnavailable):
        stage.verify(stage.tab_token())


def test_without_keys_nobody_is_refused_by_mistake(stage: TokenStage) -> None:
    stage.is_away = True
    with pytest.raises(RemoteUnavailable, match="cannot be reached"):
        stage.verify(stage.tab_token())


@pytest.mark.parametrize(("skew_s", "is_good"), [(-3900, True), (290, True), (310, False)])
def test_clocks_may_be_five_minutes_apart(stage: TokenStage, skew_s: int, *, is_good: bool) -> None:
    stage.mint.clock_skew_s = skew_s
    if is_good:
        stage.verify(stage.tab_token())
    else:
        assert reasons(stage, stage.tab_token()) == ["not-yet-valid"]


def test_a_token_ends_five_minutes_late_at_most(stage: TokenStage) -> None:
    token = stage.tab_token()
    stage.time.advance(3900 + 299)
    stage.verify(token)
    stage.time.advance(1)
    assert reasons(stage, token) == ["expired"]


def test_a_guest_of_another_tenant_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token(person=kit.GUEST)) == ["guest"]


def test_a_guest_is_let_in_where_that_is_wanted(tmp_path: Path) -> None:
    stage = TokenStage(tmp_path, admits_guests=True)
    assert stage.verify(stage.tab_token(person=kit.GUEST)).subject == kit.GUEST


def test_a_token_without_our_scope_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("missing-scope")) == ["scope"]


def test_a_token_of_a_client_that_is_not_listed_is_refused(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("wrong-client")) == ["client"]
    assert reasons(stage, stage.daemon_token()) == ["client"]


def test_a_listed_program_is_believed_by_its_roles(tmp_path: Path) -> None:
    stage = TokenStage(tmp_path, allowed_clients=(kit.DAEMON_ID,))
    principal = stage.verify(stage.daemon_token())
    assert principal.roles == {Role.SUPERVISOR}
    assert principal.subject.startswith("app:")
    assert reasons(stage, stage.daemon_token(roles=())) == ["scope"]
    assert reasons(stage, stage.daemon_token(roles=("Unknown",))) == ["scope"]


def test_a_token_of_version_1_is_refused_unless_wanted(tmp_path: Path) -> None:
    strict = TokenStage(tmp_path, allowed_clients=(kit.DAEMON_ID,))
    assert reasons(strict, strict.daemon_token(token_version=1)) == ["issuer"]
    lenient = TokenStage(tmp_path, allowed_clients=(kit.DAEMON_ID,), takes_v1_tokens=True)
    assert lenient.verify(lenient.daemon_token(token_version=1)).roles == {Role.SUPERVISOR}


def test_a_person_without_a_role_may_not_enter(stage: TokenStage) -> None:
    claims = json.loads(_part(stage.tab_token(), 1))
    del claims["roles"]
    with pytest.raises(NotAllowed, match="role"):
        stage.verify(stage.mint.sign(claims))


def test_an_oversized_token_is_refused_before_it_is_read(stage: TokenStage) -> None:
    assert reasons(stage, stage.tab_token("oversized")) == ["oversized"]
    assert stage.keys.fetch_count == 0


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b", "a.b.c.d", "....", "e30.e30.e30", "\x00.\x00.\x00", "é.é.é", "." * 5000],
)
def test_what_is_no_token_is_refused(stage: TokenStage, token: str) -> None:
    assert reasons(stage, token) == ["malformed"]


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256", "kid": "x" * 201},
        {"alg": "RS256", "kid": ""},
        {"alg": "RS256", "kid": "k", "crit": ["exp"]},
    ],
)
def test_a_strange_header_is_refused(stage: TokenStage, header: dict[str, object]) -> None:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    _, payload, signature = stage.tab_token().split(".")
    assert reasons(stage, f"{head}.{payload}.{signature}") == ["header"]


@pytest.mark.parametrize("value", [None, "2100-01-01", True, [1], {}, float("inf")])
@pytest.mark.parametrize("name", ["exp", "nbf"])
def test_a_time_that_is_no_number_is_refused(stage: TokenStage, name: str, value: object) -> None:
    claims = json.loads(_part(stage.tab_token(), 1))
    claims[name] = value
    wanted = {"exp": "expired", "nbf": "not-yet-valid"}[name]
    assert reasons(stage, stage.mint.sign(claims)) == [wanted]


@pytest.mark.parametrize("name", ["aud", "iss", "tid", "scp", "azp", "oid"])
@pytest.mark.parametrize("value", [["x"], 7, {"a": 1}, None, ""])
def test_a_claim_of_another_kind_is_refused(stage: TokenStage, name: str, value: object) -> None:
    claims = json.loads(_part(stage.tab_token(), 1))
    claims[name] = value
    assert reasons(stage, stage.mint.sign(claims)) != []


def test_known_and_unknown_tenants_are_told_apart_in_nothing(stage: TokenStage) -> None:
    """The same sentence, the same checks, and no fetch for either."""
    stage.verify(stage.tab_token())
    said = set()
    for token in (
        stage.tab_token(person=kit.STRANGER, tenant=1),
        stage.tab_token("wrong-audience"),
    ):
        with pytest.raises(TokenRefused) as refused:
            stage.verify(token)
        said.add((refused.value.code, refused.value.message, str(refused.value.details)))
    assert len(said) == 1
    assert stage.keys.fetch_count == 1


def _part(token: str, number: int) -> bytes:
    text = token.split(".")[number]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
