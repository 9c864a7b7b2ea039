# SPDX-License-Identifier: Apache-2.0
"""Azure's credentials get their tokens from the simulated Entra, with only settings changed."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientSecretCredential,
    OnBehalfOfCredential,
)
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from tests.kit import entra as kit
from tests.kit.certificates import trusted_authority
from tests.kit.entra_stage import certificate_files, running_entra

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.entra_stage import EntraStage

pytestmark = [pytest.mark.contract, pytest.mark.timeout(60)]

GRAPH = "https://graph.microsoft.com/.default"


def options(stage: EntraStage) -> dict[str, Any]:
    """Return the arguments of the how-to page."""
    return {
        "authority": stage.entra.base_url,
        "disable_instance_discovery": True,
        "connection_verify": stage.ca_file,
    }


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def test_a_secret(stage: EntraStage) -> None:
    with ClientSecretCredential(
        kit.TENANT_ID, kit.CLIENT_ID, kit.SECRET, **options(stage)
    ) as credential:
        claims = claims_of(credential.get_token(GRAPH).token)
    assert (claims["roles"], claims["idtyp"]) == (["User.Read.All"], "app")


def test_a_secret_asynchronously(stage: EntraStage) -> None:
    async def get() -> str:
        credential = AsyncClientSecretCredential(
            kit.TENANT_ID, kit.CLIENT_ID, kit.SECRET, **options(stage)
        )
        async with credential:
            return (await credential.get_token(GRAPH)).token

    with warnings.catch_warnings():
        # aiohttp's connector of azure-core leaves closing to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        assert claims_of(asyncio.run(get()))["tid"] == kit.TENANT_ID


def test_a_wrong_secret(stage: EntraStage) -> None:
    with (
        ClientSecretCredential(kit.TENANT_ID, kit.CLIENT_ID, "wrong", **options(stage)) as bad,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        bad.get_token(GRAPH)


def test_a_certificate(module_folder: Path) -> None:
    identity = trusted_authority().issue("centralino")
    certificate, key, _ = certificate_files(module_folder)
    scenario = kit.scenario(
        applications=(kit.application(certificates=(identity.chain_pem.decode(),)),),
        certificate=str(certificate),
        private_key=str(key),
    )
    with (
        running_entra(module_folder, scenario) as stage,
        CertificateCredential(
            kit.TENANT_ID,
            kit.CLIENT_ID,
            certificate_data=identity.key_pem + identity.chain_pem,
            **options(stage),
        ) as credential,
    ):
        assert claims_of(credential.get_token(GRAPH).token)["appid"] == kit.CLIENT_ID


def test_on_behalf_of(stage: EntraStage) -> None:
    tab = stage.entra.teams_token(kit.TENANT_ID, kit.SUSANNA, kit.CLIENT_ID)
    assert tab is not None
    with OnBehalfOfCredential(
        kit.TENANT_ID,
        kit.CLIENT_ID,
        client_secret=kit.SECRET,
        user_assertion=tab,
        **options(stage),
    ) as credential:
        claims = claims_of(credential.get_token(GRAPH, enable_cae=True).token)
    assert (claims["oid"], claims["scp"]) == (kit.SUSANNA, "Presence.Read.All User.Read")


def test_a_code(module_folder: Path) -> None:
    certificate, key, _ = certificate_files(module_folder)
    scenario = kit.scenario(
        # This credential sends no code verifier; Entra does not insist for such clients.
        applications=(kit.application(requires_pkce=False),),
        certificate=str(certificate),
        private_key=str(key),
    )
    with running_entra(module_folder, scenario) as stage:
        asked = (
            f"{stage.authority}/oauth2/v2.0/authorize?client_id={kit.CLIENT_ID}"
            f"&response_type=code&redirect_uri={kit.REDIRECT}&scope=User.Read%20offline_access"
        )
        code = stage.sign_in(asked, kit.ANNA)["code"]
        with AuthorizationCodeCredential(
            kit.TENANT_ID,
            kit.CLIENT_ID,
            code,
            kit.REDIRECT,
            client_secret=kit.SECRET,
            **options(stage),
        ) as credential:
            first = credential.get_token("User.Read")
            assert claims_of(first.token)["oid"] == kit.ANNA
