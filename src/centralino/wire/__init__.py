# SPDX-License-Identifier: Apache-2.0
"""How the outside speaks: codecs and state machines that do no input or output.

Everything below is driven by bytes and by `now`, an integer count of nanoseconds of a
monotonic clock that the caller passes in. Nothing here opens a socket, reads a clock,
starts a task or knows a contact-center word.
"""
