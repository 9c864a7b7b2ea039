# SPDX-License-Identifier: Apache-2.0
"""The record of onboarded organisations: durable, shared, once; and what is sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.entra.sealing import Seal, SealBroken
from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.adapters.entra.sign_in import Flow, own_path
from centralino.adapters.entra.tenants import OnboardedTenants, Onboarding
from centralino.adapters.entra.used import UsedOnce
from centralino.core.kernel.errors import AlreadyExists, ConfigError, StorageError
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

SETTINGS = EntraSettings(tenants=(OnboardedTenant(directory="AAAA", tenant="first"),))


def onboarding(directory: str = "bbbb", invitation: str = "i-1") -> Onboarding:
    return Onboarding(directory=directory, tenant="second", invitation=invitation, by="oid", at=1)


def test_an_onboarding_is_there_for_every_process_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "entra" / "onboarded.jsonl"
    one, other = OnboardedTenants(SETTINGS, path), OnboardedTenants(SETTINGS, path)
    one.record(onboarding())
    wanted = {"aaaa": "first", "bbbb": "second"}
    assert one.current() == other.current() == wanted
    assert OnboardedTenants(SETTINGS, path).current() == wanted
    assert other.is_used("i-1")


def test_an_invitation_and_an_organisation_are_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "onboarded.jsonl"
    one, other = OnboardedTenants(SETTINGS, path), OnboardedTenants(SETTINGS, path)
    one.record(onboarding())
    with pytest.raises(AlreadyExists, match="invitation"):
        other.record(onboarding("cccc"))
    with pytest.raises(AlreadyExists, match="organisation"):
        other.record(onboarding(invitation="i-2"))
    with pytest.raises(AlreadyExists, match="organisation"):
        other.record(onboarding("aaaa", "i-2"))


def test_a_line_that_a_power_cut_left_half_written_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "onboarded.jsonl"
    OnboardedTenants(SETTINGS, path).record(onboarding())
    with path.open("ab") as file:
        file.write(b'{"directory":"cccc","ten')
    after = OnboardedTenants(SETTINGS, path)
    assert set(after.current()) == {"aaaa", "bbbb"}
    after.record(onboarding("dddd", "i-2"))
    assert set(OnboardedTenants(SETTINGS, path).current()) == {"aaaa", "bbbb", "dddd"}


def test_what_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    tenants = OnboardedTenants(SETTINGS, tmp_path / "onboarded.jsonl")
    tenants._path = blocked / "onboarded.jsonl"
    with pytest.raises(StorageError):
        tenants.record(onboarding())


def seal(folder: Path, at: int = 0) -> Seal:
    return Seal.of_file(folder / "seal.key", lambda: at * SECOND)


FLOW = Flow(state="s", nonce="n", verifier="v", redirect_uri="r", directory="d", to="/")


def test_what_is_sealed_is_opened_for_its_purpose_in_its_time(tmp_path: Path) -> None:
    text = seal(tmp_path).seal("sign-in", FLOW)
    assert seal(tmp_path, 599).open("sign-in", text, Flow, 600) == FLOW
    with pytest.raises(SealBroken):
        seal(tmp_path, 601).open("sign-in", text, Flow, 600)
    with pytest.raises(SealBroken):
        seal(tmp_path).open("session", text, Flow, 600)


@pytest.mark.parametrize("text", ["", "x", "é", "x" * 5000])
def test_what_is_not_ours_is_not_opened(tmp_path: Path, text: str) -> None:
    with pytest.raises(SealBroken):
        seal(tmp_path).open("sign-in", text, Flow, 600)


def test_a_changed_seal_is_broken(tmp_path: Path) -> None:
    text = seal(tmp_path).seal("sign-in", FLOW)
    changed = text[:40] + ("A" if text[40] != "A" else "B") + text[41:]
    with pytest.raises(SealBroken):
        seal(tmp_path).open("sign-in", changed, Flow, 600)


def test_the_key_is_made_once_for_this_user_only_and_may_be_changed(tmp_path: Path) -> None:
    text = seal(tmp_path).seal("sign-in", FLOW)
    path = tmp_path / "seal.key"
    assert path.stat().st_mode & 0o777 == 0o600
    old = path.read_text()
    path.unlink()
    seal(tmp_path)
    with pytest.raises(SealBroken):
        seal(tmp_path).open("sign-in", text, Flow, 600)
    path.write_text(path.read_text() + old)
    assert seal(tmp_path).open("sign-in", text, Flow, 600) == FLOW
    path.write_text("nonsense")
    with pytest.raises(ConfigError, match="no key"):
        seal(tmp_path)


def test_a_name_is_used_once_as_long_as_it_could_come_again() -> None:
    now = [0]
    used = UsedOnce(10, lambda: now[0])
    assert used.take("a")
    assert not used.take("a")
    now[0] = 10
    assert used.take("a")


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "desk", "/é", "/a\\b", "/\n"],
)
def test_one_is_sent_to_a_path_of_ours_only(to: str) -> None:
    assert own_path(to) == "/"
    assert own_path("/desk?x=1#y") == "/desk?x=1#y"


def test_settings_name_all_that_a_token_may_be_for() -> None:
    settings = msgspec.structs.replace(
        SETTINGS, client_id="c", application_uris=("api://h/c",), allowed_clients=("x",)
    )
    assert settings.audiences == {"c", "api://c", "api://h/c"}
    assert settings.clients == {"c", "x"}
