# SPDX-License-Identifier: Apache-2.0
"""What is done in a tenant, step by step: look, then make or change, and how to take it back.

Each step looks first, so a second run changes nothing. The order is the one in which Microsoft
needs things to be there. Sources: "Configure Direct Routing"; "Set up phone numbers"; "Manage
resource accounts"; "Introduction to Teams policy-based recording".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from centralino.bootstrap.teams.powershell import Value, command, literal, looked_up

if TYPE_CHECKING:
    from centralino.bootstrap.teams.plan import (
        PersonPlan,
        ProvisioningPlan,
        RecordingPlan,
        ResourceAccountPlan,
        RoutePlan,
        TrunkPlan,
    )

_APPLICATIONS = {
    "auto-attendant": "ce933385-9390-45d1-9512-c8d228074e07",
    "call-queue": "11cd3e2e-fccb-42ad-ad00-878b93575e07",
}
"""Microsoft's own voice applications."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is to be so."""

    id: str
    title: str
    find: str
    """Finds it; nothing comes back when it is not there."""
    same: str
    """Whether what was found (``$found``) is as wanted."""
    make: str
    change: str
    undo: str = ""
    """Takes it back; empty where others may rely on it by now."""


def steps_of(plan: ProvisioningPlan) -> Iterator[Step]:
    """Yield the steps of a plan, in order."""
    yield from (_trunk(trunk) for trunk in plan.trunks if not trunk.is_derived)
    if plan.trunks:
        yield _usage(plan)
        yield from (_route(plan, route) for route in plan.routes)
        yield _voice_policy(plan)
    yield _calling_policy(plan)
    for person in plan.people:
        yield _number(person)
        yield from _grants(plan, person.user, with_voice=bool(plan.trunks))
    for account in plan.resource_accounts:
        yield from _account(plan, account)
    if plan.recording is not None:
        yield from _recording(plan.recording)


def _compared(**wanted: Value | None) -> str:
    """Return the comparison of what was found with what is wanted."""
    parts = [
        f"$found.{name} -eq {literal(value)}" for name, value in wanted.items() if value is not None
    ]
    return " -and ".join(parts) or "$true"


def _trunk(trunk: TrunkPlan) -> Step:
    wanted: dict[str, Value | None] = {
        "SipSignalingPort": trunk.port,
        "MediaBypass": trunk.media_bypass,
        "ForwardCallHistory": trunk.forward_history,
        "ForwardPai": trunk.forward_pai,
        "MaxConcurrentSessions": trunk.most_sessions,
        "FailoverTimeSeconds": trunk.failover_s,
        "FailoverResponseCodes": ", ".join(str(code) for code in trunk.failover_codes),
        "SendSipOptions": True,
        "Enabled": True,
    }
    name = "CsOnlinePSTNGateway"
    return Step(
        id=f"trunk {trunk.fqdn}",
        title=f"Trunk {trunk.fqdn}, port {trunk.port}",
        find=looked_up(f"Get-{name}", trunk.fqdn),
        same=_compared(**wanted),
        make=command(f"New-{name}", Fqdn=trunk.fqdn, **wanted),
        change=command(f"Set-{name}", Identity=trunk.fqdn, **wanted),
        undo=command(f"Remove-{name}", Identity=trunk.fqdn),
    )


def _usage(plan: ProvisioningPlan) -> Step:
    usage = literal(plan.usage)
    setting = command("Set-CsOnlinePstnUsage", f"-Usage @{{Add={usage}}}", Identity="Global")
    found = looked_up("Get-CsOnlinePstnUsage", "Global")
    find = f"{found} | Where-Object {{ $_.Usage -contains {usage} }}"
    return Step(
        id="usage",
        title=f"PSTN usage {plan.usage}",
        find=find,
        same="$true",
        make=setting,
        change=setting,
        undo=command("Set-CsOnlinePstnUsage", f"-Usage @{{Remove={usage}}}", Identity="Global"),
    )


def _route(plan: ProvisioningPlan, route: RoutePlan) -> Step:
    wanted: dict[str, Value | None] = {
        "NumberPattern": route.pattern,
        "OnlinePstnGatewayList": list(plan.hosts),
        "Priority": route.priority,
        "OnlinePstnUsages": [plan.usage],
    }
    hosts = literal(list(plan.hosts))
    same = (
        f"$found.NumberPattern -eq {literal(route.pattern)} -and "
        f"-not (Compare-Object @($found.OnlinePstnGatewayList) {hosts})"
    )
    name = "CsOnlineVoiceRoute"
    return Step(
        id=f"route {route.name}",
        title=f"Voice route {route.name} for {route.pattern}",
        find=looked_up(f"Get-{name}", route.name),
        same=same,
        make=command(f"New-{name}", Identity=route.name, **wanted),
        change=command(f"Set-{name}", Identity=route.name, **wanted),
        undo=command(f"Remove-{name}", Identity=route.name),
    )


def _voice_policy(plan: ProvisioningPlan) -> Step:
    usages = [plan.usage]
    name = "CsOnlineVoiceRoutingPolicy"
    return Step(
        id="voice policy",
        title=f"Voice routing policy {plan.voice_policy}",
        find=looked_up(f"Get-{name}", plan.voice_policy),
        same=f"@($found.OnlinePstnUsages) -contains {literal(plan.usage)}",
        make=command(f"New-{name}", Identity=plan.voice_policy, OnlinePstnUsages=usages),
        change=command(f"Set-{name}", Identity=plan.voice_policy, OnlinePstnUsages=usages),
        undo=command(f"Remove-{name}", Identity=plan.voice_policy),
    )


def _calling_policy(plan: ProvisioningPlan) -> Step:
    wanted: dict[str, Value | None] = {
        "AllowPrivateCalling": True,
        "BusyOnBusyEnabledType": "Enabled",
        "AllowVoicemail": "UserOverride",
        "MusicOnHoldEnabledType": "Enabled",
    }
    name = "CsTeamsCallingPolicy"
    return Step(
        id="calling policy",
        title=f"Calling policy {plan.calling_policy}: busy is busy, no voicemail by force",
        find=looked_up(f"Get-{name}", plan.calling_policy),
        same=_compared(**wanted),
        make=command(f"New-{name}", Identity=plan.calling_policy, **wanted),
        change=command(f"Set-{name}", Identity=plan.calling_policy, **wanted),
        undo=command(f"Remove-{name}", Identity=plan.calling_policy),
    )


def _number(person: PersonPlan) -> Step:
    number = person.number + (f";ext={person.extension}" if person.extension else "")
    wanted: dict[str, Value | None] = {
        "Identity": person.user,
        "PhoneNumber": number,
        "PhoneNumberType": "DirectRouting",
    }
    setting = command("Set-CsPhoneNumberAssignment", **wanted)
    return Step(
        id=f"number {person.user}",
        title=f"{person.user} has {number}",
        find=looked_up("Get-CsOnlineUser", person.user),
        same=f"$found.LineUri -eq {literal('tel:' + number)} -and $found.EnterpriseVoiceEnabled",
        make=f"throw {literal(f'There is no user {person.user}: make and license him first.')}",
        change=setting,
        undo=command("Remove-CsPhoneNumberAssignment", **wanted),
    )


def _grants(plan: ProvisioningPlan, user: str, *, with_voice: bool) -> Iterator[Step]:
    grants = [("CsTeamsCallingPolicy", "TeamsCallingPolicy", plan.calling_policy)]
    if with_voice:
        grants.append(("CsOnlineVoiceRoutingPolicy", "OnlineVoiceRoutingPolicy", plan.voice_policy))
    for cmdlet, field, policy in grants:
        grant = command(f"Grant-{cmdlet}", Identity=user, PolicyName=policy)
        yield Step(
            id=f"grant {field} {user}",
            title=f"{user} has the policy {policy}",
            find=looked_up("Get-CsOnlineUser", user),
            same=f'"$($found.{field})" -eq {literal(policy)}',
            make=f"throw {literal(f'There is no user {user}.')}",
            change=grant,
            undo=command(f"Grant-{cmdlet}", "-PolicyName $null", Identity=user),
        )


def _account(plan: ProvisioningPlan, account: ResourceAccountPlan) -> Iterator[Step]:
    application = _APPLICATIONS.get(account.kind, plan.application)
    name = "CsOnlineApplicationInstance"
    yield Step(
        id=f"account {account.user}",
        title=f"Resource account {account.user} of {account.kind}",
        find=looked_up(f"Get-{name}", account.user),
        same=_compared(ApplicationId=application),
        make=command(
            f"New-{name}",
            UserPrincipalName=account.user,
            DisplayName=account.name,
            ApplicationId=application,
        ),
        change=command(f"Set-{name}", Identity=account.user, ApplicationId=application),
    )
    if account.acs_resource is not None:
        setting = command(
            f"Set-{name}",
            Identity=account.user,
            ApplicationId=application,
            AcsResourceId=account.acs_resource,
        )
        yield Step(
            id=f"account acs {account.user}",
            title=f"{account.user} belongs to the communication resource",
            find=looked_up(f"Get-{name}", account.user),
            same=_compared(AcsResourceId=account.acs_resource),
            make=f"throw {literal(f'There is no resource account {account.user}.')}",
            change=setting,
        )
    yield _synced(account, application)
    if account.number is not None:
        yield from _account_number(plan, account)


def _synced(account: ResourceAccountPlan, application: str) -> Step:
    find = looked_up("Get-CsOnlineApplicationInstance", account.user)
    syncing = (
        f"$account = {find}; Sync-CsOnlineApplicationInstance -ObjectId $account.ObjectId "
        f"-ApplicationId {literal(application)}"
    )
    return Step(
        id=f"account sync {account.user}",
        title=f"{account.user} is known to the calling service",
        find=find,
        same="$false",
        make=f"throw {literal(f'There is no resource account {account.user}.')}",
        change=syncing,
    )


def _account_number(plan: ProvisioningPlan, account: ResourceAccountPlan) -> Iterator[Step]:
    wanted: dict[str, Value | None] = {
        "Identity": account.user,
        "PhoneNumber": account.number,
        "PhoneNumberType": account.number_type,
    }
    yield Step(
        id=f"account number {account.user}",
        title=f"{account.user} has {account.number}",
        find=looked_up("Get-CsOnlineApplicationInstance", account.user),
        same=f"$found.PhoneNumber -eq {literal(f'tel:{account.number}')}",
        make=f"throw {literal(f'License {account.user} with Teams Phone Resource Account first.')}",
        change=command("Set-CsPhoneNumberAssignment", **wanted),
        undo=command("Remove-CsPhoneNumberAssignment", **wanted),
    )
    if plan.trunks and account.number_type == "DirectRouting":
        grant = command(
            "Grant-CsOnlineVoiceRoutingPolicy", Identity=account.user, PolicyName=plan.voice_policy
        )
        yield Step(
            id=f"account policy {account.user}",
            title=f"{account.user} may call over the trunks",
            find=looked_up("Get-CsOnlineUser", account.user),
            same=f'"$($found.OnlineVoiceRoutingPolicy)" -eq {literal(plan.voice_policy)}',
            make=f"throw {literal(f'There is no account {account.user}.')}",
            change=grant,
        )


def _recording(recording: RecordingPlan) -> Iterator[Step]:
    name = "CsTeamsComplianceRecordingPolicy"
    enabling = command(f"Set-{name}", Identity=recording.policy, Enabled=True)
    yield Step(
        id="recording policy",
        title=f"Recording policy {recording.policy}",
        find=looked_up(f"Get-{name}", recording.policy),
        same=_compared(Enabled=True),
        make=command(f"New-{name}", Identity=recording.policy, Enabled=True),
        change=enabling,
        undo=command(f"Remove-{name}", Identity=recording.policy),
    )
    account = looked_up("Get-CsOnlineApplicationInstance", recording.account)
    required = recording.is_required
    making = command(
        "New-CsTeamsComplianceRecordingApplication",
        "-Id $account.ObjectId",
        Parent=recording.policy,
        RequiredBeforeCallEstablishment=required,
        RequiredDuringCall=required,
        RequiredBeforeMeetingJoin=required,
        RequiredDuringMeeting=required,
        ConcurrentInvitationCount=1,
    )
    putting = command(
        f"Set-{name}",
        "-ComplianceRecordingApplications @($application)",
        Identity=recording.policy,
    )
    change = f"$account = {account}; $application = {making}; {putting}"
    yield Step(
        id="recording application",
        title=f"{recording.account} records, {'by force' if required else 'where it can'}",
        find=looked_up(f"Get-{name}", recording.policy),
        same="@($found.ComplianceRecordingApplications).Count -gt 0",
        make=f"throw {literal(f'There is no policy {recording.policy}.')}",
        change=change,
    )
