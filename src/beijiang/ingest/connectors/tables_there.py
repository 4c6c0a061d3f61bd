"""What deliveries to databases share: the target table, the list of deliveries beside it, and the statements, made as trees."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import sqlalchemy as sa

from beijiang.ingest.connectors.contract import Connector, Feed, Wanted
from beijiang.ingest.connectors.destination import (
    GONE,
    Delivered,
    Destination,
    Parcel,
    Proof,
    overtaken,
    specs_of,
    unfit,
)
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import Invalid, NotFound, Text

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["STAGE", "TableDestination", "rejected"]

STAGE: Final = "beijiang_stage"
_LIST: Final = "beijiang_deliveries"
_NAME: Final = re.compile(r"[^\x00-\x1f.\"`\\]{1,60}")
_REJECTED: Final = ("22", "23", "42", "0A", "53", "55P")

Run = Callable[[sa.ClauseElement], Sequence[Sequence[Any]]]
"""Execute a statement in the delivery's transaction and return its rows."""


class TableDestination(Destination):
    """A table of a database, with the list of deliveries in the same place and in the same transaction."""

    holds_table: ClassVar[bool] = True
    upserts: ClassVar[bool] = False

    # What a database product does its own way

    @abstractmethod
    def source(self) -> Connector:
        """Return the connector that reads this place."""

    @abstractmethod
    def typed(self, spec: ColumnSpec, *, in_key: bool) -> sa.types.TypeEngine[Any]:
        """Return the type of a column that is made there."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Run]:
        """Open a conversation for a look."""

    def schema_of(self, target: str) -> tuple[str | None, str]:
        """Part a target into schema and table.

        Raises:
            Invalid: it is no name (``push_target``).

        """
        first, _, second = target.rpartition(".")
        if not _NAME.fullmatch(second) or (first and not _NAME.fullmatch(first)):
            raise Invalid(
                "请填写目标表名（如 shared.firms），不含引号和反斜杠。",
                "Name the target table, such as shared.firms, without quotes and backslashes.",
                code="push_target",
            )
        return first or None, second

    # The same everywhere

    def look(self, parcel: Parcel) -> Text:
        specs = specs_of(parcel.schema)
        found = self.found(parcel)
        if found is None:
            return Text(f"新建表 {parcel.target}。", f"The table {parcel.target} is made.")
        for spec in specs:
            self._check(spec, found)
        self.check_table(parcel)
        return Text(f"写入已有的表 {parcel.target}。", f"The table {parcel.target} that is there is written.")

    def check_table(self, parcel: Parcel) -> None:
        """Return if the table as a whole can take deliveries."""

    def found(self, parcel: Parcel) -> Feed | None:
        """Describe the target, if it is there."""
        schema, name = self.schema_of(parcel.target)
        try:
            return self.source().describe(f"{schema}.{name}" if schema else name)
        except NotFound:
            return None

    def held(self, parcel: Parcel) -> Delivered | None:
        with self.reading() as run:
            return self.noted(run, parcel)

    def noted(self, run: Run, parcel: Parcel) -> Delivered | None:
        """Return the delivery as the list there has it.

        Raises:
            Conflict: a later one is in the list.

        """
        listed = self.listing(parcel)
        rows = run(sa.select(listed.c.rows_written, listed.c.rows_gone).where(listed.c.delivery == parcel.id))
        if rows:
            return Delivered(rows=int(rows[0][0]), gone=int(rows[0][1]), repeated=True)
        last = run(sa.select(sa.func.max(listed.c.sequence)).where(listed.c.subscription == parcel.push))
        if last and last[0][0] is not None and int(last[0][0]) >= parcel.sequence:
            raise overtaken()
        return None

    def note(self, parcel: Parcel, rows: int, gone: int) -> sa.Insert:
        """Return the statement that lists a delivery."""
        facts = {
            "delivery": parcel.id,
            "subscription": parcel.push,
            "sequence": parcel.sequence,
            "table_name": parcel.table,
            "mode": "full" if parcel.whole else "changes",
            "version": parcel.version,
            "rows_written": rows,
            "rows_gone": gone,
            "at": parcel.at.isoformat(),
        }
        return sa.insert(self.listing(parcel)).values(**facts)

    def listing(self, parcel: Parcel) -> sa.Table:
        """Return the list of deliveries."""
        return sa.Table(
            _LIST,
            sa.MetaData(),
            sa.Column("delivery", sa.String(60), primary_key=True),
            sa.Column("subscription", sa.String(60), nullable=False),
            sa.Column("sequence", sa.BigInteger(), nullable=False),
            sa.Column("table_name", sa.String(200), nullable=False),
            sa.Column("mode", sa.String(20), nullable=False),
            sa.Column("version", sa.BigInteger(), nullable=False),
            sa.Column("rows_written", sa.BigInteger(), nullable=False),
            sa.Column("rows_gone", sa.BigInteger(), nullable=False),
            sa.Column("at", sa.String(40), nullable=False),
            schema=self.schema_of(parcel.target)[0],
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
        )

    def target(self, parcel: Parcel) -> sa.Table:
        """Return the table that is delivered to."""
        schema, name = self.schema_of(parcel.target)
        columns = [
            sa.Column(
                spec.name, self.typed(spec, in_key=spec.name in parcel.key), primary_key=spec.name in parcel.key,
                autoincrement=False,
            )
            for spec in specs_of(parcel.schema)
        ]  # fmt: skip
        return sa.Table(name, sa.MetaData(), *columns, schema=schema, mysql_engine="InnoDB", mysql_charset="utf8mb4")

    def stage(self, parcel: Parcel) -> sa.Table:
        """Return the table that takes the rows first, for this conversation only."""
        columns = [
            sa.Column(spec.name, self.typed(spec, in_key=spec.name in parcel.key)) for spec in specs_of(parcel.schema)
        ]
        flag: list[sa.Column[Any]] = [] if parcel.whole else [sa.Column(GONE, sa.Boolean())]
        return sa.Table(STAGE, sa.MetaData(), *columns, *flag, prefixes=["TEMPORARY"], mysql_charset="utf8mb4")

    def keys(self, parcel: Parcel) -> sa.Table:
        """Return the table that takes the keys of what changed, where the rows themselves go straight into the target."""
        columns = [
            sa.Column(spec.name, self.typed(spec, in_key=True))
            for spec in specs_of(parcel.schema)
            if spec.name in parcel.key
        ]
        return sa.Table(STAGE, sa.MetaData(), *columns, prefixes=["TEMPORARY"], mysql_charset="utf8mb4")

    def clearing(self, parcel: Parcel) -> sa.Delete:
        """Return the statement that takes out of the target every row whose key is staged."""
        target, keys = self.target(parcel), self.keys(parcel)
        return sa.delete(target).where(*(target.c[name] == keys.c[name] for name in parcel.key))

    def merge(self, parcel: Parcel, feed: Feed | None, *, watched: bool = False) -> list[sa.ClauseElement]:
        """Return the statements that bring what is staged into the target.

        Rows that changed are deleted and inserted, which is quickest; where triggers or other tables watch it, they are updated.
        """
        target, stage = self.target(parcel), self.stage(parcel)
        names = [*parcel.schema.names]
        chosen = sa.select(*(stage.c[name] for name in names))
        if parcel.whole:
            return [sa.delete(target), sa.insert(target).from_select(names, chosen)]
        flag, same = stage.c[GONE], [target.c[name] == stage.c[name] for name in parcel.key]
        chosen = chosen.where(sa.not_(flag))
        keyed = feed is None or set(feed.key) == set(parcel.key)
        upsert = self.upsert(parcel, target, chosen) if watched and keyed else None
        if upsert is not None:
            return [sa.delete(target).where(flag, *same), upsert]
        return [sa.delete(target).where(*same), sa.insert(target).from_select(names, chosen)]

    def upsert(self, parcel: Parcel, target: sa.Table, chosen: sa.Select[Any]) -> sa.ClauseElement | None:
        """Return the statement that inserts rows and changes those that are there; None where there is none."""
        del parcel, target, chosen
        return None

    def prove(self, parcel: Parcel, done: Delivered, whole: tuple[int, int] | None) -> Proof:
        feed = self.found(parcel)
        if feed is None or whole is None:
            return Proof(equal=None if feed else False, facts=done.facts)
        columns = tuple(c for c in map(feed.column, parcel.schema.names) if c is not None)
        exact = self._alike(parcel, feed)
        with self.source().open(Wanted(feed=replace(feed, columns=columns))) as look:
            prints = look.fingerprint() if exact else None
            rows = look.count() if prints is None else sum(t.rows for t in prints.tallies.values())
        checksum = None if prints is None else sum(t.checksum for t in prints.tallies.values())
        equal = rows == whole[0] and checksum in {None, whole[1]}
        sums = [None if checksum is None else str(checksum), str(whole[1])]
        return Proof(
            equal=equal,
            facts={**done.facts, "rows": rows, "rows_here": whole[0], "checksum": sums[0], "checksum_here": sums[1]},
        )

    def _check(self, spec: ColumnSpec, feed: Feed) -> None:
        there = feed.column(spec.name)
        if there is None:
            raise unfit(spec.name, spec.type.value, "-")
        digits = (spec.precision or 0) - (spec.scale or 0)
        wide = (there.spec.precision or 0) - (there.spec.scale or 0) >= digits
        fits = there.spec.type is spec.type and (
            spec.type is not ColumnType.DECIMAL or (wide and (there.spec.scale or 0) >= (spec.scale or 0))
        )
        if not fits:
            raise unfit(spec.name, spec.type.value, there.native)

    def _alike(self, parcel: Parcel, feed: Feed) -> bool:
        """Tell whether values are written alike at both sides, so that checksums can be compared."""
        pairs = [(spec, feed.column(spec.name)) for spec in specs_of(parcel.schema)]
        return all(there is not None and (there.spec.type, there.spec.scale) == (s.type, s.scale) for s, there in pairs)


def counted(goods: Iterator[pa.RecordBatch], totals: dict[str, int]) -> Iterator[pa.RecordBatch]:
    """Pass batches on and count rows and those that went."""
    import pyarrow.compute as pc

    for batch in goods:
        went = (pc.sum(batch.column(GONE)).as_py() or 0) if GONE in batch.schema.names else 0
        totals["gone"] = totals.get("gone", 0) + went
        totals["rows"] = totals.get("rows", 0) + batch.num_rows - went
        yield batch


def rejected(state: str) -> Invalid:
    """Say that the database did not take the rows."""
    return Invalid(
        f"目标数据库不接受这批数据（{state}），没有写入任何数据。请检查目标表的约束、类型和账号的写权限。",
        f"The target database does not take the rows ({state}); nothing was written. Check the constraints and types of the table, and that the account may write.",
        code="push_rejected",
        detail={"state": state},
    )


def is_rejection(state: str) -> bool:
    """Tell whether an SQL state says that trying again does not help."""
    return state.startswith(_REJECTED)
