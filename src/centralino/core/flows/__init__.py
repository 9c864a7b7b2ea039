# SPDX-License-Identifier: Apache-2.0
"""What a customer hears and may choose before he waits.

``menu`` is the one flow there is so far: greeting, one key chooses the queue. Flows are
data; their interpreter is pure and its position is in the journal.
"""
