# SPDX-License-Identifier: Apache-2.0
"""The pages of the sign-in service: accessible, in English and Italian, without script.

Each is one form; a person is chosen by the button with his name. Pages may not be framed, and
their form may only lead to this service and to the client's own address.
"""

from __future__ import annotations

import html
import json
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from centralino.simulators.http.messages import page_response
from centralino.simulators.http.pages import content_policy, fill, page_part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from centralino.simulators.entra.description import Person, Tenant
    from centralino.simulators.entra.sessions import OpenSignIn
    from centralino.simulators.http.messages import Request, Response

_PACKAGE = "centralino.simulators.entra.page"
LANGUAGES = ("en", "it")
_SELF = "'self'"


def language_of(request: Request) -> str:
    """Return the page's language: what the client asks for, or what the browser prefers."""
    asked = request.query_value("ui_locales") or request.query_value("mkt")
    wanted = asked or request.headers.get("accept-language", "")
    return "it" if wanted.lower().startswith("it") else "en"


@cache
def catalogue_of(language: str) -> dict[str, str]:
    """Return the sentences in a language: name to text."""
    found: dict[str, str] = json.loads(page_part(_PACKAGE, f"catalogue.{language}.json"))
    return found


def sign_in_page(
    request: Request, context: str, open_one: OpenSignIn, tenants: Sequence[Tenant]
) -> Response:
    """Return the page that asks who one is."""
    words = catalogue_of(language_of(request))
    hint = open_one.query.get("login_hint", "").lower()
    lists = [_people(tenant, tenant.people, hint) for tenant in tenants]
    cancel = _button("decision", "cancel", words["cancel"], "quiet")
    body = _form("login", context, "".join(lists) + cancel)
    lead = words["sign_in_lead"].format(client=html.escape(open_one.client.name))
    return _page(request, "sign_in", lead, body, _form_action(open_one.redirect_uri))


def second_factor_page(request: Request, context: str, open_one: OpenSignIn) -> Response:
    """Return the page that asks for a second factor."""
    words = catalogue_of(language_of(request))
    name = open_one.person.name if open_one.person is not None else ""
    buttons = _button("decision", "approve", words["approve"], "main") + _button(
        "decision", "cancel", words["cancel"], "quiet"
    )
    lead = words["second_factor_lead"].format(name=html.escape(name))
    action = _form_action(open_one.redirect_uri)
    return _page(request, "second_factor", lead, _form("login", context, buttons), action)


def consent_page(
    request: Request, context: str, open_one: OpenSignIn, tenants: Sequence[Tenant]
) -> Response:
    """Return the page that asks an admin to consent."""
    words = catalogue_of(language_of(request))
    wants = sorted(
        {
            name
            for permission in open_one.client.wants
            for name in (*permission.scopes, *permission.roles)
        }
    )
    listed = "".join(f"<li>{html.escape(name)}</li>" for name in wants)
    parts = [f'<ul class="wants">{listed}</ul>', f"<p>{html.escape(words['accept_as'])}</p>"]
    for tenant in tenants:
        admins = [person for person in tenant.people if person.is_admin]
        parts.append(_people(tenant, admins, ""))
    parts.append(_button("decision", "cancel", words["cancel"], "quiet"))
    lead = words["consent_lead"].format(client=html.escape(open_one.client.name))
    action = _form_action(open_one.redirect_uri)
    return _page(request, "consent", lead, _form("consent", context, "".join(parts)), action)


def device_page(request: Request, tenants: Sequence[Tenant]) -> Response:
    """Return the page where a device's code is entered."""
    words = catalogue_of(language_of(request))
    field = (
        f'<label for="code">{html.escape(words["code"])}</label>'
        '<input id="code" name="code" required autocomplete="off">'
    )
    lists = "".join(_people(tenant, tenant.people, "") for tenant in tenants)
    body = f'<form method="post">{field}{lists}</form>'
    return _page(request, "device", html.escape(words["device_lead"]), body)


def device_done_page(request: Request) -> Response:
    """Return the page that says that the device is in."""
    words = catalogue_of(language_of(request))
    return _page(request, "device_done", html.escape(words["device_done_lead"]), "")


def signed_out_page(request: Request) -> Response:
    """Return the page that says that one is signed out."""
    words = catalogue_of(language_of(request))
    return _page(request, "signed_out", html.escape(words["signed_out_lead"]), "")


def form_post_page(request: Request, uri: str, values: Mapping[str, str]) -> Response:
    """Return the page that carries an answer to the client by POST, at a button."""
    words = catalogue_of(language_of(request))
    fields = "".join(_hidden(name, value) for name, value in values.items())
    button = f'<button class="main">{html.escape(words["go_on"])}</button>'
    body = f'<form method="post" action="{html.escape(uri)}">{fields}{button}</form>'
    lead = html.escape(words["form_post_lead"])
    return _page(request, "form_post", lead, body, _form_action(uri))


def error_page(status: int, told: Mapping[str, object]) -> Response:
    """Return the page of an error that cannot be told to the client."""
    words = catalogue_of("en")
    text = f"<p>{html.escape(str(told['error_description']))}</p>"
    return _document("en", words["error"], "", text, _SELF, status)


def _page(request: Request, name: str, lead: str, body: str, form_action: str = _SELF) -> Response:
    language = language_of(request)
    return _document(language, catalogue_of(language)[name], lead, body, form_action, 200)


def _document(
    language: str, title: str, lead: str, body: str, form_action: str, status: int
) -> Response:
    style = page_part(_PACKAGE, "page.css")
    words = {"language": language, "title": title, "notice": catalogue_of(language)["notice"]}
    parts = {"style": style, "lead": lead, "body": body}
    document = fill(page_part(_PACKAGE, "page.html"), words, parts)
    return page_response(
        document, status, policy=content_policy(style=style, form_action=form_action)
    )


def _people(tenant: Tenant, people: Sequence[Person], hint: str) -> str:
    rows = "".join(
        f'<button name="person" value="{html.escape(person.oid)}"'
        f"{' autofocus' if hint and person.upn.lower() == hint else ''}>"
        f"<strong>{html.escape(person.name)}</strong> "
        f"<span>{html.escape(person.upn)}</span></button>"
        for person in people
    )
    return f"<fieldset><legend>{html.escape(tenant.name)}</legend>{rows}</fieldset>"


def _form(target: str, context: str, inner: str) -> str:
    # The context says what the form belongs to, so the tenant in the path does not matter.
    return (
        f'<form method="post" action="/common/{target}">{_hidden("context", context)}{inner}</form>'
    )


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'


def _button(name: str, value: str, text: str, kind: str) -> str:
    return f'<button class="{kind}" name="{name}" value="{value}">{html.escape(text)}</button>'


def _form_action(uri: str) -> str:
    """Return where a form may lead: a redirect after it counts too (CSP 3, "form-action")."""
    parts = urlsplit(uri)
    return f"{_SELF} {parts.scheme}://{parts.netloc}"
