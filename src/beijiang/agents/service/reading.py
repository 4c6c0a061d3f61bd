"""Reading: columns, rows, summaries and SQL, all through the gate."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from beijiang.agents.models import answers, clean, fit
from beijiang.agents.service.base import Base
from beijiang.kit import Invalid
from beijiang.protection import QueryClass, files, rowquery
from beijiang.tables import Aggregate, Filter, FilterOp, GroupBy, Measure, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from beijiang.agents.models import FilterAsked, arguments
    from beijiang.agents.service.base import Opened
    from beijiang.kit import Actor

__all__ = ["Reading"]

SAMPLE: Final = 5
GROUPS: Final = 5000
COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}
LISTS: Final = frozenset({FilterOp.IN_, FilterOp.NOTIN})
NOTHING: Final = frozenset({FilterOp.ISNULL, FilterOp.NOTNULL})


class Reading(Base):
    """What stands in the tables."""

    def describe_table(self, actor: Actor, asked: arguments.TableAsked) -> answers.TableTold:
        """Return the columns that the actor may read, how many rows there are, and a few of them."""
        opened = self.opened(actor, asked.table_id)
        governed = opened.governed
        found = answers.TableTold(
            table_id=asked.table_id,
            row_count=governed.count(),
            columns=[
                answers.ColumnTold(
                    name=one.name,
                    type=one.type,
                    title=clean(one.comment),
                    level=one.grade,
                    masked=one.masked,
                    mask=one.mask,
                )
                for one in governed.columns
            ],
            sample=[],
            citation=self.cite(opened, "describe_table", asked),
        )
        wanted = found.columns
        found.columns = []
        found.columns = wanted[: fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in wanted])]
        rows = self._records(governed.page(limit=SAMPLE).rows)
        found.sample = rows[: fit(found.model_dump(mode="json"), rows)]
        found.truncated = len(found.columns) < len(wanted) or len(found.sample) < len(rows)
        self.noted(actor, "describe_table", asked, rows=len(found.sample), receipt=governed.receipt)
        return found

    def query_rows(self, actor: Actor, asked: arguments.RowsAsked) -> answers.Rows:
        """Return one page of rows; a page that is too large for an answer is cut, and its cursor goes on from there."""
        opened = self.opened(actor, asked.table_id)
        governed = opened.governed
        names = self._names(opened, asked.columns)
        terms: dict[str, Any] = {
            "filters": _filters(asked.filters),
            "sort": None if asked.sort is None else Sort(asked.sort.column, descending=asked.sort.descending),
            "after": asked.cursor or None,
        }
        page = governed.page(**terms, limit=asked.limit)
        rows = self._records(page.rows.select(names))
        found = answers.Rows(rows=[], citation=self.cite(opened, "query_rows", asked), next_cursor="x" * 1000)
        count = fit(found.model_dump(mode="json"), rows)
        if not count and rows:
            raise Invalid(
                "一行就超过了回答的上限，请少选几列。",
                "One row is larger than an answer may be; choose fewer columns.",
                code="too_wide",
            )
        if count < len(rows):
            page = governed.page(**terms, limit=count)
        found.rows, found.next_cursor, found.truncated = rows[:count], page.next, count < len(rows)
        if not rows:
            found.reason = answers.Reason.FILTERED_TO_ZERO if asked.filters else answers.Reason.NOT_LOADED
            found.notes = ["No row meets the filters; they act on masked values."] if asked.filters else []
        self.noted(actor, "query_rows", asked, rows=count, version=governed.version, receipt=governed.receipt)
        return found

    def aggregate(self, actor: Actor, asked: arguments.AggregateAsked) -> answers.Groups:
        """Return a grouped summary."""
        opened = self.opened(actor, asked.table_id)
        width = len(asked.group_by) + len(asked.measures)
        if any(one.position >= width for one in asked.sort) or any(
            one.measure >= len(asked.measures) for one in asked.having
        ):
            raise Invalid(
                "sort 或 having 的位置超出结果的列。",
                "sort or having names no column of the result.",
                code="bad_position",
            )
        spec = Aggregate(
            group=tuple(GroupBy(one.column, one.unit) for one in asked.group_by),
            measures=tuple(Measure(one.fn, one.column) for one in asked.measures),
            filters=_filters(asked.filters),
            order=tuple((one.position, one.descending) for one in asked.sort),
            limit=GROUPS if asked.having else asked.limit,
        )
        table = opened.governed.aggregate(spec)
        lines = self._lines(table)
        first = len(asked.group_by)
        kept = [
            line for line in lines if all(_meets(line[first + one.measure], one.op, one.value) for one in asked.having)
        ]
        found = answers.Groups(
            columns=clean(table.column_names), rows=[], citation=self.cite(opened, "aggregate", asked)
        )
        count = min(asked.limit, fit(found.model_dump(mode="json"), kept))
        found.rows, found.truncated = kept[:count], count < len(kept) or len(lines) >= spec.limit
        if not kept:
            found.reason = answers.Reason.FILTERED_TO_ZERO
        self.noted(
            actor, "aggregate", asked, rows=count, version=opened.governed.version, receipt=opened.governed.receipt
        )
        return found

    def run_sql(self, actor: Actor, asked: arguments.SqlAsked, query_id: str = "") -> answers.SqlRows:
        """Run one SELECT through the SQL gateway."""
        result = self.platform.workbench.run(actor, asked.sql, door=QueryClass.API, query_id=query_id)
        found = answers.SqlRows(
            columns=clean(result.columns),
            rows=[],
            grade=result.grade,
            receipt=result.receipt,
            masked_columns=[one.name for one in result.shown if one.masked],
            in_doubt=[*result.in_doubt],
            tables_used=list(result.tables),
        )
        wanted = self._lines(result.rows.slice(0, asked.limit))
        count = fit(found.model_dump(mode="json"), wanted)
        found.rows = wanted[:count]
        found.truncated = result.truncated or count < result.rows.num_rows
        if not result.rows.num_rows:
            found.reason = answers.Reason.FILTERED_TO_ZERO
        self.noted(actor, "run_sql", asked, rows=count, receipt=result.receipt)
        return found

    def stop_sql(self, actor: Actor, query_id: str) -> bool:
        """Stop the query of a caller who left."""
        return self.platform.sql.stop(actor, query_id)

    def _names(self, opened: Opened, wanted: Sequence[str]) -> list[str]:
        known = {one.name: one.type for one in opened.governed.columns}
        for name in wanted:
            if name not in known:
                raise rowquery.unknown_column(name, known)
        return list(dict.fromkeys(wanted)) or list(known)

    def _records(self, rows: pa.Table) -> list[dict[str, Any]]:
        return [
            {name: clean(_plain(value)) for name, value in record.items()} for record in files.records(rows, self.zone)
        ]

    def _lines(self, table: pa.Table) -> list[list[Any]]:
        """Return rows as lists; a query may give two columns the same name."""
        named = table.rename_columns([str(number) for number in range(table.num_columns)])
        return [list(record.values()) for record in self._records(named)]


def _plain(value: Any) -> Any:
    return files.plain(value) if isinstance(value, Decimal) else value


def _meets(value: Any, op: str, wanted: float) -> bool:
    try:
        return COMPARED[op](float(value), wanted)
    except (TypeError, ValueError):
        return False


def _filters(asked: Sequence[FilterAsked]) -> tuple[Filter, ...]:
    return tuple(_filter(one) for one in asked)


def _filter(asked: FilterAsked) -> Filter:
    if asked.op in NOTHING:
        return Filter(asked.column, asked.op)
    if asked.op in LISTS:
        values = asked.value if isinstance(asked.value, list) else [] if asked.value is None else [asked.value]
        return Filter(asked.column, asked.op, tuple(_word(one) for one in values))
    if asked.value is None or isinstance(asked.value, list):
        raise Invalid(
            f"条件 {asked.op.value} 需要一个值。", f"The condition {asked.op.value} takes one value.", code="bad_filter"
        )
    return Filter(asked.column, asked.op, _word(asked.value))


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
