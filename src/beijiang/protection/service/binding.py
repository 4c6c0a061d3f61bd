"""Walls 2 and 3 of the SQL gateway: every table that a query names becomes what this reader sees of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import NotFound
from beijiang.protection.models.governing import QueryOrder
from beijiang.protection.models.standing import Asked
from beijiang.protection.models.walls import governed_tables, parse, place_of, refusal, timeless

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.engine import Scan
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.governing import Listed
    from beijiang.protection.models.parameters import Spoken
    from beijiang.protection.models.results import QueryLineage
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.relation import Governed
    from beijiang.tables import Exit, GovernedColumn

__all__ = ["PLACES_LIMIT", "TABLES_LIMIT", "Binder", "Bound", "LineageOf", "named", "put", "put_lists"]

TABLES_LIMIT: Final = 20
PLACES_LIMIT: Final = 50
"""How often tables may be named in one query, each time with all its masks: a long tree costs this process, not the child."""

NOTHING_MORE: Final = QueryOrder()

LineageOf = Callable[[exp.Expr, Mapping[str, Sequence[str]]], "QueryLineage"]
"""Reads from a query, and the columns of its tables, where its columns come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A query over governed relations, the accesses that were recorded for it, and what the person wrote."""

    tree: exp.Query
    scans: Mapping[str, Scan]
    reads: tuple[Governed, ...]
    receipt: str
    written: exp.Query
    """The person's own tree, with each table under its stored name."""
    timeless: bool

    @property
    def columns(self) -> Mapping[str, Sequence[GovernedColumn]]:
        """Return the columns that the reader sees, by table."""
        return {governed.table: governed.columns for governed in self.reads}

    @property
    def key(self) -> str:
        """Name everything that the answer depends on: SQL as it will run, files, obligations (security.md 3.5)."""
        parts = [self.tree.sql("duckdb")]
        for (name, scan), governed in zip(self.scans.items(), self.reads, strict=True):
            parts += [name, governed.obligations, str(scan.schema), *scan.files]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Binder:
    """Read queries and bind them."""

    def __init__(self, gate: Gate, access: Access, evidence: Evidence) -> None:
        self._gate = gate
        self._access = access
        self._evidence = evidence

    def spelled(
        self, tree: exp.Query, text: str, names: Callable[[str], str] | None = None
    ) -> tuple[list[exp.Table], Mapping[str, str]]:
        """Return the places where a query names tables, and the stored name of each spelling."""
        places = governed_tables(tree)
        if len(places) > PLACES_LIMIT:
            raise refusal(text, place_of(places[PLACES_LIMIT]))
        find = names or self._gate.find
        return places, {name: find(name) for name in dict.fromkeys(place.name for place in places)}

    def bind(
        self,
        actor: Actor,
        text: str,
        purpose: str,
        way_out: Exit,
        spoken: Spoken | None = None,
        *,
        sketch: bool = False,
        order: QueryOrder = NOTHING_MORE,
    ) -> Bound:
        """Open every table that a query names and put its masked relation in the place of its name.

        A ``sketch`` tells what an answer would look like: nothing is counted or recorded, and no row may be read with it.

        Raises:
            Refused: the text is not allowed, or names a table that is unknown or hidden, which look the same.

        """
        tree = parse(text) if spoken is None else parse(text, spoken.literals, spoken.belongs)
        detail: dict[str, JsonValue] = {"sql_sha256": hashlib.sha256(text.encode()).hexdigest()}
        put_lists(tree, order.listed)
        places, stored = self.spelled(tree, text, order.names)
        opened: dict[str, tuple[str, Governed]] = {}
        for place in places:
            name = stored[place.name]
            if name in opened:
                continue
            if len(opened) >= TABLES_LIMIT:
                raise refusal(text, place_of(place))
            with suppress(NotFound):
                if sketch:
                    governed = self._gate.sketch(actor, name, purpose, way_out, order.own.get(name))
                else:
                    asked = Asked(table=name, exit=way_out, purpose=purpose, own=order.own.get(name))
                    governed = self._gate.admit_asked(actor, asked, detail)
                opened[name] = f"t{len(opened)}", governed
            if name not in opened:
                raise refusal(text, place_of(place))
        written = named(tree, stored)
        scans: dict[str, Scan] = {}
        queries: dict[str, exp.Query] = {}
        for name, (physical, governed) in opened.items():
            queries[name], scans[physical] = governed.governed_query(physical)
        for place in places:
            _substitute(place, queries[stored[place.name]].copy())
        reads = tuple(governed for _, governed in opened.values())
        receipt = "" if sketch else reads[0].receipt if reads else self._constant(actor, purpose, way_out, detail)
        return Bound(tree=tree, scans=scans, reads=reads, receipt=receipt, written=written, timeless=timeless(written))

    def close(self, bound: Bound, rows: int, size: int) -> None:
        """Record what was handed over."""
        for receipt in dict.fromkeys([bound.receipt, *(governed.receipt for governed in bound.reads)]):
            self._evidence.close_read(receipt, rows, size)

    def sent(self, bound: Bound, request: str, response: str, size: int) -> None:
        """Add to every receipt of an answer the digests of what was asked and of what was sent."""
        said = {"request": hashlib.sha256(request.encode()).hexdigest(), "response": response}
        for receipt in dict.fromkeys([bound.receipt, *(governed.receipt for governed in bound.reads)]):
            self._evidence.note_sent(receipt, said, size)

    def _constant(self, actor: Actor, purpose: str, way_out: Exit, detail: Mapping[str, JsonValue]) -> str:
        return self._evidence.record_read(
            actor,
            exit=str(way_out),
            target="",
            version=None,
            policy=self._access.policy,
            columns=(),
            rows=None,
            grade="L1",
            purpose=purpose,
            detail=detail,
        )


def named(tree: exp.Query, stored: Mapping[str, str]) -> exp.Query:
    """Return a copy of a tree in which its governed tables go by their stored names and keep their aliases."""
    copied = tree.copy()
    for place in governed_tables(copied):
        if stored[place.name] != place.name and not place.alias:
            place.set("alias", exp.TableAlias(this=exp.to_identifier(place.name, quoted=True)))
        place.set("this", exp.to_identifier(stored[place.name], quoted=True))
    return copied


def put_lists(tree: exp.Query, listed: Mapping[str, Listed]) -> None:
    """Put the rows of a list in each place where the query names it as a table."""
    for place in governed_tables(tree) if listed else ():
        found = listed.get(place.name)
        if found is None:
            continue
        rows = [exp.Tuple(expressions=[exp.convert(value) for value in row]) for row in found.rows]
        nothing = exp.Tuple(expressions=[exp.null() for _ in found.columns])
        names = exp.TableAlias(
            this=exp.to_identifier("listed", quoted=True),
            columns=[exp.to_identifier(name, quoted=True) for name in found.columns],
        )
        query = exp.select("*", copy=False).from_(exp.Values(expressions=rows or [nothing], alias=names), copy=False)
        put(place, query if rows else query.where(exp.false(), copy=False))


def _substitute(place: exp.Table, query: exp.Query) -> None:
    """Put the masked relation where a table's name stood; alias and joins stay with it."""
    for table in query.find_all(exp.Table):
        if table.db != LAKE:
            raise refusal()
    put(place, query)


def put(place: exp.Table, query: exp.Query) -> None:
    """Put a query in the place of a table; alias and joins stay with it."""
    alias = place.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
    relation = exp.Subquery(this=query, alias=alias)
    joins = place.args.get("joins")
    if joins:
        relation.set("joins", joins)
    place.replace(relation)
