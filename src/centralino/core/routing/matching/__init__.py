# SPDX-License-Identifier: Apache-2.0
"""Who gets whom: those who wait, the agents who may take them, and the next match.

``matching`` is the door, ``match`` its vocabulary. Everything here is derived from the
state and the configuration, and makes decisions fast; it decides nothing by itself.
"""
