# SPDX-License-Identifier: Apache-2.0
"""The only shared place: identifiers, instants, phone numbers, errors, outcomes.

Nothing here knows a queue or a call. Modules are imported by their own name
(``from centralino.core.kernel.ids import LegId``); this package re-exports nothing.
"""
