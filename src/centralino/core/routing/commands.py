# SPDX-License-Identifier: Apache-2.0
"""What may be asked of a tenant's engine, all of it."""

from __future__ import annotations

import msgspec

from centralino.core.agents.commands import AnyAgentCommand
from centralino.core.interactions.commands import AnyCallCommand
from centralino.core.interactions.consult_commands import AnyConsultCommand
from centralino.core.interactions.supervision import AnySupervisionCommand
from centralino.core.routing.configuration import TenantConfiguration
from centralino.core.routing.score_commands import LearnScores


class ConfigureTenant(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="configure"):
    """Make the tenant what the configuration says; running interactions go on."""

    configuration: TenantConfiguration


class Tick(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tick"):
    """Time has passed: do what is due."""


Command = (
    ConfigureTenant
    | Tick
    | AnyAgentCommand
    | AnyCallCommand
    | AnySupervisionCommand
    | AnyConsultCommand
    | LearnScores
)
"""Every input of the engine."""
