# SPDX-License-Identifier: Apache-2.0
"""Web services that flows ask, over HTTP.

A flow's author may only reach what the administrator allows: public addresses over HTTPS,
unless the settings name a host. Secrets come from files and never enter a flow.
"""
