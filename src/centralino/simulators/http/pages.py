# SPDX-License-Identifier: Apache-2.0
"""Static pages of a simulator: parts in a package, put together once, with their hashes.

Script and style stand in the document and are allowed by their hashes; nothing else may be
loaded. A value is put into a document by :func:`fill`, which escapes it. Source: W3C "Content
Security Policy Level 3", hash sources.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def page_part(package: str, name: str) -> str:
    """Return a text file of a package."""
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def fill(template: str, values: Mapping[str, str], parts: Mapping[str, str] | None = None) -> str:
    """Put ``values`` (escaped) and ``parts`` (as they are) into ``{{name}}`` slots.

    Raises:
        KeyError: a slot has neither.

    >>> fill("<p>{{who}}</p>", {"who": "a<b"})
    '<p>a&lt;b</p>'
    """
    ready = parts or {}

    def text_of(found: re.Match[str]) -> str:
        name = found[1]
        return ready[name] if name in ready else html.escape(values[name])

    return _SLOT.sub(text_of, template)


def script_data(document: object) -> str:
    """Return JSON that may stand inside a script element."""
    text = json.dumps(document, ensure_ascii=False)
    for character, escape in _SAFE.items():
        text = text.replace(character, escape)
    return text


def content_policy(
    *, script: str = "", style: str = "", connects: bool = False, form_action: str = "'self'"
) -> str:
    """Return a policy that allows just this script and style, by hash."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash_source(script)}",
            f"style-src {_hash_source(style)}",
            "connect-src 'self'" if connects else "connect-src 'none'",
            "img-src data:",
            "base-uri 'none'",
            f"form-action {form_action}",
            "frame-ancestors 'self'",
        )
    )


def _hash_source(text: str) -> str:
    if not text:
        return "'none'"
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
