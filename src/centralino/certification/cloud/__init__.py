# SPDX-License-Identifier: Apache-2.0
"""Certification of what the product does with Microsoft's cloud: sign-in, presence, webhooks.

The far side is the simulated Entra and Graph in this process; the product runs as its
processes. Judged is what the far side was asked, what the product answered, and what it noted.
"""
