"""Alerts: said once, seen by the department and the data authority, and gone when their reason is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.ingest.models import Alert, AlertKind
from beijiang.ingest.store.alerts import AlertStore
from beijiang.kit import SYSTEM, NotFound, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock, Part, Text, Wanted
    from beijiang.kit.errors import JsonValue

__all__ = ["Alerts"]

_MOST = 500


class Alerts:
    """What somebody should know before others notice."""

    def __init__(self, db: Database, access: Access, evidence: Evidence, clock: Clock) -> None:
        self.db = db
        self.access = access
        self.evidence = evidence
        self.clock = clock

    def alerts(self, actor: Actor, *, closed: bool = False, limit: int = _MOST) -> list[Alert]:
        """Return open alerts of the departments whose runs the actor may see, newest first; closed ones too if wanted."""
        self.access.require(actor, Permission.INGEST_RUN_READ)
        with self.db.read() as connection:
            store = AlertStore(connection)
            return store.list(self._seen_by(actor, store), closed=closed, limit=min(limit, _MOST))

    def alert_part(self, actor: Actor, wanted: Wanted, *, closed: bool = False) -> Part[Alert]:
        """Return a part of the alerts that ``alerts`` lists, narrowed, counted and sorted; of any number."""
        self.access.require(actor, Permission.INGEST_RUN_READ)
        with self.db.read() as connection:
            store = AlertStore(connection)
            return store.part(wanted, self._seen_by(actor, store), self.clock.now(), closed=closed)

    def alert(self, actor: Actor, alert_id: str) -> Alert:
        """Return one alert, open or closed.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        self.access.require(actor, Permission.INGEST_RUN_READ)
        with self.db.read() as connection:
            found = AlertStore(connection).get(alert_id)
        if found is None or not self._may_see(actor, found.org_id):
            raise NotFound("没有这条告警。", "There is no such alert.", code="alert_not_found")
        return found

    def unattended(self, actor: Actor) -> int:
        """Count the open alerts that the actor may see and nobody looks after yet."""
        self.access.require(actor, Permission.INGEST_RUN_READ)
        with self.db.read() as connection:
            store = AlertStore(connection)
            return store.unattended(self._seen_by(actor, store))

    def acknowledge(self, actor: Actor, alert_id: str, answer: str = "") -> Alert:
        """Say that somebody looks after it; it stays open until its reason is gone.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = AlertStore(connection).get(alert_id)
        if found is None or not self._may_see(actor, found.org_id):
            self.access.require(actor, Permission.INGEST_RUN_READ)
            raise NotFound("没有这条告警。", "There is no such alert.", code="alert_not_found")
        self.access.require(actor, Permission.INGEST_ALERT_ACKNOWLEDGE, found.org_id)
        with self.db.begin() as tx:
            store = AlertStore(tx.connection)
            if store.acknowledge(alert_id, actor.name, answer.strip()[:1000], self.clock.now()):
                detail: dict[str, JsonValue] = {"kind": found.kind.value, "subject": found.subject}
                self.evidence.record(tx, actor, "ingest.alert_acknowledge", target=alert_id, detail=detail)
            changed = store.get(alert_id)
        assert changed is not None  # noqa: S101  # alerts are never removed
        return changed

    def open(self) -> dict[tuple[AlertKind, str], Alert]:
        """Return every open alert by its kind and subject."""
        with self.db.read() as connection:
            return AlertStore(connection).open()

    def say(self, kind: AlertKind, subject: str, org_id: str, text: Text) -> bool:
        """Open an alert unless one of its kind and subject is open; tell whether it was opened."""
        if self._standing(kind, subject) is not None:
            return False
        alert = Alert(
            id=new_id("alt"), org_id=org_id, kind=kind, subject=subject, text=text, opened_at=self.clock.now()
        )
        try:
            with self.db.begin() as tx:
                AlertStore(tx.connection).add(alert)
                detail: dict[str, JsonValue] = {"kind": kind.value, "subject": subject, "org": org_id, "text": text.zh}
                self.evidence.record(tx, SYSTEM, "ingest.alert_open", target=alert.id, detail=detail)
        except IntegrityError:  # another process said it in the same moment
            return False
        return True

    def renew(self, kind: AlertKind, subject: str, org_id: str, text: Text) -> bool:
        """Say an alert anew where it goes to another department or says something else by now; tell whether it was said."""
        known = self._standing(kind, subject)
        if known is not None and (known.org_id, known.text) == (org_id, text):
            return False
        if known is not None:
            self.clear(kind, subject)
        return self.say(kind, subject, org_id, text)

    def clear(self, kind: AlertKind, subject: str) -> bool:
        """Close the alert of a kind and subject, if there is one."""
        alert = self._standing(kind, subject)
        if alert is None:
            return False
        with self.db.begin() as tx:
            closed = AlertStore(tx.connection).close(alert.id, self.clock.now())
            if closed:
                detail: dict[str, JsonValue] = {"kind": kind.value, "subject": subject}
                self.evidence.record(tx, SYSTEM, "ingest.alert_close", target=alert.id, detail=detail)
        return closed

    def _standing(self, kind: AlertKind, subject: str) -> Alert | None:
        with self.db.read() as connection:
            return AlertStore(connection).standing(kind, subject)

    def _seen_by(self, actor: Actor, store: AlertStore) -> list[str]:
        return [org_id for org_id in store.organisations() if self._may_see(actor, org_id)]

    def _may_see(self, actor: Actor, org_id: str) -> bool:
        return self.access.allows(actor, Permission.INGEST_RUN_READ, org_id)
