# SPDX-License-Identifier: Apache-2.0
"""The parts of the status page: document, style, script, and a catalogue per language."""
