# SPDX-License-Identifier: Apache-2.0
"""The scripts and sheets that an administrator is given, as text.

``provision.ps1`` makes the tenant what the plan says and may be run again; with ``-WhatIf`` it
only says what it would do. ``undo.ps1`` takes back what it made. ``settings.ps1`` reads what
``centralino doctor`` judges. ``network.md`` says what DNS, firewall and certificate need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from centralino.bootstrap.teams.permissions import permission_sheet
from centralino.bootstrap.teams.powershell import command, literal
from centralino.bootstrap.teams.preflight import settings_script
from centralino.bootstrap.teams.steps import Step, steps_of

if TYPE_CHECKING:
    from centralino.bootstrap.teams.plan import ProvisioningPlan

_SIGNALLING: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "commercial": (
        ("sip.pstnhub.microsoft.com", "sip2.pstnhub.microsoft.com", "sip3.pstnhub.microsoft.com"),
        ("52.112.0.0/14", "52.120.0.0/14"),
    ),
    "gcc-high": (("sip.pstnhub.gov.teams.microsoft.us",), ("52.127.88.0/21",)),
    "dod": (("sip.pstnhub.dod.teams.microsoft.us",), ("52.127.64.0/21",)),
}
"""Names of the SIP proxies and their networks per cloud: "Plan Direct Routing"."""

_HEAD = """\
#Requires -Version 5.1
#Requires -Modules @{ ModuleName = 'MicrosoftTeams'; ModuleVersion = '5.3.1' }
"""

_INVOKE_STEP = """
function Invoke-Step {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $Id,
        [Parameter(Mandatory)] [string] $Title,
        [Parameter(Mandatory)] [scriptblock] $Find,
        [Parameter(Mandatory)] [scriptblock] $Same,
        [Parameter(Mandatory)] [scriptblock] $Make,
        [Parameter(Mandatory)] [scriptblock] $Change
    )
    $found = & $Find
    if ($null -eq $found) {
        if ($PSCmdlet.ShouldProcess($Title, 'make')) {
            & $Make | Out-Null
            Write-Host "made      $Title"
        }
    }
    elseif (& $Same $found) {
        Write-Host "is there  $Title"
    }
    elseif ($PSCmdlet.ShouldProcess($Title, 'change')) {
        & $Change $found | Out-Null
        Write-Host "changed   $Title"
    }
}
"""


def files_of(plan: ProvisioningPlan) -> dict[str, str]:
    """Return all files by name; the same plan gives the same bytes."""
    steps = tuple(steps_of(plan))
    return {
        "provision.ps1": provision_script(plan, steps),
        "undo.ps1": undo_script(plan, steps),
        "settings.ps1": settings_script(),
        "permissions.md": permission_sheet(plan.features),
        "network.md": network_sheet(plan),
    }


def provision_script(plan: ProvisioningPlan, steps: Sequence[Step]) -> str:
    """Return the script that makes a tenant what the plan says."""
    parts = [
        _HEAD,
        "# Makes the tenant what the plan says. Safe to run again: each step looks first.",
        "# Try it with -WhatIf. Policies and patterns may take hours until they act everywhere.",
        _BEGINNING,
        _INVOKE_STEP,
        _connected(plan),
        *(_rendered(step) for step in steps),
        "Write-Host 'Done.'",
    ]
    return "\n".join(parts) + "\n"


def undo_script(plan: ProvisioningPlan, steps: Sequence[Step]) -> str:
    """Return the script that takes back what the other one made, last first."""
    lines = [
        f"if ($PSCmdlet.ShouldProcess({literal(step.title)}, 'undo')) {{ {step.undo} }}"
        for step in reversed(steps)
        if step.undo
    ]
    parts = [
        _HEAD,
        "# Takes back what provision.ps1 made, last first. Resource accounts stay: others may "
        "use them.",
        _BEGINNING,
        _connected(plan),
        *lines,
    ]
    return "\n".join(parts) + "\n"


_BEGINNING = """\
[CmdletBinding(SupportsShouldProcess)]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
"""


def _connected(plan: ProvisioningPlan) -> str:
    wrong = literal(f"You are signed in to another tenant than {plan.tenant}.")
    return (
        f"{command('Connect-MicrosoftTeams', '| Out-Null', TenantId=plan.tenant)}\n"
        f"if ((Get-CsTenant).TenantId -ne {literal(plan.tenant)}) {{ throw {wrong} }}\n"
    )


def _rendered(step: Step) -> str:
    return (
        f"Invoke-Step -Id {literal(step.id)} -Title {literal(step.title)} `\n"
        f"    -Find {{ {step.find} }} `\n"
        f"    -Same {{ param($found) {step.same} }} `\n"
        f"    -Make {{ {step.make} }} `\n"
        f"    -Change {{ param($found) {step.change} }}\n"
    )


def network_sheet(plan: ProvisioningPlan) -> str:
    """Return what DNS, firewall and certificate need, as Markdown."""
    hosts, networks = _SIGNALLING[plan.cloud]
    names = sorted({f"*.{host.partition('.')[2]}" for host in plan.hosts})
    rows = [f"| `{trunk.fqdn}` | A | the public address of the SBC |" for trunk in plan.trunks]
    ports = ", ".join(str(port) for port in sorted({trunk.port for trunk in plan.trunks}))
    signalling = ", ".join(f"`{network}`" for network in networks)
    return "\n".join(
        [
            "# DNS, firewall, certificate",
            "",
            "| name | type | value |",
            "|---|---|---|",
            *rows,
            "",
            "One name has one address. Each name's domain must be verified in the tenant and have "
            "a licensed user (or resource account) in it; that takes up to a day to act.",
            "",
            "| traffic | from | to |",
            "|---|---|---|",
            f"| SIP over TLS | {signalling} | the SBC, port {ports or '5061'} |",
            f"| SIP over TLS | the SBC | {', '.join(hosts)}, port 5061 |",
            f"| SRTP over UDP | {signalling}, ports 3478-3481 and 49152-53247 | the SBC's media "
            "ports |",
            "",
            "Try the proxies in the order they are named. Never configure their addresses: they "
            "move.",
            "",
            f"The SBC's certificate names {', '.join(f'`{host}`' for host in plan.hosts) or 'it'}"
            f"{' (or ' + ', '.join(f'`{name}`' for name in names) + ')' if names else ''}, comes "
            "from an authority of Microsoft's trusted root program, is RSA of 2048 bits or more, "
            "and is sent with all intermediates.",
            "",
        ]
    )
