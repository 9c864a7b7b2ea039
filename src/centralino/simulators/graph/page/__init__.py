# SPDX-License-Identifier: Apache-2.0
"""The parts of the tenant page: document, style, script, a catalogue per language."""
