"""The verbs of OpenLineage: the platform's own events out, events of others in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.kit import TooLarge
from beijiang.lineage.errors import BadEvent, foreign_namespace
from beijiang.lineage.models.graph import OWN_DECLARERS, Written, is_foreign, is_own
from beijiang.lineage.models.openlineage import LARGEST, MOST_EVENTS, edges_of, events_of, faults_of
from beijiang.lineage.service.recording import keep
from beijiang.lineage.service.sight import Sight
from beijiang.lineage.service.tracing import Tracing
from beijiang.lineage.store import LineageStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Exchange"]

PAGE: Final = 200
"""Writes of one page of events; each gives two."""


class Exchange(Tracing):
    """Speaks OpenLineage for the lake: namespaces are ``beijiang://<region>/<department>``."""

    def namespace(self, org_id: str) -> str:
        """Return the namespace of a department."""
        return f"beijiang://{self.settings.region_name}/{org_id}"

    def events(
        self,
        actor: Actor,
        *,
        table: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        after: int = 0,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Return a page of events (START and COMPLETE of each write) in order of time, and where the next begins.

        Writes of tables that this person may not know of are left out, and inputs that they may not know of have no name.
        """
        self.access.require(actor, Permission.LINEAGE_GRAPH_READ)
        if table:
            self.tables.get(actor, table)
        with self.db.read() as connection:
            store = LineageStore(connection)
            writes = store.writes(table, since, until, after, PAGE + 1)
            orgs = {
                target: org
                for (target, declarer), (_, org) in store.as_of(self.clock.now()).items()
                if declarer in OWN_DECLARERS
            }
            sight = Sight(actor, self.access, self.tables, orgs, self.own_names)
            shown = [written for written in writes[:PAGE] if sight.sees(written.target)]
            edges = store.edges_of(written.set_id for written in shown)
        told: list[dict[str, Any]] = []
        for written in shown:
            mine = [edge for set_id, edge in edges if set_id == written.set_id]
            told += events_of(
                written,
                mine,
                namespace=self._naming(sight),
                address=self.settings.public_url.rstrip("/"),
                owner=written.org_id,
            )
        return told, after + PAGE if len(writes) > PAGE else None

    def _naming(self, sight: Sight) -> Any:
        def named(dataset: str) -> tuple[str, str]:
            own = is_own(dataset)
            if is_foreign(dataset) and not own:
                space, _, name = dataset.rpartition("/")
                return space, name
            space = self.namespace(sight.org_of(dataset) if sight.sees(dataset) else "hidden")
            shown = sight.shown(dataset)
            return space, shown.replace("://", "/") if own else shown

        return named

    def may_send(self, actor: Actor) -> None:
        """Refuse who may not send events, before anything of theirs is read."""
        self.access.require(actor, Permission.LINEAGE_EVENT_SEND, actor.org_id or "")

    def receive(self, actor: Actor, bodies: Sequence[object]) -> int:
        """Take events in, all of them or none; return how many were new.

        An event that came before (same run, type and time) is taken for done. URLs in it are never opened, and facets
        that are not known are kept as they are.

        Raises:
            BadEvent: one is no event of OpenLineage 2-0-2, or over the limits; every reason is told.
            Denied: its namespace, or that of a table which it says it writes, is another department's.
            TooLarge: more than 1 MiB, or too many of them.

        """
        self.may_send(actor)
        org = actor.org_id or ""
        if len(bodies) > MOST_EVENTS:
            raise TooLarge(
                f"一次最多报送 {MOST_EVENTS} 个事件。", f"At most {MOST_EVENTS} events at once.", code="too_many_events"
            )
        events = [_event(body) for body in bodies]
        for event in events:
            self._check_names(event, org)
        new = 0
        with self.db.begin() as tx:
            store = LineageStore(tx.connection)
            for event in events:
                new += self._take(store, event, org, actor)
            if new:
                detail: dict[str, JsonValue] = {
                    "events": new,
                    "jobs": [*sorted({_job(event) for event in events})[:20]],
                }
                self.evidence.record(tx, actor, "lineage.receive", target=org, detail=detail)
        return new

    def _check_names(self, event: Mapping[str, Any], org: str) -> None:
        mine = self.namespace(org)
        speaker = event.get("job") or event.get("dataset") or {}
        if speaker["namespace"] != mine:
            raise foreign_namespace(mine)
        for dataset in [*(event.get("outputs") or []), *([event["dataset"]] if "dataset" in event else [])]:
            space = dataset["namespace"]
            others = space.startswith(f"beijiang://{self.settings.region_name}/") and space != mine
            if others or is_own(self._key(dataset)):  # what the platform itself holds, only it tells of
                raise foreign_namespace(mine)

    def _take(self, store: LineageStore, event: dict[str, Any], org: str, actor: Actor) -> bool:
        run_id = str(event.get("run", {}).get("runId") or _job(event))[:60]
        kind = event.get("eventType") or ("OTHER" if "run" in event else "JOB" if "job" in event else "DATASET")
        if store.knows_event(org, run_id, kind, event["eventTime"]):
            return False
        values = {"run_id": run_id, "event_type": kind, "event_time": event["eventTime"], "org_id": org}
        values |= {"job": _job(event), "received_at": self.clock.now(), "body": event}
        store.add_event(values)
        if kind in {"COMPLETE", "OTHER", "JOB", "DATASET"}:
            told = store.events_of_run(org, run_id) if "run" in event else [event]
            for target, edges in edges_of(told, self._key).items():
                before = store.newest(target, _job(event))
                written = Written(
                    target=target,
                    declarer=_job(event),
                    version=1 if before is None else before.version + 1,
                    set_id="",
                    at=self.clock.now(),
                    org_id=org,
                    mode=kind.lower(),
                    run_id=run_id,
                    actor_id=actor.id,
                )
                keep(store, written, edges, before)
        return True

    def _key(self, dataset: Mapping[str, Any]) -> str:
        """Return the key of a dataset: the name of a table of the lake, or namespace and name of a foreign one."""
        space, name = str(dataset["namespace"]), str(dataset["name"])
        if space.startswith(f"beijiang://{self.settings.region_name}/"):
            return name.replace("://", ":")
        return f"{space}/{name}" if "://" in space else f"foreign://{space}/{name}"


def _event(body: object) -> dict[str, Any]:
    """Read an event; what the metadata database could not hold as it came (NUL, halves of characters, NaN) is refused."""
    event: Any = None
    text, faults = "", []
    if not isinstance(body, bytes) or len(body) <= LARGEST:
        try:
            event = json.loads(body) if isinstance(body, bytes) else body
            text = json.dumps(event, ensure_ascii=False, allow_nan=False)
            faults = ["a NUL character"] if "\\u0000" in text else faults_of(event)
            text.encode()
        except (ValueError, RecursionError):
            faults = ["no JSON"]
    if len(body if isinstance(body, bytes) else text) > LARGEST:
        raise TooLarge(
            "事件超过 1 MiB。请拆分后再报送。",
            "The event is over 1 MiB. Split it and send it again.",
            code="event_too_large",
        )
    if faults:
        listed = "; ".join(faults)
        raise BadEvent(
            f"不是合格的 OpenLineage 2-0-2 事件：{listed}。",
            f"This is no event of OpenLineage 2-0-2: {listed}.",
            detail={"reasons": [*faults]},
        )
    taken: dict[str, Any] = event
    return taken


def _job(event: Mapping[str, Any]) -> str:
    speaker = event.get("job") or event.get("dataset") or {}
    return f"{speaker['namespace']}/{speaker['name']}"[:600]
