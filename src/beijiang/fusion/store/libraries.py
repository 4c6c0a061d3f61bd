"""Libraries with all their revisions, their sources, and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from beijiang.db import Revisions
from beijiang.fusion.models import (
    Element,
    FieldReport,
    FusionRun,
    Library,
    Link,
    LinkState,
    RunTrigger,
    SourceReport,
)
from beijiang.fusion.models.libraries import CROSSWALK
from beijiang.fusion.store.schema import fusion_key, fusion_library, fusion_link, fusion_run
from beijiang.kit import Actor, Text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["LibraryStore", "library_of"]

_L = fusion_library.c
_S = fusion_link.c
_RUN = fusion_run.c


class LibraryStore(Revisions[Library]):
    """Read and write libraries on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, fusion_library, library_of)

    def add(self, new: Library) -> None:
        """Add a revision; it is the one in force from now on."""
        self.put(
            {
                "id": new.id,
                "revision": new.revision,
                "retired": new.retired,
                "kind": new.kind,
                "name": new.name,
                "org_id": new.org_id,
                "target": new.target,
                "prefix": new.prefix,
                "elements": [one.to_json() for one in new.elements],
                "key": list(new.key),
                "matching": new.matching,
                "certain": new.certain,
                "grey": new.grey,
                "reason": new.reason,
                "owner": new.owner.to_json(),
                "set_at": new.at,
            }
        )

    def all(self) -> list[Library]:
        """Return the libraries in force, by kind and name."""
        return self.in_force(by=(_L.kind, _L.name))

    def kinds(self) -> set[str]:
        """Return the kinds of which there are libraries in force."""
        query = select(_L.kind).where(_L.is_current.is_(True), _L.retired.is_(False)).distinct()
        return set(self._connection.execute(query).scalars())

    def filling(self, target: str) -> Library | None:
        """Return the library in force that fills a table, or keeps its crosswalk in it."""
        own = _L.target.in_((target, target.removesuffix(CROSSWALK)))
        return next(iter(self.in_force(own, by=(_L.kind, _L.name))), None)

    # The secret by which records are named

    def sealed(self, library_id: str) -> str | None:
        """Return the sealed secret of a library."""
        query = select(fusion_key.c.sealed).where(fusion_key.c.library_id == library_id)
        return self._connection.execute(query).scalar_one_or_none()

    def keep_sealed(self, library_id: str, sealed: str) -> None:
        """Keep the sealed secret of a new library."""
        self._connection.execute(insert(fusion_key).values(library_id=library_id, sealed=sealed))

    # Sources

    def add_link(self, new: Link) -> None:
        """Add a source."""
        self._connection.execute(insert(fusion_link).values(**_values(new)))

    def put_link(self, link: Link) -> None:
        """Replace what is known of a source."""
        self._connection.execute(update(fusion_link).where(_S.id == link.id).values(**_values(link)))

    def link(self, link_id: str) -> Link | None:
        """Return a source."""
        row = self._connection.execute(select(fusion_link).where(_S.id == link_id)).one_or_none()
        return None if row is None else _link(row)

    def links(self, library_id: str) -> list[Link]:
        """Return the sources of a library, ended ones too, as they came."""
        query = select(fusion_link).where(_S.library_id == library_id).order_by(_S.number)
        return [_link(row) for row in self._connection.execute(query)]

    def links_of_table(self, table: str) -> list[Link]:
        """Return where a table serves."""
        query = select(fusion_link).where(_S.table_name == table, _S.state == LinkState.IN_FORCE.value)
        return [_link(row) for row in self._connection.execute(query.order_by(_S.library_id, _S.number))]

    def next_number(self, library_id: str) -> int:
        """Return the number of the next source of a library; numbers are not used again."""
        query = select(func.coalesce(func.max(_S.number), 0)).where(_S.library_id == library_id)
        return int(self._connection.execute(query).scalar_one()) + 1

    # Runs

    def add_run(self, run: FusionRun) -> None:
        """Add a run, or replace one that was cut short after it was noted."""
        self._connection.execute(fusion_run.delete().where(_RUN.id == run.id))
        self._connection.execute(
            insert(fusion_run).values(
                id=run.id,
                library_id=run.library_id,
                revision=run.revision,
                at=run.at,
                trigger=run.trigger.value,
                by=run.by,
                seconds=run.seconds,
                version=run.version,
                records=run.records,
                subjects=run.subjects,
                matched=run.matched,
                waiting=run.waiting,
                sources=[_source_json(one) for one in run.sources],
                fields=[[one.name, one.filled, one.conflicting] for one in run.fields],
                matching=dict(run.matching),
                error=None if run.error is None else {"zh": run.error.zh, "en": run.error.en},
            )
        )

    def runs(self, library_id: str, limit: int) -> Sequence[FusionRun]:
        """Return runs, newest first."""
        query = select(fusion_run).where(_RUN.library_id == library_id).order_by(_RUN.at.desc(), _RUN.id.desc())
        return [_run(row) for row in self._connection.execute(query.limit(limit))]

    def last_written(self, library_id: str) -> FusionRun | None:
        """Return the newest run that wrote a version."""
        query = select(fusion_run).where(_RUN.library_id == library_id, _RUN.version.is_not(None))
        row = self._connection.execute(query.order_by(_RUN.at.desc(), _RUN.id.desc()).limit(1)).one_or_none()
        return None if row is None else _run(row)


def library_of(row: Row[Any]) -> Library:
    """Return the library that stands in a row."""
    return Library(
        id=row.id,
        revision=row.revision,
        retired=row.retired,
        kind=row.kind,
        name=row.name,
        org_id=row.org_id,
        target=row.target,
        prefix=row.prefix,
        elements=tuple(Element.from_json(one) for one in row.elements),
        key=tuple(row.key),
        matching=row.matching,
        certain=row.certain,
        grey=row.grey,
        reason=row.reason,
        owner=Actor.from_json(row.owner),
        at=row.set_at,
    )


def _values(link: Link) -> dict[str, Any]:
    return {
        "id": link.id,
        "library_id": link.library_id,
        "number": link.number,
        "table_name": link.table,
        "org_id": link.org_id,
        "columns": dict(link.columns),
        "priority": link.priority,
        "key": list(link.key),
        "seen": link.seen,
        "state": link.state.value,
        "reason": link.reason,
        "asked_by": link.asked_by.to_json(),
        "agreed_by": None if link.agreed_by is None else link.agreed_by.to_json(),
        "at": link.at,
    }


def _link(row: Row[Any]) -> Link:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's way to columns by name
    return Link(
        id=values["id"],
        library_id=values["library_id"],
        number=values["number"],
        table=values["table_name"],
        org_id=values["org_id"],
        columns=dict(values["columns"]),
        priority=values["priority"],
        key=tuple(values["key"]),
        seen=values["seen"],
        state=LinkState(values["state"]),
        reason=values["reason"],
        asked_by=Actor.from_json(values["asked_by"]),
        agreed_by=None if values["agreed_by"] is None else Actor.from_json(values["agreed_by"]),
        at=values["at"],
    )


def _source_json(one: SourceReport) -> list[Any]:
    return [one.link_id, one.table, one.version, one.records, dict(one.filled), dict(one.differing)]


def _run(row: Row[Any]) -> FusionRun:
    return FusionRun(
        id=row.id,
        library_id=row.library_id,
        revision=row.revision,
        at=row.at,
        trigger=RunTrigger(row.trigger),
        by=row.by,
        seconds=row.seconds,
        version=row.version,
        records=row.records,
        subjects=row.subjects,
        matched=row.matched,
        waiting=row.waiting,
        sources=tuple(SourceReport(*one) for one in row.sources),
        fields=tuple(FieldReport(*one) for one in row.fields),
        matching=row.matching,
        error=None if row.error is None else Text(row.error["zh"], row.error["en"]),
    )
