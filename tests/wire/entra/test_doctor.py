# SPDX-License-Identifier: Apache-2.0
"""The doctor examines sign-in as the product uses it, and says how to mend what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from centralino.adapters.entra.settings import EntraSettings, OnboardedTenant
from centralino.api.settings import ApiSettings
from centralino.bootstrap.examination_sign_in import check_sign_in
from centralino.bootstrap.sample import example_settings
from tests.kit import entra as kit
from tests.kit.entra_stage import running_entra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from centralino.bootstrap.finding import Finding
    from tests.kit.entra_stage import EntraStage

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraStage]:
    """Give a running Entra."""
    with running_entra(tmp_path_factory.mktemp("entra")) as running:
        yield running


def examine(
    stage: EntraStage, folder: Path, secret: str = kit.SECRET, **changes: object
) -> list[Finding]:
    """Return what is found with those settings of sign-in."""
    (folder / "secret").write_text(secret)
    settings = EntraSettings(
        client_id=kit.CLIENT_ID,
        authority=stage.entra.base_url,
        has_instance_discovery=False,
        ca_file=stage.ca_file,
        secret_file=str(folder / "secret"),
        tenants=(OnboardedTenant(directory=kit.TENANT_ID, tenant="example"),),
    )
    entra = msgspec.structs.replace(settings, **changes)
    return check_sign_in(msgspec.structs.replace(example_settings(), entra=entra))


def test_what_works_is_said(stage: EntraStage, tmp_path: Path) -> None:
    found = examine(stage, tmp_path)
    assert [one.is_good for one in found] == [True, True]
    assert found[1].text == f"{kit.TENANT_ID} gives us tokens"


def test_without_sign_in_that_is_said(stage: EntraStage, tmp_path: Path) -> None:
    (one,) = examine(stage, tmp_path, client_id="")
    assert one.is_good
    assert "nobody" in one.text


@pytest.mark.parametrize(
    ("secret", "changes", "says"),
    [
        ("wrong", {}, "secret is wrong"),
        (kit.OLD_SECRET, {}, "expired"),
        ("", {}, "is empty"),
        (kit.SECRET, {"authority": "https://127.0.0.1:9"}, "cannot be reached"),
        (kit.SECRET, {"ca_file": ""}, "cannot be reached"),
        (
            kit.SECRET,
            {"tenants": (OnboardedTenant(directory=kit.OTHER_TENANT_ID, tenant="example"),)},
            "administrator must consent",
        ),
    ],
)
def test_what_does_not_work_comes_with_its_mend(
    stage: EntraStage, tmp_path: Path, secret: str, changes: dict[str, object], says: str
) -> None:
    wrong = [one for one in examine(stage, tmp_path, secret, **changes) if not one.is_good]
    assert len(wrong) == 1
    assert says in wrong[0].text
    assert wrong[0].cure


@pytest.mark.parametrize(
    ("url", "is_good"),
    [("https://localhost", True), ("http://localhost", False), ("https://elsewhere", False)],
)
def test_a_public_address_must_be_one_of_our_hosts_over_tls(
    stage: EntraStage, tmp_path: Path, url: str, *, is_good: bool
) -> None:
    base = msgspec.structs.replace(example_settings(), api=ApiSettings(public_url=url))
    entra = EntraSettings(client_id="c", authority=stage.entra.base_url, ca_file=stage.ca_file)
    del tmp_path
    first = check_sign_in(msgspec.structs.replace(base, entra=entra))[0]
    assert (first.check, first.is_good) == ("public address", is_good)
