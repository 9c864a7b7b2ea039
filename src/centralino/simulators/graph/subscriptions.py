# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to change notifications: made, renewed, expired, silenced.

The handshake with the subscriber's endpoint needs a network and is the server's; everything
else is decided here, by ``now``. What goes wrong on purpose is on the subscription itself:
``is_silent`` (valid, but nothing is sent), ``refuses_renewal``. Source: Microsoft Graph,
"subscription resource type", "Reduce missing subscriptions and change notifications".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from centralino.simulators.graph.callers import Caller, Permission
from centralino.simulators.graph.errors import bad_request, conflict, forbidden
from centralino.simulators.graph.errors import not_found as graph_not_found
from centralino.simulators.graph.instants import MINUTE_NS, instant, iso
from centralino.simulators.graph.seal import read_certificate
from centralino.simulators.graph.subscribable import Target, read_resource

if TYPE_CHECKING:
    from cryptography import x509

    from centralino.simulators.graph.identifiers import Identifiers

Json = dict[str, Any]

MOST_CLIENT_STATE = 128
MOST_URL = 2048
TLS_VERSIONS = frozenset({"v1_0", "v1_1", "v1_2", "v1_3"})


@dataclass(frozen=True, slots=True)
class SubscriptionRules:
    """What Microsoft does not promise, or promises in two ways."""

    allows_http_loopback: bool = False
    """Endpoints may be plain http on the loopback; the real service wants https."""
    rich_presence_only: bool = True
    """A presence subscription without a certificate is refused."""
    refuses_duplicates: bool = True
    """A second subscription of one application to the same resource and changes gets 409."""
    clamps_lifetime: bool = False
    """A lifetime above the maximum is shortened; else refused."""
    reauthorize_before_minutes: int = 15
    """When ``reauthorizationRequired`` comes, before the end; not below half the lifetime."""
    most_per_tenant: int = 20_000


@dataclass(slots=True)
class Subscription:
    """One subscription."""

    id: str
    tenant_id: str
    app_id: str
    creator_id: str
    """The user it was made for, else the application's service principal."""
    is_delegated: bool
    target: Target
    resource: str
    """As it was written."""
    changes: frozenset[str]
    url: str
    lifecycle_url: str
    client_state: str | None
    expires_at: int
    asks_for_data: bool = False
    certificate: x509.Certificate | None = None
    certificate_id: str | None = None
    tls_version: str = "v1_2"
    query_options: str | None = None
    reauthorize_at: int | None = None
    is_silent: bool = False
    refuses_renewal: bool = False

    def shown(self) -> Json:
        """Return it as Graph answers; the certificate is write-only."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": self.app_id,
            "changeType": ",".join(sorted(self.changes)),
            "clientState": self.client_state,
            "notificationUrl": self.url,
            "lifecycleNotificationUrl": self.lifecycle_url or None,
            "notificationQueryOptions": self.query_options,
            "notificationUrlAppId": None,
            "expirationDateTime": iso(self.expires_at),
            "creatorId": self.creator_id,
            "includeResourceData": self.asks_for_data,
            "latestSupportedTlsVersion": self.tls_version,
            "encryptionCertificateId": self.certificate_id,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A lifecycle notification that is due."""

    subscription: Subscription
    event: str
    """reauthorizationRequired, subscriptionRemoved, missed."""


@dataclass(slots=True)
class SubscriptionBook:
    """All subscriptions of all tenants."""

    rules: SubscriptionRules
    ids: Identifiers
    _by_id: dict[str, Subscription] = field(default_factory=dict)
    _by_key: dict[tuple[str, str], dict[str, Subscription]] = field(default_factory=dict)

    def draft(self, body: Mapping[str, Any], caller: Caller, now: int) -> Subscription:
        """Return the subscription that a request asks for; it is not in force yet.

        Raises:
            GraphError: 400, it is malformed; 403, permission or quota; 409, it is there.
        """
        resource = _text(body, "resource")
        target = read_resource(resource, caller.user_id)
        _require_permission(target, caller)
        changes = _changes(_text(body, "changeType"), target)
        drafted = Subscription(
            id=self.ids.guid("subscription"),
            tenant_id=caller.tenant_id,
            app_id=caller.app_id,
            creator_id=caller.user_id or caller.app_id,
            is_delegated=caller.is_delegated,
            target=target,
            resource=resource,
            changes=changes,
            url=self._url(body, "notificationUrl"),
            lifecycle_url=self._url(body, "lifecycleNotificationUrl", is_needed=False),
            client_state=_client_state(body),
            expires_at=now,
            asks_for_data=bool(body.get("includeResourceData")),
            tls_version=_tls_version(body),
            query_options=_optional_text(body, "notificationQueryOptions"),
        )
        self._take_lifetime(drafted, body, now)
        self._take_certificate(drafted, body)
        self.require_room(drafted, caller)
        return drafted

    def _take_lifetime(self, subscription: Subscription, body: Mapping[str, Any], now: int) -> None:
        kind = subscription.target.kind
        expires_at = instant(body.get("expirationDateTime"), "expirationDateTime")
        most = now + kind.lifetime_minutes * MINUTE_NS
        if expires_at <= now:
            raise bad_request(
                "Subscription expiration can only be a time in the future.", "ValidationError"
            )
        if expires_at > most:
            if not self.rules.clamps_lifetime:
                message = (
                    f"Subscription expiration can only be {kind.lifetime_minutes} minutes in the "
                    "future."
                )
                raise bad_request(message, "ValidationError")
            expires_at = most
        limit = kind.lifecycle_url_above_minutes * MINUTE_NS
        if limit and expires_at - now > limit and not subscription.lifecycle_url:
            message = (
                "lifecycleNotificationUrl is a required property for subscription creation on "
                "this resource when the expirationDateTime value is set to greater than 1 hour."
            )
            raise bad_request(message, "ValidationError")
        subscription.expires_at = expires_at
        warn_ns = self.rules.reauthorize_before_minutes * MINUTE_NS
        subscription.reauthorize_at = expires_at - min(warn_ns, (expires_at - now) // 2)

    def _take_certificate(self, subscription: Subscription, body: Mapping[str, Any]) -> None:
        certificate = _optional_text(body, "encryptionCertificate")
        certificate_id = _optional_text(body, "encryptionCertificateId")
        if subscription.target.kind.rich_only and self.rules.rich_presence_only:
            subscription.asks_for_data = True
        if certificate is not None:
            subscription.certificate = read_certificate(certificate)
        if certificate_id is not None:
            if len(certificate_id) > MOST_CLIENT_STATE:
                raise bad_request("encryptionCertificateId is too long.", "ValidationError")
            subscription.certificate_id = certificate_id
        is_whole = subscription.certificate is not None and subscription.certificate_id
        if subscription.asks_for_data and not is_whole:
            message = (
                "EncryptionCertificate and EncryptionCertificateId are required for this resource."
            )
            raise bad_request(message, "ValidationError")

    def require_room(self, drafted: Subscription, caller: Caller) -> None:
        """Refuse what is over a quota or there already.

        Raises:
            GraphError: 403, a quota; 409, the same again.
        """
        there = [one for one in self._by_id.values() if one.tenant_id == drafted.tenant_id]
        if len(there) >= self.rules.most_per_tenant:
            raise forbidden("The tenant has reached its limit of subscriptions.")
        same_kind = [one for one in there if one.target.kind is drafted.target.kind]
        # A presence quota counts before the duplicate: the page promises 403 for it.
        for quota in drafted.target.kind.quotas:
            wanted = quota.key(caller, drafted.target.path)
            if not wanted:
                continue
            used = sum(quota.key(_asker(one), one.target.path) == wanted for one in same_kind)
            if used >= quota.most:
                message = (
                    f"Operation: Create; Exception: [Status Code: Forbidden; Reason: Subscription "
                    f"limit of {quota.most} per {quota.what} is reached.]"
                )
                raise forbidden(message, "ExtensionError")
        if self.rules.refuses_duplicates and any(_is_same(one, drafted) for one in same_kind):
            raise conflict("A subscription to this resource and changeType exists already.")

    def url_of(self, body: Mapping[str, Any]) -> str:
        """Return the ``notificationUrl`` of a request.

        Raises:
            GraphError: 400, it is none that notifications can go to.
        """
        return self._url(body, "notificationUrl")

    def _url(self, body: Mapping[str, Any], name: str, *, is_needed: bool = True) -> str:
        text = _optional_text(body, name)
        if text is None:
            if is_needed:
                raise bad_request(f"'{name}' is required.", "ValidationError")
            return ""
        try:
            parts = urlsplit(text)
            host = parts.hostname or ""
        except ValueError as error:
            raise bad_request(f"{name} is not a URL.", "ValidationError") from error
        is_loopback = host in {"localhost", "127.0.0.1", "::1"}
        is_plain = parts.scheme == "http" and is_loopback and self.rules.allows_http_loopback
        if len(text) > MOST_URL or not host or not (parts.scheme == "https" or is_plain):
            message = f"The {name} '{text[:200]}' is not a https URL."
            raise bad_request(message, "ValidationError")
        return text

    # ---- in force

    def admit(self, subscription: Subscription) -> None:
        """Put a drafted subscription in force, after its handshake."""
        self._by_id[subscription.id] = subscription
        for key in subscription.target.keys:
            self._by_key.setdefault((subscription.tenant_id, key), {})[subscription.id] = (
                subscription
            )

    def get(self, subscription_id: str, caller: Caller) -> Subscription:
        """Return one of the caller's application.

        Raises:
            GraphError: 404.
        """
        found = self._by_id.get(subscription_id.lower())
        if found is None or (found.tenant_id, found.app_id) != (caller.tenant_id, caller.app_id):
            raise graph_not_found("The object was not found.", "ResourceNotFound")
        return found

    def of(self, caller: Caller) -> list[Subscription]:
        """Return those of the caller's application, oldest first."""
        mine = (caller.tenant_id, caller.app_id)
        return [one for one in self._by_id.values() if (one.tenant_id, one.app_id) == mine]

    def all(self) -> list[Subscription]:
        """Return all, oldest first."""
        return list(self._by_id.values())

    def renew(
        self, subscription: Subscription, body: Mapping[str, Any], caller: Caller, now: int
    ) -> None:
        """Take a PATCH: a later end, another certificate.

        Raises:
            GraphError: 400, malformed; 403, the caller may no longer; 404 when planted.
        """
        _require_permission(subscription.target, caller)
        if subscription.refuses_renewal:
            raise graph_not_found("The object was not found.", "ResourceNotFound")
        if body.get("lifecycleNotificationUrl") not in {None, subscription.lifecycle_url}:
            raise bad_request("lifecycleNotificationUrl cannot be changed.", "ValidationError")
        if "encryptionCertificate" in body or "encryptionCertificateId" in body:
            self._take_certificate(subscription, body)
        if "notificationUrl" in body:
            subscription.url = self._url(body, "notificationUrl")
        if "expirationDateTime" in body:
            self._take_lifetime(subscription, body, now)

    def reauthorize(self, subscription: Subscription, caller: Caller) -> None:
        """Take a reauthorization; the end stays where it is.

        Raises:
            GraphError: 403, the caller may no longer.
        """
        _require_permission(subscription.target, caller)
        subscription.reauthorize_at = None

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        self._by_id.pop(subscription.id, None)
        for key in subscription.target.keys:
            holders = self._by_key.get((subscription.tenant_id, key), {})
            holders.pop(subscription.id, None)
            if not holders:
                self._by_key.pop((subscription.tenant_id, key), None)

    def matching(self, tenant_id: str, keys: Iterable[str], change: str) -> list[Subscription]:
        """Return whom a change concerns, each once, oldest first; the silent ones too."""
        found: dict[str, Subscription] = {}
        for key in keys:
            found |= self._by_key.get((tenant_id, key), {})
        return [one for one in found.values() if change in one.changes]

    def advance(self, now: int) -> tuple[list[Notice], list[Subscription]]:
        """Let time pass; return lifecycle notices that are due and what has expired."""
        notices, expired = [], []
        for subscription in list(self._by_id.values()):
            if subscription.expires_at <= now:
                self.remove(subscription)
                expired.append(subscription)
            elif subscription.reauthorize_at is not None and subscription.reauthorize_at <= now:
                subscription.reauthorize_at = None
                notices.append(Notice(subscription, "reauthorizationRequired"))
        return notices, expired

    def next_deadline(self) -> int | None:
        """Return when :meth:`advance` has something to do."""
        edges = [one.expires_at for one in self._by_id.values()]
        edges += [one.reauthorize_at for one in self._by_id.values() if one.reauthorize_at]
        return min(edges, default=None)


def _asker(subscription: Subscription) -> Caller:
    user_id = subscription.creator_id if subscription.is_delegated else ""
    return Caller(subscription.tenant_id, subscription.app_id, user_id)


def _is_same(one: Subscription, other: Subscription) -> bool:
    return (
        one.app_id == other.app_id
        and one.creator_id == other.creator_id
        and one.resource.lower() == other.resource.lower()
        and one.changes == other.changes
        and one.url == other.url
    )


def _require_permission(target: Target, caller: Caller) -> None:
    Permission(target.kind.application, target.kind.delegated).require(caller)


def _changes(text: str, target: Target) -> frozenset[str]:
    found = frozenset(part.strip().lower() for part in text.split(","))
    if not found or not found <= target.kind.changes:
        allowed = ", ".join(sorted(target.kind.changes))
        message = f"changeType '{text}' is not supported for this resource; supported: {allowed}."
        raise bad_request(message, "ValidationError")
    return found


def _client_state(body: Mapping[str, Any]) -> str | None:
    text = _optional_text(body, "clientState")
    if text is not None and len(text) > MOST_CLIENT_STATE:
        raise bad_request("clientState is longer than 128 characters.", "ValidationError")
    return text


def _tls_version(body: Mapping[str, Any]) -> str:
    text = _optional_text(body, "latestSupportedTlsVersion") or "v1_2"
    if text not in TLS_VERSIONS:
        raise bad_request(f"latestSupportedTlsVersion '{text}' is unknown.", "ValidationError")
    return text


def _text(body: Mapping[str, Any], name: str) -> str:
    text = _optional_text(body, name)
    if not text:
        raise bad_request(f"'{name}' is required.", "ValidationError")
    return text


def _optional_text(body: Mapping[str, Any], name: str) -> str | None:
    found = body.get(name)
    if found is not None and not isinstance(found, str):
        raise bad_request(f"'{name}' must be a string.", "ValidationError")
    return found
