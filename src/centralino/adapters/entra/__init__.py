# SPDX-License-Identifier: Apache-2.0
"""Microsoft Entra ID from our side: who signs in, tokens for Graph, onboarding of tenants.

``validation`` decides by claims alone, ``keys`` fetches what it verifies with, ``sign_in`` is
the browser's way in, ``access`` gets tokens for Graph. A token is never logged, never part of
an error, and never kept longer than it is good.
"""
