# SPDX-License-Identifier: Apache-2.0
"""People who behave like people: callers with patience and intent, agents with habits.

Pure and seeded: a seed gives the same people, whatever machine and day. What comes out is
part of a scenario (``Caller``, ``UserTurn``), so a run can be read before it is played.
``draws`` has the distributions, ``callers`` the public, ``agents`` those who answer.
"""
