# SPDX-License-Identifier: Apache-2.0
"""A PSTN carrier: sends callers to the product and takes calls from it.

``caller`` is one call that somebody places, ``subscriber`` one that somebody takes,
``carrier`` owns the SIP side and sends callers as the scenario's arrivals say.
"""
