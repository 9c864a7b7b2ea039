# SPDX-License-Identifier: Apache-2.0
"""The media of scripted people: each speaks a tone of his own and says which he hears.

Audio is judged by signal. ``ear`` finds tones, ``hub`` paces and owns the ports,
``stream`` is one end of one stream, ``party`` a person who speaks and listens there,
``description`` what both say of it.
"""
