# SPDX-License-Identifier: Apache-2.0
"""What a ``scope`` parameter asks for: one resource, its permissions, the sign-in scopes.

A bare name such as ``User.Read`` means Microsoft Graph; ``<resource>/.default`` means all
that was consented to. Source: Microsoft "Scopes and permissions in the Microsoft identity
platform".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.simulators.entra import errors
from centralino.simulators.entra.description import GRAPH_URI
from centralino.simulators.entra.directory import SIGN_IN_SCOPES

if TYPE_CHECKING:
    from centralino.simulators.entra.description import Application
    from centralino.simulators.entra.directory import Directory

DEFAULT = ".default"


@dataclass(frozen=True, slots=True)
class ScopeRequest:
    """A scope parameter, read."""

    resource: Application
    audience: str
    """The resource as it was named."""
    names: tuple[str, ...]
    """Permissions without the resource, among them perhaps ``.default``."""
    sign_in: tuple[str, ...]
    """``openid``, ``profile``, ``email``, ``offline_access``."""

    @property
    def is_default(self) -> bool:
        """Whether all that was consented to is meant."""
        return DEFAULT in self.names


def read_scope(text: str, directory: Directory) -> ScopeRequest:
    """Read a scope parameter; sign-in scopes alone mean Graph.

    Raises:
        Refusal: an unknown resource, or several.
    """
    parts = text.split()
    sign_in = tuple(part for part in parts if part in SIGN_IN_SCOPES)
    audiences: list[str] = []
    names: list[str] = []
    for part in parts:
        if part in SIGN_IN_SCOPES:
            continue
        audience, slash, name = part.rpartition("/")
        audiences.append(audience if slash else GRAPH_URI)
        names.append(name)
    wanted = sorted(set(audiences)) or [GRAPH_URI]
    resources = {_resource(audience, directory).client_id for audience in wanted}
    if len(resources) > 1:
        raise errors.refuse(errors.SEVERAL_RESOURCES)
    return ScopeRequest(_resource(wanted[0], directory), wanted[0], tuple(names), sign_in)


def _resource(name: str, directory: Directory) -> Application:
    found = directory.resource(name)
    if found is None:
        raise errors.refuse(errors.UNKNOWN_RESOURCE, resource=name)
    return found
