# SPDX-License-Identifier: Apache-2.0
"""Who gets which interaction, and the engine of one tenant.

``engine`` is the door: commands and ticks in, events and effects out. ``decisions_*``
decide, ``evolve`` is the only place that changes state, ``matching`` picks the agent,
``index`` holds what is derived from the state so that no event scans it.
"""
