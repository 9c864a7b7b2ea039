# SPDX-License-Identifier: Apache-2.0
"""Certification: call-flow plans as data, the runner that judges them, the report.

``plans`` holds the cases; ``plan``, ``stage`` and ``expectations`` are their vocabulary;
``lab`` runs the real product against the simulators; ``rules`` are the assertions that hold
for every message of every case; ``defects`` are mistakes planted to show that the checks
can fail. Verdicts rest on what the far side saw and heard, never on what the product claims,
except where a case asks what the product told its administrator.
"""
