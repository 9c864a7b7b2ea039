# SPDX-License-Identifier: Apache-2.0
"""The media of scripted people: each speaks a tone of his own and says which he hears.

Audio is judged by signal. ``ear`` finds tones, ``hub`` paces and owns the ports,
``party`` is one end of one stream.
"""
