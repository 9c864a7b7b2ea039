# SPDX-License-Identifier: Apache-2.0
"""Paths of users, groups, memberships, photos and people search.

``$search`` and other advanced queries need ``ConsistencyLevel: eventual``. Sources: "List users",
"user: checkMemberGroups", "List group members", "List people", "Get photo".
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from centralino.simulators.graph.callers import ANYBODY, Permission, both
from centralino.simulators.graph.directory import by_default
from centralino.simulators.graph.errors import bad_request, not_found
from centralino.simulators.graph.odata import (
    Json,
    PageRule,
    collection,
    entity,
    require_eventual,
)
from centralino.simulators.graph.requests import GraphRoute, answer
from centralino.simulators.http.messages import Response

if TYPE_CHECKING:
    from centralino.simulators.graph.requests import GraphRequest
    from centralino.simulators.graph.world import World

READ_USERS = Permission(
    ("User.ReadBasic.All", "User.Read.All", "Directory.Read.All"),
    ("User.ReadBasic.All", "User.Read.All", "Directory.Read.All"),
)
READ_USER = Permission(READ_USERS.application, ("User.Read", "User.ReadBasic.All", "User.Read.All"))
READ_GROUPS = both("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All")
READ_PEOPLE = Permission(("People.Read.All",), ("People.Read", "People.Read.All"))
USERS = PageRule(100, 999, ("displayName", "mail", "userPrincipalName", "givenName", "surname"))
GROUPS = PageRule(100, 999, ("displayName", "description"))
PEOPLE = PageRule(10, 1000, ("displayName", "userPrincipalName"))
MOST_GROUP_IDS = 20

# One pixel, enough for a client that wants to know whether there is a photo.
PHOTO = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4gHYSUNDX1BST0ZJTEUAAQEAAAHIAAAAAAQwAABtbnRyUkdCIFhZWiAH4AAB"
    "AAEAAAAAAABhY3NwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAA9tYAAQAAAADTLQAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAlkZXNjAAAA8AAAACRyWFlaAAABFAAAABRnWFla"
    "AAABKAAAABRiWFlaAAABPAAAABR3dHB0AAABUAAAABRyVFJDAAABZAAAAChnVFJDAAABZAAAAChiVFJDAAABZAAA"
    "AChjcHJ0AAABjAAAADxtbHVjAAAAAAAAAAEAAAAMZW5VUwAAAAgAAAAcAHMAUgBHAEJYWVogAAAAAAAAb6IAADj1"
    "AAADkFhZWiAAAAAAAABimQAAt4UAABjaWFlaIAAAAAAAACSgAAAPhAAAts9YWVogAAAAAAAA9tYAAQAAAADTLXBh"
    "cmEAAAAAAAQAAAACZmYAAPKnAAANWQAAE9AAAApbAAAAAAAAAABtbHVjAAAAAAAAAAEAAAAMZW5VUwAAACAAAAAc"
    "AEcAbwBvAGcAbABlACAASQBuAGMALgAgADIAMAAxADb/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////"
    "////////////////////////////////////////////////2wBDAVVaWnhpeOuCguv/////////////////////"
    "////////////////////////////////////////////////////wAARCAABAAEDASIAAhEBAxEB/8QAFQABAQAA"
    "AAAAAAAAAAAAAAAAAAP/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAgP/xAAUEQEA"
    "AAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCQBJP/2Q=="
)


def routes(world: World) -> list[GraphRoute]:
    """Return the paths of the directory."""
    del world
    user, group = "/users/{user}", "/groups/{group}"
    return [
        GraphRoute("GET", "/users", READ_USERS, _users, "identity"),
        GraphRoute("GET", "/users/delta", READ_USERS, _users_delta, "identity"),
        GraphRoute("GET", "/users/delta()", READ_USERS, _users_delta, "identity"),
        GraphRoute("GET", user, READ_USER, _user, "identity"),
        GraphRoute("GET", f"{user}/memberOf", READ_GROUPS, _member_of, "identity"),
        GraphRoute("GET", f"{user}/transitiveMemberOf", READ_GROUPS, _member_of, "identity"),
        GraphRoute(
            "POST", f"{user}/checkMemberGroups", READ_GROUPS, _check, "identity", is_action=True
        ),
        GraphRoute("GET", f"{user}/people", READ_PEOPLE, _people, "outlook", "user"),
        GraphRoute("GET", f"{user}/photo/$value", READ_USER, _photo, "outlook", "user"),
        GraphRoute("GET", "/groups", READ_GROUPS, _groups, "identity"),
        GraphRoute("GET", group, READ_GROUPS, _group, "identity"),
        GraphRoute("GET", f"{group}/members", READ_GROUPS, _members, "identity"),
        GraphRoute("GET", f"{group}/transitiveMembers", READ_GROUPS, _transitive, "identity"),
        GraphRoute("GET", "/organization", ANYBODY, _organization, "identity"),
    ]


def _users(request: GraphRequest) -> Response:
    require_eventual(request.http.headers, request.place)
    # Filters see all members, whatever is shown.
    rows = request.tenant.directory.user_rows()
    selects = request.options.select

    def show(row: Json, options: Any) -> Json:  # noqa: ANN401 - unused here
        del options
        return by_default([row], selects)[0]

    return answer(collection(rows, request.place, "users", USERS, show=show))


def _users_delta(request: GraphRequest) -> Response:
    """Everybody, once; the next round is empty, because nobody comes or goes."""
    if any(name.lower() == "$deltatoken" for name, _ in request.place.query):
        rows: list[Json] = []
    else:
        rows = by_default(request.tenant.directory.user_rows(), request.options.select)
    document = collection(rows, request.place, "users", USERS)
    if "@odata.nextLink" not in document:
        document["@odata.deltaLink"] = f"{request.place.base_url}/users/delta?$deltatoken=latest"
    return answer(document)


def _user(request: GraphRequest) -> Response:
    person = request.user()
    if request.caller.is_delegated and person.id != request.caller.user_id:
        READ_USERS.require(request.caller)
    row = by_default([request.tenant.directory.user(person)], request.options.select)[0]
    return answer(entity(row, request.place, "users/$entity"))


def _member_of(request: GraphRequest) -> Response:
    rows = request.tenant.directory.groups_of(request.user())
    return answer(collection(rows, request.place, "directoryObjects", GROUPS))


def _check(request: GraphRequest) -> Response:
    person = request.user()
    ids = request.body.get("groupIds")
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST_GROUP_IDS:
        raise bad_request(f"'groupIds' must hold 1 to {MOST_GROUP_IDS} ids.")
    found = [one for one in map(str, ids) if request.tenant.directory.is_member(person, one)]
    return answer(
        {"@odata.context": request.place.context("Collection(Edm.String)"), "value": found}
    )


def _people(request: GraphRequest) -> Response:
    person = request.user()
    rows = request.tenant.directory.colleagues(person)
    fragment = f"users('{person.id}')/people"
    return answer(collection(rows, request.place, fragment, PEOPLE))


def _photo(request: GraphRequest) -> Response:
    if not request.user().has_photo:
        message = (
            "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException'."
        )
        raise not_found(message, "ImageNotFound")
    return Response(200, PHOTO, {"content-type": "image/jpeg"})


def _groups(request: GraphRequest) -> Response:
    require_eventual(request.http.headers, request.place)
    rows = request.tenant.directory.group_rows()
    return answer(collection(rows, request.place, "groups", GROUPS))


def _group(request: GraphRequest) -> Response:
    directory = request.tenant.directory
    row = directory.group_row(directory.group(request.params["group"]))
    return answer(entity(row, request.place, "groups/$entity"))


def _members(request: GraphRequest) -> Response:
    directory = request.tenant.directory
    rows = directory.members(directory.group(request.params["group"]))
    return answer(collection(rows, request.place, "directoryObjects", USERS))


def _transitive(request: GraphRequest) -> Response:
    directory = request.tenant.directory
    rows = directory.transitive_members(directory.group(request.params["group"]))
    return answer(collection(rows, request.place, "directoryObjects", USERS))


def _organization(request: GraphRequest) -> Response:
    tenant = request.tenant.settings
    row = {
        "id": tenant.id,
        "displayName": tenant.name,
        "verifiedDomains": [{"name": tenant.domain, "isDefault": True, "isInitial": False}],
    }
    return answer(collection([row], request.place, "organization", PageRule()))
