# SPDX-License-Identifier: Apache-2.0
"""Session descriptions and the agreement on one audio stream (RFC 8866, 3264, 4568).

`description` keeps the text, `format` knows codecs, `crypto` the SDES keys, `audio` makes
and judges offers and answers. Import from the module that owns the name.
"""
