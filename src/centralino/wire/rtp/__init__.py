# SPDX-License-Identifier: Apache-2.0
"""What travels in the audio packets of a call, without sockets and without a clock.

`packet` and `rtcp` know the formats, `srtp` the protection, `g711`, `g722`, `opus` and
`resample` the codecs, `jitter` puts packets back in order, `statistics` judges them,
`telephone_event` carries keys, `tone` makes and recognises signals. Bytes, numpy arrays
and `now` (monotonic nanoseconds) go in and come out. Import from the module that owns
the name.
"""
