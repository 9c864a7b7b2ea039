# SPDX-License-Identifier: Apache-2.0
"""The same figures with 30 digits and by other ways: sums over states and gamma functions."""

from __future__ import annotations

import mpmath

DIGITS = 60
"""Enough for 30 after whatever the subtractions below lose."""


def erlang_b(servers: int, erlangs: float) -> mpmath.mpf:
    """Erlang B as the quotient of its definition, through the incomplete gamma function."""
    with mpmath.workdps(DIGITS):
        load = mpmath.mpf(erlangs)
        log_top = servers * mpmath.log(load) - load
        return mpmath.exp(log_top) / mpmath.gammainc(servers + 1, load)


def erlang_c(servers: int, erlangs: float) -> mpmath.mpf:
    """Erlang C from Erlang B."""
    with mpmath.workdps(DIGITS):
        blocked, load = erlang_b(servers, erlangs), mpmath.mpf(erlangs)
        return blocked / (1 - load / servers * (1 - blocked))


def delay_level(servers: int, erlangs: float, threshold_over_handle: float) -> mpmath.mpf:
    """Share served within a threshold, nobody gives up."""
    with mpmath.workdps(DIGITS):
        gap = (servers - mpmath.mpf(erlangs)) * mpmath.mpf(threshold_over_handle)
        return 1 - erlang_c(servers, erlangs) * mpmath.exp(-gap)


def abandonment(
    rate: float, handle: float, servers: int, patience: float, thresholds: tuple[float, ...]
) -> tuple[dict[str, mpmath.mpf], tuple[mpmath.mpf, ...]]:
    """Erlang A through incomplete gamma functions instead of an integral.

    Returns the figures that need no threshold, and the service level of each threshold.
    """
    with mpmath.workdps(DIGITS + 400):
        lam, mu, theta = mpmath.mpf(rate), 1 / mpmath.mpf(handle), 1 / mpmath.mpf(patience)
        served = servers * mu
        scale = mpmath.exp(lam / theta) * (lam / theta) ** (-served / theta) / theta

        def tail(since: mpmath.mpf) -> mpmath.mpf:
            top = lam / theta * mpmath.exp(-theta * since)
            return scale * mpmath.gammainc(served / theta, 0, top)

        def level(time: mpmath.mpf) -> mpmath.mpf:
            passed = (1 - mpmath.exp(-theta * time)) / theta
            grown = mpmath.exp(lam * passed - served * time)
            return (at_once + grown - 1 + served * (all_later - tail(time))) / whole

        at_once = 1 / erlang_b(servers - 1, rate * handle)
        all_later = tail(mpmath.mpf(0))
        whole = at_once + lam * all_later
        lost = 1 - (at_once - 1 + served * all_later) / whole
        figures = {
            "wait_ratio": 1 - at_once / whole,
            "abandoned_ratio": lost,
            "mean_wait_s": lost / theta,
        }
        return figures, tuple(level(mpmath.mpf(time)) for time in thresholds)


def answer_wait(rate: float, handle: float, servers: int, patience: float) -> mpmath.mpf:
    """Average speed of answer of Erlang A as a sum over the lengths of the queue."""
    with mpmath.workdps(30):
        lam, mu, theta = mpmath.mpf(rate), 1 / mpmath.mpf(handle), 1 / mpmath.mpf(patience)
        chance, before = mpmath.mpf(1), 1 / erlang_b(servers, rate * handle) - 1
        answered, waited, spent, length = before, mpmath.mpf(0), mpmath.mpf(0), 0
        while chance > mpmath.mpf(10) ** -30 * answered or length < 10:
            stay = servers * mu / (servers * mu + (length + 1) * theta)
            spent += 1 / (servers * mu + (length + 1) * theta)
            answered += chance * stay
            waited += chance * stay * spent
            length += 1
            chance *= lam / (servers * mu + length * theta)
        return waited / answered


def limited(
    rate: float, handle: float, servers: int, places: int, threshold: float
) -> dict[str, mpmath.mpf]:
    """M/M/n/K as sums over its states."""
    with mpmath.workdps(DIGITS + 400):
        load, ratio = mpmath.mpf(rate) * handle, mpmath.mpf(rate) * handle / servers
        state, states = mpmath.mpf(1), [mpmath.mpf(1)]
        for busy in range(1, servers + 1):
            state *= load / busy
            states.append(state)
        states += [state * ratio**extra for extra in range(1, places - servers + 1)]
        whole = mpmath.fsum(states)
        served = mpmath.mpf(servers) / handle * threshold
        in_time = mpmath.fsum(states[:servers])
        later = 1 - mpmath.exp(-served)
        term = mpmath.exp(-served)
        for extra, chance in enumerate(states[servers:places]):
            in_time += chance * later
            term *= served / (extra + 1)
            later -= term
        taken = 1 - states[-1] / whole
        lengths = mpmath.fsum(n * s for n, s in enumerate(states[servers:]))
        return {
            "blocked_ratio": states[-1] / whole,
            "wait_ratio": mpmath.fsum(states[servers:places]) / whole / taken,
            "service_level_ratio": in_time / whole,
            "mean_wait_s": lengths / whole / (mpmath.mpf(rate) * taken),
        }


def halfin_whitt(beta: float) -> mpmath.mpf:
    """The limit of Erlang C, with the normal distribution of mpmath."""
    with mpmath.workdps(DIGITS):
        return 1 / (1 + beta * mpmath.ncdf(beta) / mpmath.npdf(beta))


def garnett(beta: float, handle: float, patience: float) -> mpmath.mpf:
    """The limit of Erlang A."""
    with mpmath.workdps(DIGITS):
        root = mpmath.sqrt(mpmath.mpf(patience) / handle)
        point = mpmath.mpf(beta)
        upper = mpmath.npdf(point * root) / mpmath.ncdf(-point * root)
        lower = mpmath.npdf(point) / mpmath.ncdf(point)
        return 1 / (1 + upper / lower / root)
