# SPDX-License-Identifier: Apache-2.0
"""What a contact center decides.

Everything below this package is pure: no clock, no IO, no asyncio, no hidden
randomness. Time comes in as an argument, decisions leave as events (facts that
happened) and effects (orders to the outside). The import contracts in
``.importlinter`` keep it so.
"""
