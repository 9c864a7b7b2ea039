# SPDX-License-Identifier: Apache-2.0
"""Text to speech: engines behind `centralino.exchange.speech`, and the sound they make.

`espeak` runs the local engine espeak-ng, `library` keeps what was spoken, `sound` turns an
engine's output into a prompt: one channel, 16 bits, an even level, no dead air.
"""
