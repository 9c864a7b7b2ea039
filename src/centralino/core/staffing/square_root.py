# SPDX-License-Identifier: Apache-2.0
"""The square-root rule: spare agents grow with the root of the load, at the same service.

``beta`` is the spare in such roots: agents = erlangs + beta * sqrt(erlangs). Halfin and
Whitt give the share that waits when nobody gives up, Garnett's function when some do.

Source: S. Halfin and W. Whitt, Heavy-traffic limits for queues with many exponential
servers, Operations Research 29 (1981); O. Garnett, A. Mandelbaum and M. Reiman, Designing
a call center with impatient customers, M&SOM 4 (2002).
"""

from __future__ import annotations

import math

from centralino.core.kernel.errors import InvalidInput
from centralino.core.staffing.load import require_number

_STEPS = 200


def square_root_servers(erlangs: float, beta: float) -> int:
    """Return the agents for a load with ``beta`` roots to spare, at least 0.

    >>> square_root_servers(100.0, 1.0)
    110
    """
    require_number("load", erlangs, least=0.0)
    require_number("beta", beta)
    return max(0, math.ceil(erlangs + beta * math.sqrt(erlangs)))


def halfin_whitt(beta: float) -> float:
    """Return the share that waits with ``beta`` roots to spare when nobody gives up.

    >>> round(halfin_whitt(1.0), 9)
    0.223361275

    Raises:
        InvalidInput: ``beta`` is not more than 0, so that the queue would only grow.
    """
    require_number("beta", beta, more_than=0.0)
    return 1.0 / (1.0 + beta / _hazard(-beta))


def beta_for_wait(wait_ratio: float) -> float:
    """Return the spare at which a share waits: the inverse of :func:`halfin_whitt`.

    >>> round(beta_for_wait(0.2), 6)
    1.061516

    Raises:
        InvalidInput: the share is not between 0 and 1.
    """
    if not 0.0 < wait_ratio < 1.0:
        raise InvalidInput(f"share that waits: {wait_ratio:g} is not between 0 and 1")
    low, high = 0.0, 40.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle > 0.0 and halfin_whitt(middle) <= wait_ratio:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def garnett(beta: float, handle_s: float, patience_s: float) -> float:
    """Return the share that waits with ``beta`` roots to spare when customers give up.

    ``beta`` may be negative: who gives up makes room.

    >>> round(garnett(0.0, 60.0, 60.0), 6)
    0.5
    """
    require_number("beta", beta)
    require_number("handling time", handle_s, more_than=0.0)
    require_number("patience", patience_s, more_than=0.0)
    root = math.sqrt(patience_s / handle_s)
    return 1.0 / (1.0 + _hazard(beta * root) / root / _hazard(-beta))


def _hazard(point: float) -> float:
    """Return density over upper tail of the normal distribution."""
    if point > _FAR:
        inverse = 1.0 / (point * point)
        return point / (1.0 - inverse * (1.0 - 3 * inverse * (1.0 - 5 * inverse)))
    density = math.exp(-point * point / 2) / math.sqrt(2 * math.pi)
    return density / (math.erfc(point / math.sqrt(2)) / 2)


_FAR = 35.0
"""From here on the tail is too small for a float; the asymptotic series is exact to 1e-12."""
