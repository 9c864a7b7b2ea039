# SPDX-License-Identifier: Apache-2.0
"""The application put together: routes, door, errors, OpenAPI document."""

from __future__ import annotations

import msgspec
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server

import centralino
from centralino.api import (
    commands,
    consults,
    explanation,
    live,
    metrics,
    people,
    scores,
    supervision,
)
from centralino.api.boundary import Boundary
from centralino.api.door import BearerAuthentication, Doorkeeper, provide_door
from centralino.api.errors import HANDLERS
from centralino.api.health import read_liveness, readiness_route
from centralino.api.settings import ApiSettings
from centralino.api.sign_in import SignInRoutes
from centralino.api.status_page import page_route
from centralino.api.stream import StreamHub
from centralino.api.webhooks import Webhooks

_DESCRIPTION = """\
Read what goes on in the contact center and command it. Every call needs a bearer token of the \
organisation's sign-in, or the session of a browser that is signed in; either belongs to one \
organisation and reaches nothing of another. Errors are problem details (RFC \
9457); decide by their `code`. Live changes come over the WebSocket `/v1/live/stream`."""


def create_application(doorkeeper: Doorkeeper, settings: ApiSettings) -> Litestar:
    """Return the application without its boundary, as the OpenAPI document describes it."""
    return Litestar(
        route_handlers=[
            *live.ROUTES,
            *commands.ROUTES,
            *people.ROUTES,
            *supervision.ROUTES,
            *consults.ROUTES,
            *scores.ROUTES,
            *explanation.ROUTES,
            metrics.read_metrics,
            read_liveness,
            readiness_route(doorkeeper.control),
            StreamHub(doorkeeper, settings).route(),
            page_route(),
            *SignInRoutes(doorkeeper, settings).routes(),
        ],
        dependencies={"door": Provide(provide_door)},
        middleware=[DefineMiddleware(BearerAuthentication, doorkeeper=doorkeeper)],
        exception_handlers=HANDLERS,
        openapi_config=_openapi(),
        request_max_body_size=settings.most_body_bytes,
        logging_config=None,
        debug=False,
        state=State(),
    )


def create_server_application(
    doorkeeper: Doorkeeper,
    settings: ApiSettings,
    *,
    generation: int,
    webhooks: Webhooks | None = None,
) -> Boundary:
    """Return the application as it is served."""
    application = create_application(doorkeeper, settings)
    return Boundary(
        application, settings, doorkeeper.clock, generation=generation, webhooks=webhooks
    )


def openapi_document(application: Litestar) -> bytes:
    """Return the OpenAPI document as JSON, the same bytes for the same code."""
    schema = application.openapi_schema.to_schema()
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2)


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="A token of your sign-in.")
    return OpenAPIConfig(
        title="Centralino",
        version=centralino.__version__,
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}],
        servers=[Server(url="/")],
        path="/v1",
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    )
