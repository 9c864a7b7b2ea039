# SPDX-License-Identifier: Apache-2.0
"""Microsoft's own library for sign-in finds the simulated Entra as it finds the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import msal
import pytest
from cryptography.hazmat.primitives import serialization

from centralino.simulators.entra import errors
from tests.kit import entra as kit
from tests.kit.certificates import trusted_authority
from tests.kit.entra_stage import certificate_files, running_entra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.entra_stage import EntraStage

pytestmark = [pytest.mark.contract, pytest.mark.timeout(60)]

GRAPH = ["https://graph.microsoft.com/.default"]
Answer = dict[str, Any]


def confidential(stage: EntraStage, **changes: Any) -> msal.ConfidentialClientApplication:  # noqa: ANN401 - msal's own
    """Return the product as msal sees it, with the arguments of the how-to page."""
    options: dict[str, Any] = {
        "client_credential": kit.SECRET,
        "authority": stage.authority,
        "instance_discovery": False,
        "verify": stage.ca_file,
    }
    return msal.ConfidentialClientApplication(kit.CLIENT_ID, **{**options, **changes})


def public(stage: EntraStage) -> msal.PublicClientApplication:
    """Return a desktop program."""
    return msal.PublicClientApplication(
        kit.DESKTOP_ID, authority=stage.authority, instance_discovery=False, verify=stage.ca_file
    )


def claims_of(token: str) -> Answer:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def begin(
    application: msal.ClientApplication, scope: str, redirect_uri: str, **more: str
) -> Answer:
    """Begin a sign-in; by form, as msal recommends."""
    flow: Answer = application.initiate_auth_code_flow(
        [scope], redirect_uri=redirect_uri, response_mode="form_post", **more
    )
    return flow


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"instance_discovery": None, "validate_authority": False},
        {"instance_discovery": "/common/discovery/instance"},
        {"authority": None, "oidc_authority": "/v2.0", "instance_discovery": None},
    ],
    ids=["no-instance-discovery", "no-validation", "own-instance-discovery", "oidc"],
)
def test_a_client_gets_a_token_with_its_secret(stage: EntraStage, changes: Answer) -> None:
    ready = dict(changes)
    if isinstance(ready.get("instance_discovery"), str):
        ready["instance_discovery"] = stage.entra.base_url + ready["instance_discovery"]
    if "oidc_authority" in ready:
        ready["oidc_authority"] = stage.authority + ready["oidc_authority"]
    answer = confidential(stage, **ready).acquire_token_for_client(GRAPH)
    claims = claims_of(answer["access_token"])
    assert claims["roles"] == ["User.Read.All"]
    assert claims["iss"] == f"https://sts.windows.net/{kit.TENANT_ID}/"


def test_a_client_gets_a_token_with_its_certificate(module_folder: Path, stage: EntraStage) -> None:
    identity = trusted_authority().issue("centralino")
    pem = identity.certificate.public_bytes(serialization.Encoding.PEM).decode()
    certificate, key, _ = certificate_files(module_folder)
    application = kit.application(certificates=(pem,))
    scenario = kit.scenario(
        applications=(application,), certificate=str(certificate), private_key=str(key)
    )
    credential = {"private_key": identity.key_pem.decode(), "public_certificate": pem}
    with running_entra(module_folder, scenario) as other:
        good = confidential(other, client_credential=credential)
        assert "access_token" in good.acquire_token_for_client(GRAPH)
    # The same proof where the certificate is not registered.
    bad = confidential(stage, client_credential=credential)
    assert bad.acquire_token_for_client(GRAPH)["error_codes"] == [700027]


def test_a_person_signs_in_with_a_code_and_is_remembered(stage: EntraStage) -> None:
    application = confidential(stage)
    flow = begin(application, "User.Read", kit.REDIRECT)
    answer = application.acquire_token_by_auth_code_flow(
        flow, stage.sign_in(flow["auth_uri"], kit.ANNA)
    )
    assert answer["id_token_claims"]["oid"] == kit.ANNA
    assert answer["id_token_claims"]["roles"] == ["Agent"]
    assert claims_of(answer["access_token"])["scp"] == "User.Read"
    (account,) = application.get_accounts()
    assert account["home_account_id"] == f"{kit.ANNA}.{kit.TENANT_ID}"
    fresh = application.acquire_token_silent(["User.Read"], account, force_refresh=True)
    assert fresh is not None
    assert fresh["access_token"] != answer["access_token"]


def test_a_refresh_token_is_replaced_at_each_use(stage: EntraStage) -> None:
    application = confidential(stage)
    flow = begin(application, "User.Read", kit.REDIRECT)
    first = application.acquire_token_by_auth_code_flow(
        flow, stage.sign_in(flow["auth_uri"], kit.ANNA)
    )
    second = application.acquire_token_by_refresh_token(first["refresh_token"], ["User.Read"])
    assert second["refresh_token"] != first["refresh_token"]
    stage.entra.sessions.revoke(kit.ANNA)
    third = application.acquire_token_by_refresh_token(second["refresh_token"], ["User.Read"])
    assert third["error_codes"] == [50173]


def test_a_code_is_good_once(stage: EntraStage) -> None:
    application = confidential(stage)
    flow = begin(application, "User.Read", kit.REDIRECT)
    response = stage.sign_in(flow["auth_uri"], kit.ANNA)
    assert "access_token" in application.acquire_token_by_auth_code_flow(flow, response)
    again = application.acquire_token_by_auth_code_flow(flow, response)
    assert again["error_codes"] == [54005]


def test_a_code_without_its_verifier_is_worth_nothing(stage: EntraStage) -> None:
    application = confidential(stage)
    flow = begin(application, "User.Read", kit.REDIRECT)
    response = stage.sign_in(flow["auth_uri"], kit.ANNA)
    flow["code_verifier"] = "x" * 43
    answer = application.acquire_token_by_auth_code_flow(flow, response)
    assert answer["error_codes"] == [501481]


def test_a_tab_token_is_exchanged_on_behalf_of_the_person(stage: EntraStage) -> None:
    tab = stage.entra.teams_token(kit.TENANT_ID, kit.ANNA, kit.CLIENT_ID)
    assert tab is not None
    application = confidential(stage)
    answer = application.acquire_token_on_behalf_of(tab, GRAPH)
    claims = claims_of(answer["access_token"])
    assert claims["scp"] == "Presence.Read.All User.Read"
    assert claims["oid"] == kit.ANNA
    assert application.get_accounts() != []


@pytest.mark.parametrize(
    ("defect", "number"),
    [
        ("forged-signature", 50013),
        ("unknown-key", 50013),
        ("alg-none", 50013),
        ("wrong-audience", 500131),
        ("expired", 500133),
        ("missing-scope", 7000114),
    ],
)
def test_a_wrong_assertion_is_refused(stage: EntraStage, defect: Any, number: int) -> None:  # noqa: ANN401 - rows
    tab = stage.entra.teams_token(kit.TENANT_ID, kit.ANNA, kit.CLIENT_ID, defect)
    answer = confidential(stage).acquire_token_on_behalf_of(tab, GRAPH)
    assert answer["error_codes"] == [number]


def test_a_second_factor_is_asked_for_and_given(stage: EntraStage) -> None:
    application = confidential(stage)
    tab = stage.entra.teams_token(kit.TENANT_ID, kit.CAREFUL, kit.CLIENT_ID)
    refused = application.acquire_token_on_behalf_of(tab, GRAPH)
    assert (refused["error"], refused["error_codes"]) == ("interaction_required", [50076])
    flow = begin(application, "User.Read", kit.REDIRECT, claims_challenge=refused["claims"])
    response = stage.sign_in(flow["auth_uri"], kit.CAREFUL, approves=True)
    answer = application.acquire_token_by_auth_code_flow(flow, response)
    assert claims_of(answer["access_token"])["amr"] == ["pwd", "mfa"]


def test_a_desktop_program_signs_in_without_a_secret(stage: EntraStage) -> None:
    application = public(stage)
    flow = begin(application, f"{kit.URI}/access_as_user", "http://localhost:51234")
    answer = application.acquire_token_by_auth_code_flow(
        flow, stage.sign_in(flow["auth_uri"], kit.SUSANNA)
    )
    claims = claims_of(answer["access_token"])
    assert (claims["aud"], claims["azp"], claims["azpacr"]) == (kit.CLIENT_ID, kit.DESKTOP_ID, "0")
    assert claims["roles"] == ["Supervisor"]


def test_a_device_is_signed_in_from_another(stage: EntraStage) -> None:
    application = public(stage)
    flow = application.initiate_device_flow([f"{kit.URI}/access_as_user"])
    flow["interval"] = 0
    with stage.client() as browser:
        told = {"code": flow["user_code"], "person": kit.ANNA}
        page = browser.post("/common/oauth2/deviceauth", data=told)
    assert page.status_code == 200
    answer = application.acquire_token_by_device_flow(flow)
    assert claims_of(answer["access_token"])["oid"] == kit.ANNA


@pytest.mark.parametrize(("secret", "number"), [("wrong", 7000215), (kit.OLD_SECRET, 7000222)])
def test_a_bad_secret_is_told(stage: EntraStage, secret: str, number: int) -> None:
    answer = confidential(stage, client_credential=secret).acquire_token_for_client(GRAPH)
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [number])


def test_an_unknown_tenant_is_refused_as_msal_expects(stage: EntraStage) -> None:
    authority = f"{stage.entra.base_url}/33333333-3333-4333-8333-333333333333"
    with pytest.raises(ValueError, match="authority configuration"):
        confidential(stage, authority=authority)


def test_a_tenant_that_has_not_consented_is_told_so(stage: EntraStage) -> None:
    authority = f"{stage.entra.base_url}/{kit.OTHER_TENANT_ID}"
    answer = confidential(stage, authority=authority).acquire_token_for_client(GRAPH)
    assert answer["error_codes"] == [700016]


def test_planted_errors_reach_the_client_with_all_it_needs(stage: EntraStage) -> None:
    stage.entra.plant(errors.MFA_NEEDED)
    answer = confidential(stage).acquire_token_for_client(GRAPH)
    assert (answer["error"], "capolids" in answer["claims"]) == ("interaction_required", True)
    stage.entra.plant(errors.NO_CONSENT)
    answer = confidential(stage).acquire_token_for_client(GRAPH)
    assert (answer["suberror"], answer["error_codes"]) == ("consent_required", [65001])


def test_throttling_is_respected_by_msal(stage: EntraStage) -> None:
    application = confidential(stage)
    stage.entra.plant(errors.THROTTLED, retry_after_s=60)
    before = stage.entra.service.log.total
    first = application.acquire_token_for_client(GRAPH)
    assert first["error_codes"] == [90055]
    after = stage.entra.service.log.total
    second = application.acquire_token_for_client(GRAPH)
    assert second["error_codes"] == [90055]
    # msal keeps quiet for as long as it was told to.
    assert stage.entra.service.log.total == after > before
