"""Visits to applications that run elsewhere and are reached under the platform, each on a host of its own.

The platform's cookie belongs to its own host and never comes here. Whoever has agreed on the platform's pages gets a ticket, good
for one use, one minute and the browser that asked; on the application's host it becomes a visit. A visit is a sign-on like those
of OpenID Connect: it ends with the session, with the consent and with the application, and all three are looked at each time.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode, urlsplit

from beijiang.access import Permission
from beijiang.apps.errors import no_client, no_ticket
from beijiang.apps.models import IDENTITY_SCOPES, Client, SignOnFamily, Token, TokenKind, digest_of_secret
from beijiang.apps.models.relaying import OWN, VIEWER_HEADER
from beijiang.apps.service.relay.passing import Passing
from beijiang.apps.store import ClientStore, TokenStore, WayStore
from beijiang.kit import Actor, ActorKind, Invalid, Shown, Text, Unauthenticated, new_id

if TYPE_CHECKING:
    from beijiang.apps.service.clients.registry import Clients
    from beijiang.apps.service.clients.signing_on import SignOn
    from beijiang.apps.service.clients.subscribing import Subscriptions
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Outbound

__all__ = ["Passage", "Relay"]

_WHO: Final = Text("应用", "the application")
_RUNS: Final = Text("运行地址", "where it runs")
_TOLD_OF: Final = Text("它会得知的内容", "what it is told")
_TICKET: Final = timedelta(minutes=1)
_TOLD: Final = timedelta(minutes=1)
"""How long what an application is told of its visitor is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A visitor who may go through now."""

    client: Client
    who: Actor
    family_id: str
    scopes: frozenset[str]


class Relay(Passing):
    """Applications under the platform's address, each with an origin of its own."""

    def __init__(self, clients: Clients, sign_on: SignOn, subscriptions: Subscriptions, outbound: Outbound) -> None:
        super().__init__(clients, sign_on, outbound)
        self.access = clients.access
        self._subscriptions = subscriptions
        public = urlsplit(clients.settings.public_url)
        self.domain = clients.settings.app_domain
        self._scheme, self._port = public.scheme, public.port
        host = (public.hostname or "").lower()
        if self.domain and (host == self.domain or host.endswith(f".{self.domain}")):
            raise Invalid(
                f"app_domain（{self.domain}）包含平台自己的主机名 {host}：应用会与平台同源。请另用一个域名。",
                f"app_domain ({self.domain}) holds the platform's own host {host}: applications would share its origin. Use another domain.",
                code="bad_app_domain",
            )

    def host(self, client: Client) -> str:
        """Return the host of an application, empty where the operator has set no domain."""
        return f"{client.facts.label}.{self.domain}" if self.domain and client.facts.upstream else ""

    def address(self, client: Client) -> str:
        """Return the origin under which an application is reached, empty where there is none."""
        host = self.host(client)
        port = "" if self._port is None else f":{self._port}"
        return f"{self._scheme}://{host}{port}" if host else ""

    def label_of(self, host: str) -> str | None:
        """Return the name of the application that a host stands for; None: the host is none of theirs."""
        name = host.lower().rpartition(":")[0] if ":" in host else host.lower()
        if not self.domain or not name.endswith(f".{self.domain}"):
            return None
        return name.removesuffix(f".{self.domain}")

    # What a person does on the platform's own pages

    def offered(self, actor: Actor) -> Sequence[Client]:
        """Return the applications that run elsewhere and may be opened."""
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.clients.db.read() as connection:
            return WayStore(connection).relayed()

    def look(self, actor: Actor, client_id: str) -> tuple[Client, bool]:
        """Return an application, and whether the actor has agreed to what it is told.

        Raises:
            NotFound: unknown, suspended, or not one that runs somewhere.

        """
        self.access.require(actor, Permission.APPS_CLIENT_SIGN_ON)
        with self.clients.db.read() as connection:
            store = ClientStore(connection)
            found, agreed = store.get(client_id), store.consent(actor.id, client_id)
        if found is None or not found.serves or not found.facts.upstream:
            raise no_client()
        return found, bool(agreed) and self.told(found) <= agreed

    def told(self, client: Client) -> frozenset[str]:
        """Return what an application is told of its visitors: always who it is, the name only where that was reviewed."""
        return frozenset({"openid"}) | (client.facts.scopes & IDENTITY_SCOPES.keys())

    def shown(self, client: Client) -> Shown:
        """Return what somebody agrees to who goes in."""
        facts = client.facts
        return Shown({_WHO: (facts.name, facts.purpose), _RUNS: facts.upstream, _TOLD_OF: self.told(client)})

    def agree(self, actor: Actor, client_id: str, *, seen: str | None = None) -> None:
        """Agree that an application is told who one is; ``seen`` is the token of what was shown.

        Raises:
            Conflict: the application is another one now, or is told more (``changed_since_seen``).

        """
        client, _ = self.look(actor, client_id)
        self.shown(client).check(seen)
        scopes = self.told(client)
        with self.clients.db.begin() as tx:
            store = ClientStore(tx.connection)
            store.set_consent(
                actor.id, client_id, store.consent(actor.id, client_id) | scopes, self.clients.clock.now()
            )
            detail: dict[str, JsonValue] = {"scopes": [*sorted(scopes)]}
            self.clients.evidence.record(tx, actor, "apps.client_consent", target=client_id, detail=detail)

    def enter(self, actor: Actor, client_id: str, state: str, to: str) -> str:
        """Return the address with a ticket that lets the browser in that knows what ``state`` is the digest of.

        Raises:
            NotFound: there is no such application, or it has no host.
            Unauthenticated: the actor has not agreed.

        """
        client, agreed = self.look(actor, client_id)
        if not self.address(client):
            raise no_client()
        if not agreed:
            raise no_ticket()
        now, secret = self.clients.clock.now(), secrets.token_urlsafe(32)
        family = SignOnFamily(
            id=new_id("vis"),
            client_id=client.id,
            person_id=actor.id,
            session_id=actor.session_id,
            scopes=self.told(client),
            began_at=now,
            ends_at=now + timedelta(hours=self.clients.settings.sign_on_hours),
        )
        ticket = _token(TokenKind.TICKET, f"{secret}.{state}", family, now + _TICKET)
        with self.clients.db.begin() as tx:
            store = TokenStore(tx.connection)
            store.add_family(family)
            store.add([ticket])
            self.clients.evidence.record(tx, actor, "apps.client_enter", target=client.id, detail={"visit": family.id})
        return f"{self.address(client)}{OWN}enter?{urlencode({'ticket': secret, 'to': to})}"

    # What the application's own host asks

    def client_of(self, label: str) -> Client:
        """Return the application that a name of a host stands for.

        Raises:
            NotFound: there is none that is active.

        """
        with self.clients.db.read() as connection:
            found = WayStore(connection).of_label(label)
        if found is None:
            raise no_client()
        return found

    def redeem(self, client: Client, ticket: str, nonce: str) -> str:
        """Turn a ticket into a visit, once, in the browser that asked for it; return the visit's secret.

        Raises:
            Unauthenticated: the ticket is spent, old, of another application or of another browser.

        """
        digest, now = digest_of_secret(f"{ticket}.{digest_of_secret(nonce)}"), self.clients.clock.now()
        secret = secrets.token_urlsafe(32)
        with self.clients.db.begin(counted=False) as tx:
            store = TokenStore(tx.connection)
            found = store.good(digest, now, TokenKind.TICKET)
            family = None if found is None or found.family_id is None else store.family(found.family_id)
            if family is None or family.client_id != client.id or not store.end(digest, now):
                raise no_ticket()
            store.add([_token(TokenKind.VISIT, secret, family, family.ends_at)])
        return secret

    def admit(self, client: Client, secret: str) -> Passage:
        """Let a visitor through, if visit, session, consent and application hold, and the application's plan has room.

        Raises:
            Unauthenticated: there is no such visit as of now.
            Denied: the application has no subscription to being relayed.
            Throttled: its plan is used up.

        """
        with self.clients.db.read() as connection:
            found = TokenStore(connection).good(digest_of_secret(secret), self.clients.clock.now(), TokenKind.VISIT)
        if found is None or found.client_id != client.id or found.family_id is None or found.person_id is None:
            raise no_ticket()
        stands = Actor(
            id=found.person_id,
            name="",
            kind=ActorKind.APPLICATION,
            session_id=f"{client.id}.{found.family_id}",
        )
        try:
            who = self.access.current(stands)
        except Unauthenticated:
            raise no_ticket() from None
        self._subscriptions.admit_api(client.id, self.api(client))
        return Passage(client=client, who=who, family_id=found.family_id, scopes=self.told(client) & found.scopes)

    def leave(self, client: Client, secret: str) -> None:
        """End a visit."""
        with self.clients.db.begin(counted=False) as tx:
            store = TokenStore(tx.connection)
            found = store.good(digest_of_secret(secret), self.clients.clock.now(), TokenKind.VISIT)
            if found is not None and found.client_id == client.id and found.family_id is not None:
                store.end_family(found.family_id, self.clients.clock.now())

    def done(self, client: Client, status: int, seconds: float) -> None:
        """Count what was relayed."""
        self._subscriptions.done_api(client.id, self.api(client), status, seconds)

    def api(self, client: Client) -> str:
        """Return the name under which being relayed is subscribed to and counted."""
        return f"relay:{client.id}"

    def own_headers(self, passage: Passage) -> Mapping[str, str]:
        """Return what only the platform says to an application: who comes, signed, and under which address."""
        now, client = self.clients.clock.now(), passage.client
        claims = {
            "iss": self.sign_on.issuer,
            "aud": client.id,
            "sub": passage.who.id,
            "sid": passage.family_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOLD).timestamp()),
            **self.sign_on.facts_of(passage.who, passage.scopes),
        }
        return {
            VIEWER_HEADER: self.sign_on.keys.sign(claims, "viewer+jwt"),
            "X-Forwarded-Proto": self._scheme,
            "X-Forwarded-Host": self.host(client),
            "X-Beijiang-Issuer": self.sign_on.issuer,
        }

    def entrance(self, client: Client, nonce: str, to: str) -> str:
        """Return the address on the platform at which a visit begins."""
        said = urlencode({"state": digest_of_secret(nonce), "to": to})
        return f"{self.sign_on.issuer}/outside/{quote(client.id)}/enter?{said}"


def _token(kind: TokenKind, secret: str, family: SignOnFamily, ends: datetime) -> Token:
    return Token(
        digest=digest_of_secret(secret),
        kind=kind,
        client_id=family.client_id,
        family_id=family.id,
        scopes=family.scopes,
        issued_at=family.began_at,
        expires_at=ends,
    )
