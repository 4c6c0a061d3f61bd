"""Libraries as a long list: what stands in its columns, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from beijiang.db import Shelf, age_of, part_of
from beijiang.fusion.models import LibraryLine, LinkState, PairState
from beijiang.fusion.store.libraries import library_of
from beijiang.fusion.store.schema import fusion_library, fusion_link, fusion_pair, fusion_run
from beijiang.kit import Part

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from beijiang.kit import Wanted

__all__ = ["library_part"]

_L, _S, _P, _RUN = fusion_library.c, fusion_link.c, fusion_pair.c, fusion_run.c


def library_part(connection: Connection, wanted: Wanted, now: datetime) -> Part[LibraryLine]:
    """Return a part of the libraries in force, by kind and name, each with its sources, its queue and its newest written run."""
    sources = _sources(LinkState.IN_FORCE)
    offered = _sources(LinkState.ASKED, LinkState.OFFERED)
    waiting = _count_of(_P.library_id == _L.id, _P.state == PairState.WAITING.value)
    told = (sources.label("sources"), offered.label("offered"), waiting.label("waiting"))
    ran = (_RUN.subjects, _RUN.records, _RUN.at.label("ran_at"))
    with_run = fusion_library.outerjoin(fusion_run, _RUN.id == _newest_run())
    shelf = Shelf(
        rows=select(fusion_library, *told, *ran)
        .select_from(with_run)
        .where(_L.is_current.is_(True), _L.retired.is_(False)),
        columns={
            "name": _L.name,
            "kind": _L.kind,
            "keeper": _L.org_id,
            "subjects": _RUN.subjects,
            "records": _RUN.records,
            "sources": sources,
            "offered": func.nullif(offered, 0),
            "waiting": func.nullif(waiting, 0),
            "ran": _RUN.at,
            "age": age_of(_RUN.at, now),
            "table": _L.target,
            "id": _L.id,
        },
        counted=("kind", "keeper", "age"),
        words=("name", "table", "id"),
        order=(_L.kind, _L.name, _L.id),
    )
    found_rows, found, counts = part_of(connection, shelf, wanted)
    lines = [
        LibraryLine(
            library=library_of(row),
            sources=row.sources,
            offered=row.offered,
            waiting=row.waiting,
            subjects=row.subjects,
            records=row.records,
            ran_at=row.ran_at,
        )
        for row in found_rows
    ]
    return Part(lines, found, counts)


def _sources(*states: LinkState) -> ColumnElement[Any]:
    return _count_of(_S.library_id == _L.id, _S.state.in_([state.value for state in states]))


def _count_of(*mine: ColumnElement[bool]) -> ColumnElement[Any]:
    return select(func.count()).where(*mine).correlate(fusion_library).scalar_subquery()


def _newest_run() -> ColumnElement[Any]:
    """Return the id of the newest run of a library that wrote a version."""
    run = fusion_run.alias("newest_run").c
    query = select(run.id).where(run.library_id == _L.id, run.version.is_not(None))
    return query.order_by(run.at.desc(), run.id.desc()).limit(1).correlate(fusion_library).scalar_subquery()
