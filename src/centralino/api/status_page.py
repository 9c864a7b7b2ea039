# SPDX-License-Identifier: Apache-2.0
"""The status page: one self-contained document, put together once from its parts.

Script and style stand in the document and are allowed by their hashes; nothing else may be
loaded, and the only place it connects to is the server it came from. The page holds no data:
it asks the live stream with the key that its visitor brings. Source: W3C "Content Security
Policy Level 3", hash sources.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler

from centralino.api.door import PUBLIC

LANGUAGES = ("en", "it")
_SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


@cache
def status_page() -> tuple[str, str]:
    """Return the document and its content security policy."""
    style = _part("status.css")
    catalogue = json.dumps({name: catalogue_of(name) for name in LANGUAGES}, ensure_ascii=False)
    for character, escape in _SAFE.items():
        catalogue = catalogue.replace(character, escape)
    script = f"const CATALOGUE = {catalogue};\n" + _part("status.js")
    document = _part("status.html").replace("/*STYLE*/", style).replace("/*SCRIPT*/", script)
    policy = (
        "default-src 'none'; "
        f"script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return document, policy


def catalogue_of(language: str) -> dict[str, str]:
    """Return the page's sentences in a language: name to text."""
    found: dict[str, str] = json.loads(_part(f"catalogue.{language}.json"))
    return found


def page_route() -> HTTPRouteHandler:
    """Return the route of the page."""

    @get("/", opt={PUBLIC: True}, include_in_schema=False)
    async def read_status_page() -> Response[str]:
        """Return the status page."""
        document, policy = status_page()
        headers = {"content-security-policy": policy}
        return Response(document, media_type=MediaType.HTML, headers=headers)

    return read_status_page


def _part(name: str) -> str:
    return resources.files("centralino.api.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
