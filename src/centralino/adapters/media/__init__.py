# SPDX-License-Identifier: Apache-2.0
"""Media workers: RTP relaying, mixing, playing, recording, in processes of their own.

A worker (``worker``) knows legs, rooms and files, and no call, queue or agent. Its
vocabulary is ``centralino.exchange.media``; ``client`` speaks it from a driver. What
the packets look like is known by ``centralino.wire.rtp``.
"""
