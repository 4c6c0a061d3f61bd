"""The registration of applications written elsewhere: by a department's developer, decided on by the authority."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import SCOPES, Permission
from beijiang.apps.errors import label_taken, no_client, own_client, wrong_client_state
from beijiang.apps.models import (
    Client,
    ClientDraft,
    ClientKind,
    ClientSecret,
    ClientState,
    Farewell,
    FarewellState,
    digest_of_secret,
)
from beijiang.apps.store import ClientStore, FarewellStore, WayStore
from beijiang.kit import Invalid, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.settings import Settings

__all__ = ["Clients"]

SECRET_PREFIX: Final = "bjs_"  # noqa: S105 - how secrets begin, so that scanners know them
_FAREWELLS_SHOWN: Final = 20
_ALLOWED: Final = frozenset(str(scope) for scope in SCOPES)


class Clients:
    """Which applications written elsewhere there are, and what each may ask for."""

    def __init__(self, db: Database, access: Access, evidence: Evidence, clock: Clock, settings: Settings) -> None:
        self.db = db
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings

    def clients(self, actor: Actor) -> Sequence[Client]:
        """Return the applications that the actor has to do with: of the own department, all for the authority."""
        if not self.access.allows(actor, Permission.APPS_CLIENT_REVIEW):
            self.access.require(actor, Permission.APPS_CLIENT_REGISTER, actor.org_id)
        with self.db.read() as connection:
            found = ClientStore(connection).all()
        return [client for client in found if self._inside(actor, client)]

    def client(self, actor: Actor, client_id: str) -> tuple[Client, Sequence[ClientSecret]]:
        """Return an application and its secrets (never their text) that are good now.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        found = self._known(actor, client_id)
        with self.db.read() as connection:
            return found, ClientStore(connection).secrets(client_id, self.clock.now())

    def farewells(self, actor: Actor, client_id: str) -> tuple[Sequence[Farewell], Mapping[FarewellState, int]]:
        """Return the newest sign-outs that an application was or is to be told of, and how many there are by state.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self._known(actor, client_id)
        with self.db.read() as connection:
            store = FarewellStore(connection)
            return store.newest(client_id, _FAREWELLS_SHOWN), store.counts(client_id)

    def register(self, actor: Actor, draft: ClientDraft) -> Client:
        """Register an application of one's own department; it waits for review.

        Raises:
            Denied: the actor builds for no department.
            Invalid: the draft will not do (``client_draft``).

        """
        self.access.require(actor, Permission.APPS_CLIENT_REGISTER, actor.org_id)
        facts = draft.checked(_ALLOWED)
        client = Client(
            id=new_id("cli"),
            org_id=actor.org_id or "",
            facts=facts,
            state=ClientState.SUBMITTED,
            proposed=facts,
            by_id=actor.id,
            by=actor.name,
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            ClientStore(tx.connection).add(client)
            self._hold(tx, client)
            self._record(tx, actor, "apps.client_register", client, facts.to_json())
        return client

    def change(self, actor: Actor, client_id: str, draft: ClientDraft) -> Client:
        """Propose other facts; those in force stay until the change was reviewed.

        Raises:
            NotFound: unknown, or none of the actor's business.
            Invalid: the draft will not do (``client_draft``).

        """
        known = self._known(actor, client_id)
        self.access.require(actor, Permission.APPS_CLIENT_REGISTER, known.org_id)
        facts = draft.checked(_ALLOWED)
        if facts.kind is not known.facts.kind:
            raise Invalid(
                "应用类型登记后不能更改，请另行登记。",
                "The kind of an application stays as it was registered; register another.",
                code="client_draft",
                detail={"field": "kind"},
            )
        with self.db.begin() as tx:
            now = self._current(tx, client_id)
            state = ClientState.SUBMITTED if now.state is ClientState.RETURNED else now.state
            changed = replace(
                now, proposed=facts, state=state, by_id=actor.id, by=actor.name, at=self.clock.now(), decided_by=""
            )
            ClientStore(tx.connection).set(changed)
            self._hold(tx, changed)
            self._record(tx, actor, "apps.client_change", changed, facts.to_json())
        return changed

    def review(self, actor: Actor, client_id: str, *, approve: bool, note: str, seen: str | None = None) -> Client:
        """Approve what waits, or send it back with a reason; ``seen`` is the token of what the reviewer was shown.

        Raises:
            Conflict: it is approved, and is not what was shown any more (``changed_since_seen``).
            Denied: the actor handed it in (``client_self_approval``).
            Conflict: nothing waits (``client_state``).

        """
        self._known(actor, client_id)
        self.access.require(actor, Permission.APPS_CLIENT_REVIEW)
        note = _words(note)
        with self.db.begin() as tx:
            now = self._current(tx, client_id)
            if now.proposed is None:
                raise wrong_client_state("没有待审核的内容。", "Nothing waits for review.")
            if now.by_id == actor.id:
                raise own_client()
            if approve:
                now.shown.check(seen)
            facts = now.proposed if approve else now.facts
            first = now.state is ClientState.SUBMITTED
            state = (ClientState.ACTIVE if approve else ClientState.RETURNED) if first else now.state
            decided = replace(now, facts=facts, proposed=None, state=state, decided_by=actor.name, note=note)
            ClientStore(tx.connection).set(decided)
            self._hold(tx, decided)
            what = "approve" if approve else "return"
            self._record(tx, actor, f"apps.client_{what}", decided, {"note": note})
        return decided

    def new_secret(self, actor: Actor, client_id: str) -> tuple[ClientSecret, str]:
        """Make a secret, shown this once; an earlier one stays good for ``client_overlap_hours``.

        Raises:
            Conflict: the application is not active, or keeps no secret (``client_state``).

        """
        known = self._known(actor, client_id)
        self.access.require(actor, Permission.APPS_CLIENT_REGISTER, known.org_id)
        text = SECRET_PREFIX + secrets.token_hex(32)
        with self.db.begin() as tx:
            now = self._current(tx, client_id)
            if not now.serves or now.facts.kind is not ClientKind.CONFIDENTIAL:
                raise wrong_client_state(
                    "只有审核通过、能保密的应用才有密钥。", "Only an active application that keeps secrets has one."
                )
            made_at = self.clock.now()
            store = ClientStore(tx.connection)
            store.end_secrets(client_id, made_at + timedelta(hours=self.settings.client_overlap_hours))
            made = ClientSecret(
                id=new_id("sec"), client_id=client_id, digest=digest_of_secret(text), made_at=made_at, ends_at=None
            )
            store.add_secret(made)
            self._record(tx, actor, "apps.client_secret", now, {"secret": made.id})
        return made, text

    def end_secrets(self, actor: Actor, client_id: str) -> int:
        """End every secret at once, as after a leak; return how many there were."""
        known = self._known(actor, client_id)
        self.access.require(actor, Permission.APPS_CLIENT_REGISTER, known.org_id)
        with self.db.begin() as tx:
            ended = ClientStore(tx.connection).end_secrets(client_id, self.clock.now())
            self._record(tx, actor, "apps.client_secrets_end", known, {"ended": ended})
        return ended

    def switch(self, actor: Actor, client_id: str, *, off: bool, reason: str) -> Client:
        """Suspend an application or let it go on; its tokens meet it at the next request. Its department may suspend it too.

        Raises:
            Conflict: it is not active, or not suspended (``client_state``).

        """
        known = self._known(actor, client_id)
        if not (off and self.access.allows(actor, Permission.APPS_CLIENT_REGISTER, known.org_id)):
            self.access.require(actor, Permission.APPS_CLIENT_REVIEW)
        reason = _words(reason)
        with self.db.begin() as tx:
            now = self._current(tx, client_id)
            if now.state is not (ClientState.ACTIVE if off else ClientState.SUSPENDED):
                raise wrong_client_state("应用现在的状态不能这样做。", "The application is not in a state for that.")
            state = ClientState.SUSPENDED if off else ClientState.ACTIVE
            changed = replace(now, state=state, decided_by=actor.name, note=reason)
            ClientStore(tx.connection).set(changed)
            what = "suspend" if off else "resume"
            self._record(tx, actor, f"apps.client_{what}", changed, {"reason": reason})
        return changed

    def _hold(self, tx: UnitOfWork, client: Client) -> None:
        """Keep the names of an application's host, in force and proposed, from others."""
        wanted = frozenset(one.label for one in (client.facts, client.proposed) if one is not None and one.label)
        store = WayStore(tx.connection)
        for label in sorted(wanted):
            if store.holder(label) not in {None, client.id}:
                raise label_taken(label)
        store.hold(client.id, wanted)

    def _inside(self, actor: Actor, client: Client) -> bool:
        return self.access.allows(actor, Permission.APPS_CLIENT_REVIEW) or self.access.allows(
            actor, Permission.APPS_CLIENT_REGISTER, client.org_id
        )

    def _known(self, actor: Actor, client_id: str) -> Client:
        with self.db.read() as connection:
            found = ClientStore(connection).get(client_id)
        if found is None or not self._inside(actor, found):
            raise no_client()
        return found

    def _current(self, tx: UnitOfWork, client_id: str) -> Client:
        found = ClientStore(tx.connection).get(client_id)
        if found is None:
            raise no_client()
        return found

    def _record(self, tx: UnitOfWork, actor: Actor, action: str, client: Client, detail: dict[str, JsonValue]) -> None:
        self.evidence.record(tx, actor, action, target=client.id, detail={"org": client.org_id, **detail})


def _words(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("请写明理由。", "Give a reason.", code="reason_needed")
    return text[:1000]
