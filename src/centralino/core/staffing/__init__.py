# SPDX-License-Identifier: Apache-2.0
"""How many people a load of work needs, and how customers fare with those there are.

Closed forms of queueing theory, exact and stable to thousands of agents: Erlang B and C
(``erlang``), customers who give up (``patience``), limited places (``places``), the
square-root rule (``square_root``); ``requirement`` turns them into a plan of intervals.
"""
