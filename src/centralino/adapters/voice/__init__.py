# SPDX-License-Identifier: Apache-2.0
"""The Connect model: SIP trunks, a B2BUA on them, and the call-control port over both.

Edge of the process (settings, transports, TLS, trunks, health, admission, trace) meets the
calls (legs, driver, transfers) in ``stack.SipStack``. Protocol knowledge is in
``centralino.wire``; decisions about interactions are in the exchange.
"""
