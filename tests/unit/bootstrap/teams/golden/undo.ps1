#Requires -Version 5.1
#Requires -Modules @{ ModuleName = 'MicrosoftTeams'; ModuleVersion = '5.3.1' }

# Takes back what provision.ps1 made, last first. Resource accounts stay: others may use them.
[CmdletBinding(SupportsShouldProcess)]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

Connect-MicrosoftTeams -TenantId '0f7e2d9c-0000-4000-8000-000000000001' | Out-Null
if ((Get-CsTenant).TenantId -ne '0f7e2d9c-0000-4000-8000-000000000001') { throw 'You are signed in to another tenant than 0f7e2d9c-0000-4000-8000-000000000001.' }

if ($PSCmdlet.ShouldProcess('Recording policy Aurora Recording', 'undo')) { Remove-CsTeamsComplianceRecordingPolicy -Identity 'Aurora Recording' }
if ($PSCmdlet.ShouldProcess('welcome@aurora-outdoor.example has +390215550199', 'undo')) { Remove-CsPhoneNumberAssignment -Identity 'welcome@aurora-outdoor.example' -PhoneNumber '+390215550199' -PhoneNumberType 'DirectRouting' }
if ($PSCmdlet.ShouldProcess('teo.lang@aurora-outdoor.example has the policy Centralino-Users', 'undo')) { Grant-CsOnlineVoiceRoutingPolicy -Identity 'teo.lang@aurora-outdoor.example' -PolicyName $null }
if ($PSCmdlet.ShouldProcess('teo.lang@aurora-outdoor.example has the policy Centralino-Calling', 'undo')) { Grant-CsTeamsCallingPolicy -Identity 'teo.lang@aurora-outdoor.example' -PolicyName $null }
if ($PSCmdlet.ShouldProcess('teo.lang@aurora-outdoor.example has +390215550100;ext=102', 'undo')) { Remove-CsPhoneNumberAssignment -Identity 'teo.lang@aurora-outdoor.example' -PhoneNumber '+390215550100;ext=102' -PhoneNumberType 'DirectRouting' }
if ($PSCmdlet.ShouldProcess('bianca.ferri@aurora-outdoor.example has the policy Centralino-Users', 'undo')) { Grant-CsOnlineVoiceRoutingPolicy -Identity 'bianca.ferri@aurora-outdoor.example' -PolicyName $null }
if ($PSCmdlet.ShouldProcess('bianca.ferri@aurora-outdoor.example has the policy Centralino-Calling', 'undo')) { Grant-CsTeamsCallingPolicy -Identity 'bianca.ferri@aurora-outdoor.example' -PolicyName $null }
if ($PSCmdlet.ShouldProcess('bianca.ferri@aurora-outdoor.example has +390215550101', 'undo')) { Remove-CsPhoneNumberAssignment -Identity 'bianca.ferri@aurora-outdoor.example' -PhoneNumber '+390215550101' -PhoneNumberType 'DirectRouting' }
if ($PSCmdlet.ShouldProcess('Calling policy Centralino-Calling: busy is busy, no voicemail by force', 'undo')) { Remove-CsTeamsCallingPolicy -Identity 'Centralino-Calling' }
if ($PSCmdlet.ShouldProcess('Voice routing policy Centralino-Users', 'undo')) { Remove-CsOnlineVoiceRoutingPolicy -Identity 'Centralino-Users' }
if ($PSCmdlet.ShouldProcess('Voice route Everything else for ^\+\d+$', 'undo')) { Remove-CsOnlineVoiceRoute -Identity 'Everything else' }
if ($PSCmdlet.ShouldProcess('Voice route Centralino numbers for ^\+39021555\d{4}$', 'undo')) { Remove-CsOnlineVoiceRoute -Identity 'Centralino numbers' }
if ($PSCmdlet.ShouldProcess('PSTN usage Centralino', 'undo')) { Set-CsOnlinePstnUsage -Identity 'Global' -Usage @{Remove='Centralino'} }
if ($PSCmdlet.ShouldProcess('Trunk sbc2.aurora-outdoor.example, port 5061', 'undo')) { Remove-CsOnlinePSTNGateway -Identity 'sbc2.aurora-outdoor.example' }
if ($PSCmdlet.ShouldProcess('Trunk sbc1.aurora-outdoor.example, port 5061', 'undo')) { Remove-CsOnlinePSTNGateway -Identity 'sbc1.aurora-outdoor.example' }
