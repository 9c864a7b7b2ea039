# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph as we use it: one client, presence, people and their calendars.

The client knows throttling, safe repetition, paging and errors; everything else here says
what to ask and what the answers mean. Plain HTTP with httpx: the official SDK is the
witness in the tests (it imports for a second and hides what was sent), see the ADR.
"""
