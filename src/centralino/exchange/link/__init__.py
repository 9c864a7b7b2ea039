# SPDX-License-Identifier: Apache-2.0
"""Messages between Centralino's own processes.

``framing`` is the sans-IO part: length-prefixed msgpack frames and the hello that
opens each connection. ``stream`` is the asyncio part over Unix sockets. Messages are
small and versioned; a peer of another version is refused with both versions named.
"""
