# SPDX-License-Identifier: Apache-2.0
"""What a customer hears and may choose: call flows as data and what runs them.

``nodes`` and ``document`` are what people write and publish; ``reading`` takes YAML,
``check`` judges it, ``rehearsal`` plays scripted callers through it. ``library`` makes a
catalogue ready, ``interpreter`` runs it: pure, a position and a happening in, a turn out
(``position``, ``happenings``, ``turn``, ``actions``). The ``run_*`` modules hold what each
node type does. ``menu`` is the one built-in flow of before, until the engine has switched.
"""
