# SPDX-License-Identifier: Apache-2.0
"""The digital twin: the production core in virtual time, with customers and agents drawn by lot.

``document`` is the file people write, ``plan`` what it means, ``draws`` the lots, ``day`` the
run itself, ``figures`` what came of it; ``runs`` repeats days over the cores, ``picture`` draws
them. Deterministic: the same file and seed give the same figures to the last bit.
"""
