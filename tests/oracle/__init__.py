# SPDX-License-Identifier: Apache-2.0
"""A second opinion on who gets whom, written without looking at the first."""
