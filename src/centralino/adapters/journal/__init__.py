# SPDX-License-Identifier: Apache-2.0
"""Where inputs and events become durable: SQLite, PostgreSQL, and memory for tests.

Each implementation passes the conformance suite in ``tests/contract/journal``.
"""
