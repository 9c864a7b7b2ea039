# SPDX-License-Identifier: Apache-2.0
"""The running exchange and what it needs from outside.

``ports`` names the outside as protocols, ``orders`` and ``facts`` are the one
call-control vocabulary of all three integration models, ``media`` is the vocabulary
between a voice driver and its media workers, ``capabilities`` says what each model
can do, ``link`` carries messages between the processes. Adapters know these modules;
they do not know each other.
"""
