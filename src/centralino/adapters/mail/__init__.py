# SPDX-License-Identifier: Apache-2.0
"""Voicemail on its way out: an outbox of ready mails on disk, and the way to a mail server."""
