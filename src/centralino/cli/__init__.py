# SPDX-License-Identifier: Apache-2.0
"""The ``centralino`` command: reads arguments, calls ``bootstrap``, prints, exits.

Exit codes: 0 good, 1 failed, 2 wrong usage. A command that reports takes ``--json``.
"""
