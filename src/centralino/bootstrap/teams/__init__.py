# SPDX-License-Identifier: Apache-2.0
"""What an organisation's own Microsoft tenant must be set to: scripts, permissions, checks.

Nothing here talks to Microsoft. An administrator runs the scripts in his own PowerShell and
sees each step before it is done; the checks judge what his tenant says about itself.
"""
