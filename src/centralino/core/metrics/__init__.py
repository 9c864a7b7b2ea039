# SPDX-License-Identifier: Apache-2.0
"""What figures mean: definitions with a name and a version, and how sure a figure is.

A figure is stored with the definition it was made by, so that two of them are only ever
compared when they mean the same.
"""
