"""The rows of the datastore: one page, one description, one file. Every row comes through the gate, as everywhere."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog import Facet, Has, OpenType, Order, PickQuery
from beijiang.kit import ANONYMOUS, NotFound
from beijiang.opendata.ckan import dicts, rowquestions
from beijiang.opendata.ckan.parameters import Parameters, wrong
from beijiang.opendata.ckan.reading import not_found
from beijiang.opendata.ckan.rowquestions import FORMATS, MOST, TYPES
from beijiang.protection import files
from beijiang.tables import NUMBER, Exit, Sift, Sort, Tallied

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Entry
    from beijiang.kit import Actor
    from beijiang.opendata.service import OpenData
    from beijiang.tables import GovernedColumn, GovernedTable, Tables

__all__ = ["TABLES", "Datastore", "Opened", "Told", "named"]

TABLES: Final = "_table_metadata"
"""The name under which the datastore lists its tables."""
PURPOSE: Final = "CKAN datastore"
COUNTED: Final = 10_000
"""How many fitting rows are counted before the rest is estimated."""
REMEMBERED: Final = 4_096
_LISTED: Final = 1_000
_NATIVE: Final = {
    "text": "text",
    "int": "int8",
    "numeric": "numeric",
    "float": "float8",
    "bool": "bool",
    "date": "date",
    "timestamp": "timestamptz",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """A table as this reader may have it now, under the id of its resource."""

    id: str
    governed: GovernedTable
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Told:
    """A result that rows of a table stand in; what is sent of it is noted in the receipt of the read."""

    result: Mapping[str, Any]
    governed: GovernedTable


class Datastore:
    """Reads of tables by the ids of their resources."""

    def __init__(self, opendata: OpenData, catalog: Catalog, tables: Tables, access: Access) -> None:
        self._opendata = opendata
        self._catalog = catalog
        self._tables = tables
        self._access = access
        self._known: OrderedDict[tuple[Any, ...], Tallied] = OrderedDict()
        self._lock = Lock()

    @property
    def zone(self) -> str:
        """Return the time zone in which moments are shown."""
        return self._opendata.zone

    def datastore_search(self, actor: Actor, asked: Parameters) -> Told | dict[str, Any]:
        """Return rows of a table, page by page.

        Raises:
            NotFound: no such table, or none that this reader may have.
            Invalid: an unknown parameter or column, or a value that does not fit.

        """
        self._ask(actor)
        wanted = asked.text("resource_id") or asked.needed("id")
        asked.only(rowquestions.SEARCH_WORDS, code="unexpected_field")
        form = asked.text("records_format", "objects")
        if form not in FORMATS:
            raise wrong("records_format", f"可选：{'、'.join(FORMATS)}。", f"One of {', '.join(FORMATS)}")
        sift = rowquestions.question(asked)
        if wanted == TABLES:
            return self._listing(actor, asked, sift, form)
        opened = self.opened(actor, wanted)
        found = opened.governed.sift(sift)
        shown = found.rows.schema.names
        records = files.records(found.rows, self.zone)
        result = {
            "resource_id": wanted,
            "fields": fields(opened, shown),
            "records": written(records, shown, form),
            **_echo(asked, sift, form),
        }
        if asked.flag("include_total", default=True):
            total = self._total(opened.governed, sift, found.rows.num_rows, more=found.more, asked=asked)
            result |= {"total": total.rows, "total_was_estimated": total.estimated}
        following = _next_page(sift, found.rows, more=found.more)
        if following is not None and asked.flag("include_next_page"):
            result["next_page"] = following
        return Told(result, opened.governed)

    def datastore_info(self, actor: Actor, asked: Parameters) -> dict[str, Any]:
        """Return the columns of a table and how many rows it has.

        Raises:
            NotFound: no such table, or none that this reader may have.

        """
        self._ask(actor)
        wanted = asked.text("id") or asked.needed("resource_id")
        opened = self.opened(actor, wanted)
        described = fields(opened, [column.name for column in opened.governed.columns])
        count = self._counted(opened.governed, Sift(), lambda: Tallied(opened.governed.count())).rows
        return {
            "meta": {"id": wanted, "count": count, "size": None, "table_type": "BASE TABLE", "aliases": []},
            "fields": [
                {**one, "schema": {"native_type": _NATIVE[one["type"]], "notnull": False, "is_index": False}}
                for one in described
            ],
        }

    def opened(self, actor: Actor, resource_id: str) -> Opened:
        """Open the table behind the id of a resource: as somebody with a right of their own, else as the public.

        Raises:
            NotFound: unknown, hidden, without rows, or not for this reader; all look the same.

        """
        self._ask(actor)
        package_id, kind = dicts.parts(resource_id)
        if kind == dicts.ROWS:
            with suppress(NotFound):
                table, entry = self.table_of(actor, package_id)
                return Opened(resource_id, self._governed(actor, package_id, table), entry)
        raise not_found("resource")

    def _governed(self, actor: Actor, package_id: str, table: str) -> GovernedTable:
        if not actor.is_anonymous:
            with suppress(NotFound):
                return self._tables.open(actor, table, PURPOSE, Exit.DATASTORE)
        return self._opendata.governed(actor, package_id, Exit.DATASTORE)

    def check(self, actor: Actor, resource_id: str) -> None:
        """Return if the table could be opened; a visitor's look at it is no read.

        Raises:
            NotFound: it could not.

        """
        self._ask(actor)
        if not actor.is_anonymous:
            self.opened(actor, resource_id)
            return
        package_id, kind = dicts.parts(resource_id)
        with suppress(NotFound):
            found = self._catalog.published(ANONYMOUS, package_id)
            entry = found.version.entry
            is_open = entry.open_type is OpenType.UNCONDITIONAL and bool(entry.open_items)
            if kind == dicts.ROWS and is_open and found.table_version is not None:
                return
        raise not_found("resource")

    def table_of(self, actor: Actor, package_id: str) -> tuple[str, Entry]:
        """Return the table of a package and its entry: as published, else as it is being compiled for who may see that.

        Raises:
            NotFound: no such package for this reader, or it has no table.

        """
        self._ask(actor)
        try:
            found = self._catalog.published(ANONYMOUS, package_id)
            table, entry = found.table, found.version.entry
        except NotFound:
            if actor.is_anonymous:
                raise
            own = self._catalog.get(actor, package_id)
            table, entry = own.table, own.entry
        if table is None:
            raise not_found("resource")
        return table, entry

    def names(self, actor: Actor, start: int = 0, size: int = _LISTED) -> tuple[list[str], int]:
        """Return ids of resources with rows that are open to all, and how many entries may have them."""
        self._ask(actor)
        open_ = Has(Facet.OPEN_TYPE, frozenset({OpenType.UNCONDITIONAL.value}))
        page = self._catalog.pick(
            ANONYMOUS, PickQuery(wanted=open_, order=Order.ID, start=start, size=min(size, _LISTED))
        )
        return [f"{one.id}-{dicts.ROWS}" for one in page.entries if dicts.has_rows(one)], page.total

    def _listing(self, actor: Actor, asked: Parameters, sift: Sift, form: str) -> dict[str, Any]:
        """Return the tables that are open to all; entries without rows are left out, so the total is an estimate."""
        if sift.filters or sift.words or sift.order or sift.distinct:
            raise wrong("filters", f"{TABLES} 只能翻页。", f"{TABLES} can only be paged through")
        names, total = self.names(actor, sift.start, sift.size)
        columns = list(sift.columns) or [NUMBER, "name", "oid", "alias_of"]
        rows = [
            {NUMBER: sift.start + place, "name": name, "oid": sift.start + place, "alias_of": None}
            for place, name in enumerate(names, 1)
        ]
        unknown = [name for name in columns if name not in {NUMBER, "name", "oid", "alias_of"}]
        if unknown:
            raise wrong("fields", "没有这一列。", f"There is no column {unknown[0][:60]}")
        types = {NUMBER: "int", "oid": "int"}
        return {
            "resource_id": TABLES,
            "fields": [{"id": name, "type": types.get(name, "text")} for name in columns],
            "records": written([{name: row[name] for name in columns} for row in rows], columns, form),
            **_echo(asked, replace(sift, size=min(sift.size, _LISTED)), form),
            "total": total if len(names) or sift.start else 0,
            "total_was_estimated": True,
        }

    def _total(self, governed: GovernedTable, sift: Sift, rows: int, *, more: bool, asked: Parameters) -> Tallied:
        """Return how many rows fit: known from the release, from the last page, from before; else counted up to a limit."""
        if not more and (rows or not sift.start) and sift.size:
            return Tallied(sift.start + rows)
        most = min(asked.number("total_estimation_threshold", COUNTED) or COUNTED, MOST)
        return self._counted(governed, sift, lambda: governed.sift_count(sift, most), most)

    def _counted(self, governed: GovernedTable, sift: Sift, count: Any, most: int = 0) -> Tallied:
        whole = replace(sift, start=0, size=0, order=(), columns=sift.columns if sift.distinct else ())
        key = (governed.table, governed.version, governed.obligations, most, repr(whole))
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = count()
            with self._lock:
                self._known[key] = known
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return known

    def _ask(self, actor: Actor) -> None:
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)


def fields(opened: Opened, shown: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the columns of an answer are."""
    known = {column.name: column for column in opened.governed.columns}
    return [_field(name, known.get(name), opened.entry) for name in shown]


def _field(name: str, column: GovernedColumn | None, entry: Entry | None) -> dict[str, Any]:
    if column is None:
        return {"id": name, "type": "int"}
    item = entry.item(name) if entry is not None else None
    info: dict[str, Any] = {"label": item.name if item is not None else name}
    notes = (item.description if item is not None else "") or column.comment
    if notes:
        info["notes"] = notes
    if column.masked:
        info["masked"] = True
    return {"id": name, "type": named(column.type), "info": info}


def named(kind: str) -> str:
    """Return the datastore's word for a type of column."""
    return TYPES.get(kind, "text")


def written(records: Sequence[Mapping[str, Any]], names: Sequence[str], form: str) -> Any:
    """Return rows in one of the forms of records."""
    if form == "objects":
        return records
    lists = [[record[name] for name in names] for record in records]
    if form == "lists":
        return lists
    text = io.StringIO()
    csv.writer(text, delimiter="," if form == "csv" else "\t", lineterminator="\n").writerows(
        [cell(value) for value in row] for row in lists
    )
    return text.getvalue()


def cell(value: Any) -> Any:
    """Return a value as it stands in a file of text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else value


def _echo(asked: Parameters, sift: Sift, form: str) -> dict[str, Any]:
    """Return what of the question the answer repeats, and where it goes on."""
    given = asked.all()
    here = {name: value for name, value in given.items() if name in {*rowquestions.SEARCH_WORDS}}
    repeated = {name: asked.json(name) for name in ("filters",) if name in asked}
    repeated |= {name: given[name] for name in ("q", "sort") if name in asked}
    return {
        "limit": sift.size,
        "offset": sift.start,
        "records_format": form,
        "include_total": asked.flag("include_total", default=True),
        **repeated,
        "_links": {
            "start": rowquestions.address("datastore_search", here, 0),
            "next": rowquestions.address("datastore_search", here, sift.start + sift.size),
        },
    }


def _next_page(sift: Sift, rows: pa.Table, *, more: bool) -> dict[str, Any] | None:
    """Return the filter by which a program goes on without counting rows; None where order or columns do not allow it."""
    by_number = not sift.distinct and sift.order in {(), (Sort(NUMBER),)}
    if not more or not by_number or NUMBER not in rows.schema.names or not rows.num_rows:
        return None
    return {NUMBER: {"gt": rows.column(NUMBER)[rows.num_rows - 1].as_py()}}
