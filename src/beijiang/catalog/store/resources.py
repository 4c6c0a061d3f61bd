"""All SQL on resources, codes, versions, releases, steps and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, Select, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from beijiang.catalog.models import (
    Action,
    Code,
    Entry,
    Grade,
    Level,
    Personal,
    Resource,
    State,
    Step,
    TableFacts,
    TaskKind,
    Version,
)
from beijiang.catalog.store import schema as s
from beijiang.kit import Conflict

# Asked at every read through the gate, so they are built once.
_BY_ID = select(s.resource).where(s.resource.c.id == bindparam("key"))
_BY_TABLE = select(s.resource).where(s.resource.c.table_name == bindparam("key"))
_AT_ONCE = 1000
"""Ids in one statement; databases take a limited number."""
_LIVING_CODES = (
    select(s.code)
    .where(s.code.c.resource_id.in_(bindparam("ids", expanding=True)), s.code.c.retired_at.is_(None))
    .order_by(s.code.c.is_primary.desc(), s.code.c.prefix, s.code.c.sequence)
)
_VERSION = select(s.version).where(
    s.version.c.resource_id == bindparam("id"), s.version.c.number == bindparam("number")
)


class ResourceStore:
    """Resources by id and by table; takes the connection of whoever opened the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, found: Resource) -> None:
        """Store a new resource."""
        self._write(insert(s.resource).values(id=found.id, created_at=found.created_at, **_values(found)), found)

    def add_all(self, found: Sequence[Resource]) -> bool:
        """Store many new resources at once; tell whether it could be done, else none of them is stored."""
        rows = [{"id": r.id, "created_at": r.created_at, **_values(r)} for r in found]
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(s.resource), rows)
        except IntegrityError:
            return False
        return True

    def names(self, provider_id: str, names: Sequence[str]) -> set[str]:
        """Return those of some names that a provider has given already."""
        where = (s.resource.c.provider_id == provider_id) & s.resource.c.name.in_(names)
        return set(self._connection.execute(select(s.resource.c.name).where(where)).scalars())

    def save(self, found: Resource, *, before: int) -> None:
        """Store a changed resource if it still has the revision that it was read with.

        Raises:
            Conflict: somebody was faster, or the provider has another entry of this name.

        """
        where = (s.resource.c.id == found.id) & (s.resource.c.revision == before)
        changed = self._write(update(s.resource).where(where).values(**_values(found)), found)
        if changed != 1:
            raise Conflict(
                "这条目录刚被他人修改。请刷新后重试。",
                "Somebody else has just changed this entry. Reload it and try again.",
                code="stale_revision",
                detail={"id": found.id},
            )

    def _write(self, statement: Any, found: Resource) -> int:
        try:
            with self._connection.begin_nested():
                return int(self._connection.execute(statement).rowcount)
        except IntegrityError:
            raise Conflict(
                f"本单位已有名为“{found.entry.name}”的目录，或该表已有目录。请换一个能区分的名称。",
                f"This provider already has an entry named “{found.entry.name}”, or the table has one. Choose a telling name.",
                code="name_taken",
                detail={"name": found.entry.name},
            ) from None

    def get(self, resource_id: str) -> Resource | None:
        """Return one resource."""
        return self._found(_BY_ID, resource_id)

    def of_table(self, table: str) -> Resource | None:
        """Return the resource that describes a table."""
        return self._found(_BY_TABLE, table)

    def _found(self, query: Select[Any], key: str) -> Resource | None:
        row = self._connection.execute(query, {"key": key}).mappings().one_or_none()
        return None if row is None else _resource(row, self._codes([row["id"]]).get(row["id"], ()))

    def _one(self, where: Any) -> Resource | None:
        row = self._connection.execute(select(s.resource).where(where)).mappings().one_or_none()
        return None if row is None else _resource(row, self._codes([row["id"]]).get(row["id"], ()))

    def by_name(self, provider_id: str, name: str) -> Resource | None:
        """Return the resource of this name at this provider."""
        return self._one((s.resource.c.provider_id == provider_id) & (s.resource.c.name == name))

    def by_code(self, text: str) -> Resource | None:
        """Return the resource that has a living code."""
        parts = Code.parts(text)
        if parts is None:
            return None
        own = (s.code.c.prefix == parts[0]) & (s.code.c.sequence == parts[1]) & s.code.c.retired_at.is_(None)
        return self._one(s.resource.c.id == select(s.code.c.resource_id).where(own).scalar_subquery())

    def all(
        self, *, org_id: str | None = None, states: Iterable[State] = (), words: str = "", limit: int = 500
    ) -> list[Resource]:
        """Return resources, newest change first: of one organisation, in some states, with words in a name, if given."""
        query = select(s.resource).order_by(s.resource.c.updated_at.desc(), s.resource.c.id).limit(limit)
        if org_id is not None:
            query = query.where(s.resource.c.provider_id == org_id)
        if wanted := [str(state) for state in states]:
            query = query.where(s.resource.c.state.in_(wanted))
        if words:
            held = (column.icontains(words, autoescape=True) for column in (s.resource.c.name, s.resource.c.table_name))
            query = query.where(or_(*held))
        return self.made_of(self._connection.execute(query).all())

    def made_of(self, rows: Sequence[Row[Any]]) -> list[Resource]:
        """Make resources of whole rows of their table; their codes are read for all of them at once."""
        codes = self._codes([row.id for row in rows])
        return [_resource(row._mapping, codes.get(row.id, ())) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name

    def ids(self) -> list[str]:
        """Return the ids of all resources."""
        return list(self._connection.execute(select(s.resource.c.id).order_by(s.resource.c.id)).scalars())

    def _codes(self, ids: Sequence[str]) -> dict[str, tuple[Code, ...]]:
        found: dict[str, tuple[Code, ...]] = {}
        for first in range(0, len(ids), _AT_ONCE):
            for row in self._connection.execute(_LIVING_CODES, {"ids": ids[first : first + _AT_ONCE]}):
                code = Code(row.prefix, row.sequence, row.is_primary)
                found[row.resource_id] = (*found.get(row.resource_id, ()), code)
        return found

    def allocate(self, resource_id: str, prefixes: Sequence[str], at: datetime) -> None:
        """Give the resource a code under each prefix, keep those it has, retire those that it left.

        Codes once given to it under a prefix come back when it returns there; no other resource ever gets them.
        """
        held = {code.prefix: code for code in self._codes([resource_id]).get(resource_id, ())}
        for prefix in set(held) - set(prefixes):
            self._retire(resource_id, at, prefix)
        for rank, prefix in enumerate(prefixes):
            own = (s.code.c.resource_id == resource_id) & (s.code.c.prefix == prefix)
            again = update(s.code).where(own).values(is_primary=rank == 0, retired_at=None)
            if self._connection.execute(again).rowcount == 0:
                row = {"prefix": prefix, "sequence": self._next_sequence(prefix), "resource_id": resource_id}
                self._connection.execute(insert(s.code).values(**row, is_primary=rank == 0, allocated_at=at))

    def _next_sequence(self, prefix: str) -> int:
        kind = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        rise = kind.insert(s.code_counter).values(prefix=prefix, last=1)
        rise = rise.on_conflict_do_update(index_elements=["prefix"], set_={"last": s.code_counter.c.last + 1})
        return int(self._connection.execute(rise.returning(s.code_counter.c.last)).scalar_one())

    def retire_codes(self, resource_id: str, at: datetime) -> None:
        """Retire all codes of a resource that was withdrawn for good."""
        self._retire(resource_id, at, None)

    def _retire(self, resource_id: str, at: datetime, prefix: str | None) -> None:
        where = (s.code.c.resource_id == resource_id) & s.code.c.retired_at.is_(None)
        if prefix is not None:
            where = where & (s.code.c.prefix == prefix)
        self._connection.execute(update(s.code).where(where).values(retired_at=at))

    def knows_code(self, prefix: str, sequence: int) -> bool:
        """Tell whether a resource code was ever given."""
        where = (s.code.c.prefix == prefix) & (s.code.c.sequence == sequence)
        return self._connection.execute(select(s.code.c.resource_id).where(where)).one_or_none() is not None

    def add_version(self, found: Version) -> None:
        """Store a published version; it is never changed afterwards."""
        self._connection.execute(insert(s.version).values(**asdict(found)))

    def versions(self, resource_id: str) -> list[Version]:
        """Return the published versions, newest first."""
        query = select(s.version).where(s.version.c.resource_id == resource_id).order_by(s.version.c.number.desc())
        return [Version(**row) for row in self._connection.execute(query).mappings()]

    def version(self, resource_id: str, number: int) -> Version | None:
        """Return one published version."""
        row = self._connection.execute(_VERSION, {"id": resource_id, "number": number}).mappings().one_or_none()
        return None if row is None else Version(**row)

    def add_release(self, resource_id: str, number: int, table_version: int, at: datetime, actor_id: str) -> None:
        """Note that readers were moved to a version of the table."""
        row = {"resource_id": resource_id, "number": number, "table_version": table_version, "at": at}
        self._connection.execute(insert(s.release).values(**row, actor_id=actor_id))

    def public_moments(self, resource_id: str) -> tuple[datetime | None, datetime | None]:
        """Return when the public first had an entry, and when it last had another version of it or of its rows."""
        own, moved = s.version.c.resource_id == resource_id, s.release.c.resource_id == resource_id
        first = select(s.version.c.published_at).where(own).order_by(s.version.c.number).limit(1)
        last = select(s.release.c.at).where(moved).order_by(s.release.c.id.desc()).limit(1)
        return self._connection.execute(first).scalar_one_or_none(), self._connection.execute(last).scalar_one_or_none()

    def of_page(self, ids: Sequence[str]) -> dict[str, tuple[Resource, Version | None]]:
        """Return some resources, each with the version that serves now; three statements however many they are."""
        where = s.resource.c.id.in_(ids)
        rows = self._connection.execute(select(s.resource).where(where)).mappings().all()
        joined = (s.version.c.resource_id == s.resource.c.id) & (s.version.c.number == s.resource.c.version)
        query = select(s.version).join(s.resource, joined).where(where)
        versions = {row["resource_id"]: Version(**row) for row in self._connection.execute(query).mappings()}
        codes = self._codes([row["id"] for row in rows])
        return {row["id"]: (_resource(row, codes.get(row["id"], ())), versions.get(row["id"])) for row in rows}

    def releases(self, resource_id: str) -> list[int]:
        """Return the versions of its table that readers were ever moved to, newest first."""
        query = select(s.release.c.table_version).where(s.release.c.resource_id == resource_id).distinct()
        return sorted(self._connection.execute(query).scalars(), reverse=True)

    def offered_under(self, resource_id: str, table_version: int) -> tuple[int, datetime | None] | None:
        """Return under which version of the entry readers last had a version of the table as the newest, and until when.

        A step back, which is what a recall does, offers nothing anew: the entry of that moment was never reviewed with the
        version that readers go back to.
        """
        query = select(s.release).where(s.release.c.resource_id == resource_id).order_by(s.release.c.id)
        newest, found = 0, None
        for row in self._connection.execute(query):
            if row.table_version >= newest:
                newest = row.table_version
                if row.table_version == table_version:
                    found = row.number, None
            if found is not None and found[1] is None and row.table_version != table_version:
                found = found[0], row.at
        return found

    def add_step(self, resource_id: str, found: Step) -> None:
        """Note a step in the entry's life."""
        self._connection.execute(insert(s.step).values(resource_id=resource_id, **asdict(found)))

    def steps(self, resource_id: str) -> list[Step]:
        """Return the steps of an entry's life, oldest first."""
        query = select(s.step).where(s.step.c.resource_id == resource_id).order_by(s.step.c.id)
        return [
            Step(
                at=row.at,
                actor_id=row.actor_id,
                actor_name=row.actor_name,
                action=Action(row.action),
                source=State(row.source),
                target=State(row.target),
                note=row.note,
            )
            for row in self._connection.execute(query)
        ]

    def open_task(self, resource_id: str, kind: TaskKind, values: Mapping[str, Any]) -> None:
        """Open a task, unless the same one is open already."""
        where = (s.task.c.resource_id == resource_id) & (s.task.c.kind == str(kind)) & s.task.c.closed_at.is_(None)
        if self._connection.execute(select(s.task.c.id).where(where)).first() is None:
            self._connection.execute(insert(s.task).values(resource_id=resource_id, kind=str(kind), **values))

    def close_tasks(self, resource_id: str, at: datetime, *, keep: frozenset[TaskKind] = frozenset()) -> None:
        """Close what is open for a resource, except the kinds to keep."""
        where = (s.task.c.resource_id == resource_id) & s.task.c.closed_at.is_(None)
        where = where & s.task.c.kind.not_in([str(kind) for kind in keep])
        self._connection.execute(update(s.task).where(where).values(closed_at=at))

    def open_tasks(self) -> list[tuple[Row[Any], str, str, str | None, date]]:
        """Return open tasks, the most urgent first: row, name, provider, who submitted, due date."""
        joined = s.task.join(s.resource, s.task.c.resource_id == s.resource.c.id)
        columns = (s.resource.c.name, s.resource.c.provider_id, s.resource.c.submitted_by)
        query = select(s.task, *columns).select_from(joined).where(s.task.c.closed_at.is_(None))
        rows = self._connection.execute(query.order_by(s.task.c.due_on, s.task.c.id))
        return [(row, row.name, row.provider_id, row.submitted_by, row.due_on) for row in rows]


def _values(found: Resource) -> dict[str, Any]:
    facts = {"version": found.facts.version, "rows": found.facts.rows, "rows_held": found.facts.rows_held}
    return {
        "table_name": found.table,
        "provider_id": found.entry.provider_id,
        "name": found.entry.name,
        "state": str(found.state),
        "revision": found.revision,
        "entry": found.entry.to_json(),
        "grades": {
            column: {"level": str(g.level), "kind": g.kind, "personal": str(g.personal)}
            for column, g in found.grades.items()
        },
        "facts": {**facts, "columns": list(found.facts.columns), "sources": list(found.facts.sources)},
        "data_at": found.facts.data_at,
        "version": found.version,
        "versions": found.versions,
        "released_table_version": found.released_table_version,
        "updated_at": found.updated_at,
        "published_at": found.published_at,
        "submitted_by": found.submitted_by,
        "approved_by": found.approved_by,
        "reviewer_org": found.reviewer_org,
        "endorsed_by": found.endorsed_by,
        "reasons": list(found.reasons),
        "level": None if found.entry.level is None else str(found.entry.level),
    }


def _resource(row: RowMapping, codes: tuple[Code, ...]) -> Resource:
    facts = row["facts"]
    grades = {
        column: Grade(Level(g["level"]), g["kind"], Personal(g["personal"])) for column, g in row["grades"].items()
    }
    return Resource(
        id=row["id"],
        table=row["table_name"],
        entry=Entry.from_json(row["entry"]),
        state=State(row["state"]),
        revision=row["revision"],
        version=row["version"],
        versions=row["versions"],
        released_table_version=row["released_table_version"],
        facts=TableFacts(
            version=facts["version"],
            rows=facts["rows"],
            columns=tuple(facts["columns"]),
            data_at=row["data_at"],
            sources=tuple(facts["sources"]),
            rows_held=facts.get("rows_held", False),
        ),
        grades=grades,
        codes=codes,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        published_at=row["published_at"],
        submitted_by=row["submitted_by"],
        approved_by=row["approved_by"],
        reviewer_org=row["reviewer_org"],
        endorsed_by=row["endorsed_by"],
        reasons=tuple(row["reasons"]),
    )
