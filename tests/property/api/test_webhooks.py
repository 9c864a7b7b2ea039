# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to a webhook, it is answered, and only what is a delivery is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from centralino.adapters.graph.notification import parse_delivery
from centralino.api.webhooks import PREFIX, Webhooks
from centralino.core.kernel.errors import InvalidInput
from tests.unit.api.test_webhooks import SECRET, InMemoryIntake, Noon

pytestmark = pytest.mark.property

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries(
    {"subscriptionId": st.text()},
    optional={
        "clientState": st.text() | st.none(),
        "tenantId": st.text(),
        "resourceData": JSON,
        "encryptedContent": JSON,
        "lifecycleEvent": st.text(),
    },
)
BODIES = (
    st.binary(max_size=300)
    | JSON.map(lambda found: json.dumps(found).encode())
    | st.lists(ITEM, max_size=4).map(lambda items: json.dumps({"value": items}).encode())
)
PATHS = st.text(max_size=40).map(PREFIX.__add__) | st.just(f"{PREFIX}{SECRET}/graph")


@given(
    body=BODIES,
    path=PATHS,
    method=st.sampled_from(["POST", "GET", "PUT", "DELETE"]),
    query=st.binary(max_size=60),
    authorization=st.binary(max_size=60),
)
@example(
    body=b'{"value":[]}',
    path=f"{PREFIX}{SECRET}/graph",
    method="POST",
    query=b"validationToken=a%20b",
    authorization=b"",
)
def test_it_is_answered_and_only_a_delivery_is_kept(
    body: bytes, path: str, method: str, query: bytes, authorization: bytes
) -> None:
    intake, sent = InMemoryIntake(), []
    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "query_string": query,
        "headers": [(b"authorization", authorization)],
    }

    async def receive() -> Any:  # noqa: ANN401 - what ASGI says
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:  # noqa: ANN401 - what ASGI says
        sent.append(message)

    hooks = Webhooks(intake, Noon(), SECRET, {"graph": parse_delivery})
    asyncio.run(hooks(scope, receive, send))
    status = sent[0]["status"]
    assert status in {200, 202, 400, 404, 405}
    assert len(intake.kept) == (status == 202)
    if status == 202:
        assert intake.kept[0].body == body
        parse_delivery(body)
    if status == 400 and b"validationToken" not in query:
        with pytest.raises(InvalidInput):
            parse_delivery(body)
