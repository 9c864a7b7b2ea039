# SPDX-License-Identifier: Apache-2.0
"""When a company is there: hours in its time zone, exceptions, holidays, closures.

``calendar`` is the data people write, ``hours`` answers what holds at an instant and when
that changes next. Nothing here reads a clock; time zones come from ``zoneinfo``, the
holidays of the world from the library ``holidays``.
"""
