# SPDX-License-Identifier: Apache-2.0
"""The API over HTTP and WebSocket, and the status page: translation, no rules.

A request passes ``boundary`` (limits, headers, access log), ``door`` (who is it, for which
tenant) and one handler, which reads a replica or submits a command through the door.
``errors`` is the one place that knows HTTP statuses, ``views`` the one that knows the JSON.
"""
