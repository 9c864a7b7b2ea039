# SPDX-License-Identifier: Apache-2.0
"""People who take interactions: their states, what they ask for, what happened to them.

Which agent gets which interaction is decided in ``routing``; this package only knows
one agent at a time. Agents give no effects of their own.
"""
