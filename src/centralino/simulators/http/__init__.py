# SPDX-License-Identifier: Apache-2.0
"""What every HTTP simulator stands on: routes, bodies, faults, time, a log, a server.

A simulator makes an :class:`~.service.HttpService`, adds handlers to its router, and serves
it with :class:`~.server.HttpServer` in the running loop. The service knows nothing of what it
simulates: how an error looks is the simulator's (``render``), and so are ids and time.
Everything is bounded, and nothing here keeps a token or a body.
"""
