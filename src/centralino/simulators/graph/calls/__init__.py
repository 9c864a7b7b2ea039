# SPDX-License-Identifier: Apache-2.0
"""Graph's cloud communications: calls that applications steer, with scripted people in them.

`world` is the whole, without sockets: requests and the passing of time go in, answers and
notifications come out. `settings` is what a scenario may say. A call as its application sees it
is `call`, what it hangs in is `room`, who can be rung is `people`, what is heard is `sound` and
`line`. `driver` gives the world a loop, a clock and HTTP; `routes` puts it behind a server.
"""
