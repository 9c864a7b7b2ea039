#Requires -Version 5.1
#Requires -Modules @{ ModuleName = 'MicrosoftTeams'; ModuleVersion = '5.3.1' }

# Makes the tenant what the plan says. Safe to run again: each step looks first.
# Try it with -WhatIf. Policies and patterns may take hours until they act everywhere.
[CmdletBinding(SupportsShouldProcess)]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'


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

Connect-MicrosoftTeams -TenantId '0f7e2d9c-0000-4000-8000-000000000001' | Out-Null
if ((Get-CsTenant).TenantId -ne '0f7e2d9c-0000-4000-8000-000000000001') { throw 'You are signed in to another tenant than 0f7e2d9c-0000-4000-8000-000000000001.' }

Invoke-Step -Id 'trunk sbc1.aurora-outdoor.example' -Title 'Trunk sbc1.aurora-outdoor.example, port 5061' `
    -Find { Get-CsOnlinePSTNGateway -Identity 'sbc1.aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.SipSignalingPort -eq 5061 -and $found.MediaBypass -eq $false -and $found.ForwardCallHistory -eq $true -and $found.ForwardPai -eq $true -and $found.MaxConcurrentSessions -eq 100 -and $found.FailoverTimeSeconds -eq 10 -and $found.FailoverResponseCodes -eq '408, 503, 504' -and $found.SendSipOptions -eq $true -and $found.Enabled -eq $true } `
    -Make { New-CsOnlinePSTNGateway -Fqdn 'sbc1.aurora-outdoor.example' -SipSignalingPort 5061 -MediaBypass $false -ForwardCallHistory $true -ForwardPai $true -MaxConcurrentSessions 100 -FailoverTimeSeconds 10 -FailoverResponseCodes '408, 503, 504' -SendSipOptions $true -Enabled $true } `
    -Change { param($found) Set-CsOnlinePSTNGateway -Identity 'sbc1.aurora-outdoor.example' -SipSignalingPort 5061 -MediaBypass $false -ForwardCallHistory $true -ForwardPai $true -MaxConcurrentSessions 100 -FailoverTimeSeconds 10 -FailoverResponseCodes '408, 503, 504' -SendSipOptions $true -Enabled $true }

Invoke-Step -Id 'trunk sbc2.aurora-outdoor.example' -Title 'Trunk sbc2.aurora-outdoor.example, port 5061' `
    -Find { Get-CsOnlinePSTNGateway -Identity 'sbc2.aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.SipSignalingPort -eq 5061 -and $found.MediaBypass -eq $false -and $found.ForwardCallHistory -eq $true -and $found.ForwardPai -eq $true -and $found.MaxConcurrentSessions -eq 100 -and $found.FailoverTimeSeconds -eq 10 -and $found.FailoverResponseCodes -eq '408, 503, 504' -and $found.SendSipOptions -eq $true -and $found.Enabled -eq $true } `
    -Make { New-CsOnlinePSTNGateway -Fqdn 'sbc2.aurora-outdoor.example' -SipSignalingPort 5061 -MediaBypass $false -ForwardCallHistory $true -ForwardPai $true -MaxConcurrentSessions 100 -FailoverTimeSeconds 10 -FailoverResponseCodes '408, 503, 504' -SendSipOptions $true -Enabled $true } `
    -Change { param($found) Set-CsOnlinePSTNGateway -Identity 'sbc2.aurora-outdoor.example' -SipSignalingPort 5061 -MediaBypass $false -ForwardCallHistory $true -ForwardPai $true -MaxConcurrentSessions 100 -FailoverTimeSeconds 10 -FailoverResponseCodes '408, 503, 504' -SendSipOptions $true -Enabled $true }

Invoke-Step -Id 'usage' -Title 'PSTN usage Centralino' `
    -Find { Get-CsOnlinePstnUsage -Identity 'Global' -ErrorAction SilentlyContinue | Where-Object { $_.Usage -contains 'Centralino' } } `
    -Same { param($found) $true } `
    -Make { Set-CsOnlinePstnUsage -Identity 'Global' -Usage @{Add='Centralino'} } `
    -Change { param($found) Set-CsOnlinePstnUsage -Identity 'Global' -Usage @{Add='Centralino'} }

Invoke-Step -Id 'route Centralino numbers' -Title 'Voice route Centralino numbers for ^\+39021555\d{4}$' `
    -Find { Get-CsOnlineVoiceRoute -Identity 'Centralino numbers' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.NumberPattern -eq '^\+39021555\d{4}$' -and -not (Compare-Object @($found.OnlinePstnGatewayList) @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example')) } `
    -Make { New-CsOnlineVoiceRoute -Identity 'Centralino numbers' -NumberPattern '^\+39021555\d{4}$' -OnlinePstnGatewayList @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example') -Priority 1 -OnlinePstnUsages @('Centralino') } `
    -Change { param($found) Set-CsOnlineVoiceRoute -Identity 'Centralino numbers' -NumberPattern '^\+39021555\d{4}$' -OnlinePstnGatewayList @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example') -Priority 1 -OnlinePstnUsages @('Centralino') }

Invoke-Step -Id 'route Everything else' -Title 'Voice route Everything else for ^\+\d+$' `
    -Find { Get-CsOnlineVoiceRoute -Identity 'Everything else' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.NumberPattern -eq '^\+\d+$' -and -not (Compare-Object @($found.OnlinePstnGatewayList) @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example')) } `
    -Make { New-CsOnlineVoiceRoute -Identity 'Everything else' -NumberPattern '^\+\d+$' -OnlinePstnGatewayList @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example') -Priority 2 -OnlinePstnUsages @('Centralino') } `
    -Change { param($found) Set-CsOnlineVoiceRoute -Identity 'Everything else' -NumberPattern '^\+\d+$' -OnlinePstnGatewayList @('sbc1.aurora-outdoor.example', 'sbc2.aurora-outdoor.example') -Priority 2 -OnlinePstnUsages @('Centralino') }

Invoke-Step -Id 'voice policy' -Title 'Voice routing policy Centralino-Users' `
    -Find { Get-CsOnlineVoiceRoutingPolicy -Identity 'Centralino-Users' -ErrorAction SilentlyContinue } `
    -Same { param($found) @($found.OnlinePstnUsages) -contains 'Centralino' } `
    -Make { New-CsOnlineVoiceRoutingPolicy -Identity 'Centralino-Users' -OnlinePstnUsages @('Centralino') } `
    -Change { param($found) Set-CsOnlineVoiceRoutingPolicy -Identity 'Centralino-Users' -OnlinePstnUsages @('Centralino') }

Invoke-Step -Id 'calling policy' -Title 'Calling policy Centralino-Calling: busy is busy, no voicemail by force' `
    -Find { Get-CsTeamsCallingPolicy -Identity 'Centralino-Calling' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.AllowPrivateCalling -eq $true -and $found.BusyOnBusyEnabledType -eq 'Enabled' -and $found.AllowVoicemail -eq 'UserOverride' -and $found.MusicOnHoldEnabledType -eq 'Enabled' } `
    -Make { New-CsTeamsCallingPolicy -Identity 'Centralino-Calling' -AllowPrivateCalling $true -BusyOnBusyEnabledType 'Enabled' -AllowVoicemail 'UserOverride' -MusicOnHoldEnabledType 'Enabled' } `
    -Change { param($found) Set-CsTeamsCallingPolicy -Identity 'Centralino-Calling' -AllowPrivateCalling $true -BusyOnBusyEnabledType 'Enabled' -AllowVoicemail 'UserOverride' -MusicOnHoldEnabledType 'Enabled' }

Invoke-Step -Id 'number bianca.ferri@aurora-outdoor.example' -Title 'bianca.ferri@aurora-outdoor.example has +390215550101' `
    -Find { Get-CsOnlineUser -Identity 'bianca.ferri@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.LineUri -eq 'tel:+390215550101' -and $found.EnterpriseVoiceEnabled } `
    -Make { throw 'There is no user bianca.ferri@aurora-outdoor.example: make and license him first.' } `
    -Change { param($found) Set-CsPhoneNumberAssignment -Identity 'bianca.ferri@aurora-outdoor.example' -PhoneNumber '+390215550101' -PhoneNumberType 'DirectRouting' }

Invoke-Step -Id 'grant TeamsCallingPolicy bianca.ferri@aurora-outdoor.example' -Title 'bianca.ferri@aurora-outdoor.example has the policy Centralino-Calling' `
    -Find { Get-CsOnlineUser -Identity 'bianca.ferri@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) "$($found.TeamsCallingPolicy)" -eq 'Centralino-Calling' } `
    -Make { throw 'There is no user bianca.ferri@aurora-outdoor.example.' } `
    -Change { param($found) Grant-CsTeamsCallingPolicy -Identity 'bianca.ferri@aurora-outdoor.example' -PolicyName 'Centralino-Calling' }

Invoke-Step -Id 'grant OnlineVoiceRoutingPolicy bianca.ferri@aurora-outdoor.example' -Title 'bianca.ferri@aurora-outdoor.example has the policy Centralino-Users' `
    -Find { Get-CsOnlineUser -Identity 'bianca.ferri@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) "$($found.OnlineVoiceRoutingPolicy)" -eq 'Centralino-Users' } `
    -Make { throw 'There is no user bianca.ferri@aurora-outdoor.example.' } `
    -Change { param($found) Grant-CsOnlineVoiceRoutingPolicy -Identity 'bianca.ferri@aurora-outdoor.example' -PolicyName 'Centralino-Users' }

Invoke-Step -Id 'number teo.lang@aurora-outdoor.example' -Title 'teo.lang@aurora-outdoor.example has +390215550100;ext=102' `
    -Find { Get-CsOnlineUser -Identity 'teo.lang@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.LineUri -eq 'tel:+390215550100;ext=102' -and $found.EnterpriseVoiceEnabled } `
    -Make { throw 'There is no user teo.lang@aurora-outdoor.example: make and license him first.' } `
    -Change { param($found) Set-CsPhoneNumberAssignment -Identity 'teo.lang@aurora-outdoor.example' -PhoneNumber '+390215550100;ext=102' -PhoneNumberType 'DirectRouting' }

Invoke-Step -Id 'grant TeamsCallingPolicy teo.lang@aurora-outdoor.example' -Title 'teo.lang@aurora-outdoor.example has the policy Centralino-Calling' `
    -Find { Get-CsOnlineUser -Identity 'teo.lang@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) "$($found.TeamsCallingPolicy)" -eq 'Centralino-Calling' } `
    -Make { throw 'There is no user teo.lang@aurora-outdoor.example.' } `
    -Change { param($found) Grant-CsTeamsCallingPolicy -Identity 'teo.lang@aurora-outdoor.example' -PolicyName 'Centralino-Calling' }

Invoke-Step -Id 'grant OnlineVoiceRoutingPolicy teo.lang@aurora-outdoor.example' -Title 'teo.lang@aurora-outdoor.example has the policy Centralino-Users' `
    -Find { Get-CsOnlineUser -Identity 'teo.lang@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) "$($found.OnlineVoiceRoutingPolicy)" -eq 'Centralino-Users' } `
    -Make { throw 'There is no user teo.lang@aurora-outdoor.example.' } `
    -Change { param($found) Grant-CsOnlineVoiceRoutingPolicy -Identity 'teo.lang@aurora-outdoor.example' -PolicyName 'Centralino-Users' }

Invoke-Step -Id 'account welcome@aurora-outdoor.example' -Title 'Resource account welcome@aurora-outdoor.example of centralino' `
    -Find { Get-CsOnlineApplicationInstance -Identity 'welcome@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.ApplicationId -eq '0f7e2d9c-0000-4000-8000-0000000000a1' } `
    -Make { New-CsOnlineApplicationInstance -UserPrincipalName 'welcome@aurora-outdoor.example' -DisplayName 'Aurora Welcome' -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' } `
    -Change { param($found) Set-CsOnlineApplicationInstance -Identity 'welcome@aurora-outdoor.example' -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' }

Invoke-Step -Id 'account sync welcome@aurora-outdoor.example' -Title 'welcome@aurora-outdoor.example is known to the calling service' `
    -Find { Get-CsOnlineApplicationInstance -Identity 'welcome@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $false } `
    -Make { throw 'There is no resource account welcome@aurora-outdoor.example.' } `
    -Change { param($found) $account = Get-CsOnlineApplicationInstance -Identity 'welcome@aurora-outdoor.example' -ErrorAction SilentlyContinue; Sync-CsOnlineApplicationInstance -ObjectId $account.ObjectId -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' }

Invoke-Step -Id 'account number welcome@aurora-outdoor.example' -Title 'welcome@aurora-outdoor.example has +390215550199' `
    -Find { Get-CsOnlineApplicationInstance -Identity 'welcome@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.PhoneNumber -eq 'tel:+390215550199' } `
    -Make { throw 'License welcome@aurora-outdoor.example with Teams Phone Resource Account first.' } `
    -Change { param($found) Set-CsPhoneNumberAssignment -Identity 'welcome@aurora-outdoor.example' -PhoneNumber '+390215550199' -PhoneNumberType 'DirectRouting' }

Invoke-Step -Id 'account policy welcome@aurora-outdoor.example' -Title 'welcome@aurora-outdoor.example may call over the trunks' `
    -Find { Get-CsOnlineUser -Identity 'welcome@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) "$($found.OnlineVoiceRoutingPolicy)" -eq 'Centralino-Users' } `
    -Make { throw 'There is no account welcome@aurora-outdoor.example.' } `
    -Change { param($found) Grant-CsOnlineVoiceRoutingPolicy -Identity 'welcome@aurora-outdoor.example' -PolicyName 'Centralino-Users' }

Invoke-Step -Id 'account recorder@aurora-outdoor.example' -Title 'Resource account recorder@aurora-outdoor.example of centralino' `
    -Find { Get-CsOnlineApplicationInstance -Identity 'recorder@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.ApplicationId -eq '0f7e2d9c-0000-4000-8000-0000000000a1' } `
    -Make { New-CsOnlineApplicationInstance -UserPrincipalName 'recorder@aurora-outdoor.example' -DisplayName 'Aurora Recorder' -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' } `
    -Change { param($found) Set-CsOnlineApplicationInstance -Identity 'recorder@aurora-outdoor.example' -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' }

Invoke-Step -Id 'account sync recorder@aurora-outdoor.example' -Title 'recorder@aurora-outdoor.example is known to the calling service' `
    -Find { Get-CsOnlineApplicationInstance -Identity 'recorder@aurora-outdoor.example' -ErrorAction SilentlyContinue } `
    -Same { param($found) $false } `
    -Make { throw 'There is no resource account recorder@aurora-outdoor.example.' } `
    -Change { param($found) $account = Get-CsOnlineApplicationInstance -Identity 'recorder@aurora-outdoor.example' -ErrorAction SilentlyContinue; Sync-CsOnlineApplicationInstance -ObjectId $account.ObjectId -ApplicationId '0f7e2d9c-0000-4000-8000-0000000000a1' }

Invoke-Step -Id 'recording policy' -Title 'Recording policy Aurora Recording' `
    -Find { Get-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' -ErrorAction SilentlyContinue } `
    -Same { param($found) $found.Enabled -eq $true } `
    -Make { New-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' -Enabled $true } `
    -Change { param($found) Set-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' -Enabled $true }

Invoke-Step -Id 'recording application' -Title 'recorder@aurora-outdoor.example records, where it can' `
    -Find { Get-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' -ErrorAction SilentlyContinue } `
    -Same { param($found) @($found.ComplianceRecordingApplications).Count -gt 0 } `
    -Make { throw 'There is no policy Aurora Recording.' } `
    -Change { param($found) $account = Get-CsOnlineApplicationInstance -Identity 'recorder@aurora-outdoor.example' -ErrorAction SilentlyContinue; $application = New-CsTeamsComplianceRecordingApplication -Parent 'Aurora Recording' -RequiredBeforeCallEstablishment $false -RequiredDuringCall $false -RequiredBeforeMeetingJoin $false -RequiredDuringMeeting $false -ConcurrentInvitationCount 1 -Id $account.ObjectId; Set-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' -ComplianceRecordingApplications @($application) }

Write-Host 'Done.'
