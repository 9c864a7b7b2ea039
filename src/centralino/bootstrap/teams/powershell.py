# SPDX-License-Identifier: Apache-2.0
"""PowerShell as text that cannot be anything but what it says: quoting, arguments, commands.

Every value is a literal: single quotes, in which PowerShell expands nothing; it takes four
more characters for a single quote, so all five are doubled. Only cmdlets and parameters that
are listed here can be written. Source: "about_Quoting_Rules"; Teams PowerShell reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from centralino.core.kernel.errors import Bug, InvalidInput

Value = str | int | bool | Sequence[str]

_QUOTES = "'\u2018\u2019\u201a\u201b"

CMDLETS: Mapping[str, frozenset[str]] = {
    name: frozenset(parameters.split())
    for name, parameters in {
        "Connect-MicrosoftTeams": "TenantId",
        "Get-CsOnlinePSTNGateway": "Identity",
        "New-CsOnlinePSTNGateway": "Fqdn SipSignalingPort MediaBypass ForwardCallHistory "
        "ForwardPai MaxConcurrentSessions FailoverTimeSeconds FailoverResponseCodes "
        "SendSipOptions Enabled",
        "Set-CsOnlinePSTNGateway": "Identity SipSignalingPort MediaBypass ForwardCallHistory "
        "ForwardPai MaxConcurrentSessions FailoverTimeSeconds FailoverResponseCodes "
        "SendSipOptions Enabled",
        "Remove-CsOnlinePSTNGateway": "Identity",
        "Get-CsOnlinePstnUsage": "Identity",
        "Set-CsOnlinePstnUsage": "Identity Usage",
        "Get-CsOnlineVoiceRoute": "Identity",
        "New-CsOnlineVoiceRoute": "Identity NumberPattern OnlinePstnGatewayList Priority "
        "OnlinePstnUsages",
        "Set-CsOnlineVoiceRoute": "Identity NumberPattern OnlinePstnGatewayList Priority "
        "OnlinePstnUsages",
        "Remove-CsOnlineVoiceRoute": "Identity",
        "Get-CsOnlineVoiceRoutingPolicy": "Identity",
        "New-CsOnlineVoiceRoutingPolicy": "Identity OnlinePstnUsages",
        "Set-CsOnlineVoiceRoutingPolicy": "Identity OnlinePstnUsages",
        "Grant-CsOnlineVoiceRoutingPolicy": "Identity PolicyName",
        "Remove-CsOnlineVoiceRoutingPolicy": "Identity",
        "Get-CsTeamsCallingPolicy": "Identity",
        "New-CsTeamsCallingPolicy": "Identity BusyOnBusyEnabledType AllowVoicemail "
        "AllowPrivateCalling MusicOnHoldEnabledType",
        "Set-CsTeamsCallingPolicy": "Identity BusyOnBusyEnabledType AllowVoicemail "
        "AllowPrivateCalling MusicOnHoldEnabledType",
        "Grant-CsTeamsCallingPolicy": "Identity PolicyName",
        "Remove-CsTeamsCallingPolicy": "Identity",
        "Get-CsOnlineUser": "Identity",
        "Get-CsPhoneNumberAssignment": "TelephoneNumber",
        "Set-CsPhoneNumberAssignment": "Identity PhoneNumber PhoneNumberType",
        "Remove-CsPhoneNumberAssignment": "Identity PhoneNumber PhoneNumberType",
        "Get-CsOnlineApplicationInstance": "Identity",
        "New-CsOnlineApplicationInstance": "UserPrincipalName DisplayName ApplicationId",
        "Set-CsOnlineApplicationInstance": "Identity ApplicationId AcsResourceId",
        "Sync-CsOnlineApplicationInstance": "ObjectId ApplicationId",
        "Get-CsTeamsComplianceRecordingPolicy": "Identity",
        "New-CsTeamsComplianceRecordingPolicy": "Identity Enabled",
        "Set-CsTeamsComplianceRecordingPolicy": "Identity Enabled ComplianceRecordingApplications",
        "New-CsTeamsComplianceRecordingApplication": "Parent Id RequiredBeforeCallEstablishment "
        "RequiredDuringCall RequiredBeforeMeetingJoin RequiredDuringMeeting "
        "ConcurrentInvitationCount",
        "Remove-CsTeamsComplianceRecordingPolicy": "Identity",
        "Get-CsTenant": "",
        "Get-CsUserCallingSettings": "Identity",
        "Get-CsCallQueue": "",
        "Get-CsTeamsAcsFederationConfiguration": "",
        "Get-CsExternalAccessPolicy": "Identity",
        "Get-CsTenantDialPlan": "Identity",
        "Get-CsCallingLineIdentity": "Identity",
        "Get-CsTeamsEmergencyCallRoutingPolicy": "Identity",
        "Get-CsApplicationAccessPolicy": "Identity",
        "Get-CsApplicationMeetingConfiguration": "Identity",
        "Get-CsPrivacyConfiguration": "",
        "Get-CsTeamsMeetingPolicy": "Identity",
    }.items()
}
"""The cmdlets that our scripts use, each with the parameters that they use."""


def literal(value: Value) -> str:
    """Return a value as a PowerShell literal.

    Raises:
        InvalidInput: a text holds a character that has no business in a script.

    >>> literal("it's"), literal(True), literal(5), literal(["a", "b"])
    ("'it''s'", '$true', '5', "@('a', 'b')")
    """
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        if not value.isprintable():
            raise InvalidInput("a value holds a control character")
        return "'" + "".join(char * 2 if char in _QUOTES else char for char in value) + "'"
    return "@(" + ", ".join(literal(one) for one in value) + ")"


def command(cmdlet: str, /, *flags: str, **parameters: Value | None) -> str:
    """Return one call of a cmdlet; parameters that are ``None`` are left out.

    Raises:
        Bug: the cmdlet or a parameter is not in ``CMDLETS``.

    >>> command("Get-CsOnlineUser", Identity="a@b.example")
    "Get-CsOnlineUser -Identity 'a@b.example'"
    """
    known = CMDLETS.get(cmdlet)
    if known is None or not known.issuperset(parameters):
        raise Bug(f"{cmdlet} with {', '.join(parameters)} is not in the list of cmdlets")
    given = [f"-{name} {literal(value)}" for name, value in parameters.items() if value is not None]
    return " ".join([cmdlet, *given, *flags])


def looked_up(cmdlet: str, identity: str, parameter: str = "Identity") -> str:
    """Return a call that finds something, and nothing when it is not there."""
    return command(cmdlet, "-ErrorAction SilentlyContinue", **{parameter: identity})
