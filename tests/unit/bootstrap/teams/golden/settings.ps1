#Requires -Version 5.1
#Requires -Modules @{ ModuleName = 'MicrosoftTeams'; ModuleVersion = '5.3.1' }
# Reads the settings that `centralino doctor --tenant FILE` judges; changes nothing.
# What cannot be read here stays null: look at it by hand and put it into the file.
[CmdletBinding()]
param([string] $Path = 'tenant-settings.json')
function Read-Setting {
    param([string] $Name, [scriptblock] $Read)
    try { $settings[$Name] = & $Read }
    catch { $settings[$Name] = $null; Write-Warning "$Name cannot be read: $_" }
}
$settings = [ordered]@{}
Read-Setting 'calling.busy_on_busy' { (Get-CsTeamsCallingPolicy -Identity Global).BusyOnBusyEnabledType }
Read-Setting 'calling.allow_private_calling' { (Get-CsTeamsCallingPolicy -Identity Global).AllowPrivateCalling }
Read-Setting 'calling.allow_voicemail' { (Get-CsTeamsCallingPolicy -Identity Global).AllowVoicemail }
$settings['calling.unanswered_to_voicemail'] = $null
$settings['calling.forwarding_enabled'] = $null
Read-Setting 'calling.allow_call_forwarding_to_phone' { (Get-CsTeamsCallingPolicy -Identity Global).AllowCallForwardingToPhone }
Read-Setting 'calling.allow_call_groups' { (Get-CsTeamsCallingPolicy -Identity Global).AllowCallGroups }
Read-Setting 'calling.allow_delegation' { (Get-CsTeamsCallingPolicy -Identity Global).AllowDelegation }
Read-Setting 'calling.prevent_toll_bypass' { (Get-CsTeamsCallingPolicy -Identity Global).PreventTollBypass }
Read-Setting 'calling.allow_sip_devices' { (Get-CsTeamsCallingPolicy -Identity Global).AllowSIPDevicesCalling }
Read-Setting 'calling.allow_web_pstn' { (Get-CsTeamsCallingPolicy -Identity Global).AllowWebPSTNCalling }
Read-Setting 'calling.music_on_hold' { (Get-CsTeamsCallingPolicy -Identity Global).MusicOnHoldEnabledType }
Read-Setting 'calling.spam_filter' { (Get-CsTeamsCallingPolicy -Identity Global).SpamFilteringEnabledType }
Read-Setting 'calling.inbound_pstn_treatment' { (Get-CsTeamsCallingPolicy -Identity Global).InboundPstnCallRoutingTreatment }
Read-Setting 'recording.allow_cloud_recording_for_calls' { (Get-CsTeamsCallingPolicy -Identity Global).AllowCloudRecordingForCalls }
Read-Setting 'recording.compliance_policy_enabled' { @(Get-CsTeamsComplianceRecordingPolicy | Where-Object Enabled).Count -gt 0 }
$settings['recording.required_before_call'] = $null
$settings['recording.required_during_call'] = $null
Read-Setting 'recording.may_remove_participants' { @((Get-CsApplicationMeetingConfiguration -Identity Global).AllowRemoveParticipantAppIds).Count -gt 0 }
Read-Setting 'queue.conference_mode' { @(Get-CsCallQueue | Where-Object { -not $_.ConferenceMode }).Count -eq 0 }
$settings['queue.routing_method'] = $null
Read-Setting 'queue.presence_based_routing' { @(Get-CsCallQueue | Where-Object { -not $_.PresenceBasedRouting }).Count -eq 0 }
Read-Setting 'queue.agent_alert_s' { (Get-CsCallQueue | Measure-Object -Property AgentAlertTime -Minimum).Minimum }
Read-Setting 'queue.timeout_s' { (Get-CsCallQueue | Measure-Object -Property TimeoutThreshold -Minimum).Minimum }
$settings['queue.members_in_group'] = $null
Read-Setting 'queue.allow_opt_out' { @(Get-CsCallQueue | Where-Object { -not $_.AllowOptOut }).Count -eq 0 }
Read-Setting 'presence.federation_scope' { if ((Get-CsPrivacyConfiguration).EnablePrivacyMode) { 'Contacts' } else { 'Everyone' } }
$settings['presence.read_permission'] = $null
$settings['presence.delegated_account_bound'] = $null
$settings['presence.write_permission'] = $null
$settings['licence.agents_without_phone'] = $null
$settings['licence.enterprise_voice_disabled'] = $null
$settings['resource_account.licensed'] = $null
$settings['resource_account.number_assigned'] = $null
$settings['resource_account.application_id'] = $null
$settings['resource_account.synced'] = $null
$settings['resource_account.calling_enabled'] = $null
$settings['access.meeting_policy_granted'] = $null
$settings['access.calls_consent_current'] = $null
$settings['access.teams_app_allowed'] = $null
$settings['access.teams_app_pinned'] = $null
$settings['access.call_records_permission'] = $null
$settings['access.conditional_access_service'] = $null
Read-Setting 'routing.trunks' { @(Get-CsOnlinePSTNGateway | ForEach-Object Identity) }
Read-Setting 'routing.trunk_enabled' { @(Get-CsOnlinePSTNGateway | Where-Object { -not $_.Enabled }).Count -eq 0 }
$settings['routing.trunk_domain_verified'] = $null
$settings['routing.domain_user_licensed'] = $null
$settings['routing.derived_trunk_users'] = $null
Read-Setting 'routing.send_sip_options' { @(Get-CsOnlinePSTNGateway | Where-Object { -not $_.SendSipOptions }).Count -eq 0 }
Read-Setting 'routing.forward_call_history' { @(Get-CsOnlinePSTNGateway | Where-Object { -not $_.ForwardCallHistory }).Count -eq 0 }
Read-Setting 'routing.forward_pai' { @(Get-CsOnlinePSTNGateway | Where-Object { -not $_.ForwardPai }).Count -eq 0 }
Read-Setting 'routing.failover_time_s' { (Get-CsOnlinePSTNGateway | Measure-Object -Property FailoverTimeSeconds -Maximum).Maximum }
Read-Setting 'routing.voice_route_pattern' { (Get-CsOnlineVoiceRoute | Select-Object -Last 1).NumberPattern }
$settings['routing.pstn_usage_granted'] = $null
Read-Setting 'routing.dial_plan_normalizes' { @((Get-CsTenantDialPlan -Identity Global).NormalizationRules).Count -gt 0 }
Read-Setting 'routing.caller_id_policy' { (Get-CsCallingLineIdentity -Identity Global).CallingIDSubstitute }
Read-Setting 'routing.emergency_policy' { @((Get-CsTeamsEmergencyCallRoutingPolicy -Identity Global).EmergencyNumbers).Count -gt 0 }
$settings['routing.location_based'] = $null
Read-Setting 'meeting.lobby_bypass_apps' { (Get-CsTeamsMeetingPolicy -Identity Global).AutoAdmittedUsers -eq 'Everyone' }
Read-Setting 'meeting.anonymous_join' { (Get-CsTeamsMeetingPolicy -Identity Global).AllowAnonymousUsersToJoinMeeting }
Read-Setting 'federation.acs_enabled' { (Get-CsTeamsAcsFederationConfiguration).EnableAcsUsers }
Read-Setting 'federation.external_access' { (Get-CsExternalAccessPolicy -Identity Global).EnableFederationAccess }
$settings | ConvertTo-Json -Depth 3 | Out-File -FilePath $Path -Encoding utf8
