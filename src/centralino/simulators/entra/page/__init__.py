# SPDX-License-Identifier: Apache-2.0
"""The parts of the sign-in pages: document, style, a catalogue per language."""
