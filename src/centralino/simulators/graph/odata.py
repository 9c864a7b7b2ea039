# SPDX-License-Identifier: Apache-2.0
"""Query options, pages and links: what all collections of Graph have in common.

A page ends with an absolute ``@odata.nextLink`` on the base under which the client reached us;
it carries an opaque ``$skiptoken`` and all other options. Source: Microsoft Graph, "Use query
parameters", "Paging Microsoft Graph data in your app".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from centralino.simulators.graph.errors import GraphError, bad_request
from centralino.simulators.graph.filters import compile_filter, compile_search, value_at

Json = dict[str, Any]

_KNOWN = frozenset(
    {
        "$filter",
        "$search",
        "$select",
        "$expand",
        "$orderby",
        "$top",
        "$skip",
        "$skiptoken",
        "$count",
        "$format",
        "$deltatoken",
    }
)
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request arrived: what links and contexts are built from."""

    base_url: str
    """With the version, without a slash at the end: ``https://127.0.0.1:8444/v1.0``."""
    path: str
    """Below the version, beginning with a slash."""
    query: tuple[tuple[str, str], ...] = ()

    def context(self, fragment: str) -> str:
        """Return the ``@odata.context`` of a fragment."""
        return f"{self.base_url}/$metadata#{fragment}"


@dataclass(frozen=True, slots=True)
class Options:
    """The query options of one request, checked."""

    filter: str = ""
    search: str = ""
    select: tuple[str, ...] = ()
    expand: str = ""
    order_by: tuple[tuple[str, bool], ...] = ()
    """Member path and whether it descends."""
    top: int | None = None
    skip: int = 0
    counts: bool = False

    @property
    def expands(self) -> frozenset[str]:
        """The navigation properties to expand, outermost level."""
        return frozenset(_outermost(self.expand))

    def expand_of(self, member: str) -> str:
        """Return the ``$expand`` inside that of a member (``sessions($expand=segments)``)."""
        return _outermost(self.expand).get(member, "")


@dataclass(frozen=True, slots=True)
class PageRule:
    """How large the pages of a collection are."""

    usual: int = 100
    most: int = 999
    search_members: tuple[str, ...] = ("displayName",)
    next_by_skip: bool = False
    """The link to the next page has ``$skip`` instead of a token."""


def read_options(query: Iterable[tuple[str, str]]) -> Options:
    """Read the query options; names may come without the dollar sign, as Graph allows.

    Raises:
        GraphError: 400, one is unknown, repeated or malformed.
    """
    values: dict[str, str] = {}
    for name, value in query:
        key = name.lower() if name.startswith("$") else f"${name.lower()}"
        if key not in _KNOWN:
            if name.startswith("$"):
                raise bad_request(f"The query parameter '{name}' is not supported.")
            continue
        if key in values:
            raise bad_request(f"Query option '{key}' was specified more than once.")
        values[key] = value
    skip = _whole(values, "$skip") or 0
    if "$skiptoken" in values:
        skip = _offset(values["$skiptoken"])
    return Options(
        filter=values.get("$filter", ""),
        search=values.get("$search", ""),
        select=tuple(part.strip() for part in values.get("$select", "").split(",") if part.strip()),
        expand=values.get("$expand", ""),
        order_by=_orders(values.get("$orderby", "")),
        top=_whole(values, "$top"),
        skip=skip,
        counts=values.get("$count", "").lower() == "true",
    )


def collection(
    rows: Sequence[Json],
    place: Place,
    fragment: str,
    rule: PageRule,
    *,
    show: Callable[[Json, Options], Json] | None = None,
) -> Json:
    """Return a page of ``rows`` as Graph would: filtered, searched, ordered, cut, selected.

    ``show`` turns a row into what is sent (expansion); it comes before the selection.

    Raises:
        GraphError: 400, an option is wrong.
    """
    options = read_options(place.query)
    found = matching(rows, options, rule.search_members)
    size = options.top if options.top is not None else rule.usual
    if size < 1 or size > rule.most:
        raise bad_request(
            f"Invalid page size specified: '{size}'. Must be between 1 and {rule.most}."
        )
    cut = found[options.skip : options.skip + size]
    answer: Json = {"@odata.context": place.context(fragment)}
    if options.counts:
        answer["@odata.count"] = len(found)
    following = options.skip + size
    if following < len(found):
        answer["@odata.nextLink"] = _next_link(place, following, rule)
    shown = [show(row, options) for row in cut] if show is not None else cut
    answer["value"] = [selected(row, options) for row in shown]
    return answer


def matching(rows: Sequence[Json], options: Options, members: tuple[str, ...]) -> list[Json]:
    """Return the rows that ``$filter`` and ``$search`` leave, in the order of ``$orderby``."""
    found = list(rows)
    if options.filter:
        test = compile_filter(options.filter)
        found = [row for row in found if test(row)]
    if options.search:
        search = compile_search(options.search, members)
        found = [row for row in found if search(row)]
    for path, descends in reversed(options.order_by):
        found.sort(key=lambda row, path=path: str(value_at(row, path) or ""), reverse=descends)  # type: ignore[misc]  # the default argument binds the loop's path
    return found


def selected(row: Json, options: Options) -> Json:
    """Return the members that ``$select`` and ``$expand`` leave; annotations stay."""
    if not options.select:
        return row
    kept = set(options.select) | options.expands
    return {name: value for name, value in row.items() if name in kept or "@" in name}


def entity(row: Json, place: Place, fragment: str) -> Json:
    """Return one resource with its context, selected."""
    options = read_options(place.query)
    return {"@odata.context": place.context(fragment), **selected(row, options)}


def require_eventual(headers: Mapping[str, str], place: Place) -> None:
    """Refuse advanced directory queries without ``ConsistencyLevel: eventual``.

    Raises:
        GraphError: 400. Source: "Advanced query capabilities on Microsoft Entra ID objects".
    """
    if headers.get("consistencylevel", "").lower() == "eventual":
        return
    options = read_options(place.query)
    if options.search:
        raise bad_request(
            "Request with $search query parameter only works through MSGraph with a special "
            "request header: 'ConsistencyLevel: eventual'",
            "Request_UnsupportedQuery",
        )
    if options.counts or re.search(r"\b(?:endswith|not|ne)\b", options.filter, re.IGNORECASE):
        raise bad_request(
            "Operator or parameter needs the request header 'ConsistencyLevel: eventual' and "
            "$count=true.",
            "Request_UnsupportedQuery",
        )


def _next_link(place: Place, offset: int, rule: PageRule) -> str:
    dropped = {"$skip", "$skiptoken", "skip", "skiptoken"}
    kept = [(name, value) for name, value in place.query if name.lower() not in dropped]
    option = ("$skip", str(offset)) if rule.next_by_skip else ("$skiptoken", _token(offset))
    query = urlencode([*kept, option], safe="$(),':", quote_via=quote)
    return f"{place.base_url}{quote(place.path, safe='/(),=')}?{query}"


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"skip:{offset}".encode()).decode().rstrip("=")


def _offset(token: str) -> int:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        kind, _, number = text.decode("ascii").partition(":")
    except ValueError as error:
        raise _bad_token() from error
    if kind != "skip" or not _NUMBER.fullmatch(number):
        raise _bad_token()
    return int(number)


def _bad_token() -> GraphError:
    return bad_request("Skip token is not valid.", "BadRequest")


def _whole(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise bad_request(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def _orders(text: str) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        path, _, direction = part.partition(" ")
        if direction.strip().lower() not in {"", "asc", "desc"}:
            raise bad_request(f"Invalid $orderby clause: '{part}'.")
        found.append((path, direction.strip().lower() == "desc"))
    return tuple(found)


def _outermost(text: str) -> dict[str, str]:
    """Return the members of an ``$expand`` with the ``$expand`` inside their parentheses."""
    found: dict[str, str] = {}
    depth, start = 0, 0
    for index, sign in enumerate(f"{text},"):
        depth += (sign == "(") - (sign == ")")
        if depth < 0 or (index == len(text) and depth > 0):
            raise bad_request("Parsing OData Select and Expand failed: parentheses do not match.")
        if sign == "," and depth == 0:
            name, _, inside = text[start:index].strip().partition("(")
            if name:
                inner = re.match(r"\s*\$expand=(.*)\)$", inside)
                found[name] = inner[1] if inner else ""
            start = index + 1
    return found
