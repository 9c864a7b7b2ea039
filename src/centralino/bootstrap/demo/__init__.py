# SPDX-License-Identifier: Apache-2.0
"""The demo: a fictional company on the real product, with a simulated far side.

``company`` says who works there, ``wiring`` makes the product's settings and the far
side's scenario, ``run`` starts everything, ``judge`` decides from signals whether each
call was good, ``picture`` is what the terminal shows.
"""
