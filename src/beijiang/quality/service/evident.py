"""Proposing rules from what stands in the columns: values that recur, shapes, usual bounds, keys of other tables, order.

Values come from the gate, for whoever asks; of columns that are masked for them nothing is proposed here. What is
proposed is counted on all rows before it is shown, so a sample that misleads costs a count and no more.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import BeijiangError, Text
from beijiang.quality.models import Kind, RuleDraft, Severity
from beijiang.quality.models.shapes import common_pattern
from beijiang.tables import Aggregate, DateUnit, Filter, FilterOp, GroupBy, Measure, MeasureFn

if TYPE_CHECKING:
    from beijiang.quality.service.running import Runner
    from beijiang.quality.service.waiting import Patience
    from beijiang.tables import GovernedColumn, GovernedTable, Measured

__all__ = ["ENOUGH_ROWS", "HOLDS", "Evident"]

ENOUGH_ROWS: Final = 20
HOLDS: Final = 0.95
"""What fewer of the rows have is no habit of the column."""
SAMPLE: Final = 2000
VALUES_MOST: Final = 30
"""A longer list is a code set, or none."""
CODES_MOST: Final = 1000
REPEATED: Final = 5
"""How often a value of a list stands there on average at least."""
KEYS_ASKED: Final = 60
"""How many values of a column are looked for in the keys of other tables before whole columns are."""
TABLES_MOST: Final = 100
MOMENTS_MOST: Final = 6
FENCE: Final = 3
"""Bounds lie so many spans of the middle half beyond it: Tukey's far fences, which single wild values do not move."""
_TOLD: Final = {"L1", "L2"}
"""Grades of columns whose values and bounds may stand in a rule, which more people read than the rows; none of persons."""
_NUMBERS: Final = {"integer", "decimal", "double"}
_MOMENTS: Final = {"date", "timestamp"}

Proposed = Iterable[tuple[RuleDraft, Text]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evident:
    """One table as its steward sees it, and what its columns show."""

    runner: Runner
    table: Measured
    governed: GovernedTable
    others: Sequence[str]
    """Tables whose keys may be looked into."""
    year: int
    """In which it is looked."""
    patience: Patience

    def candidates(self) -> Proposed:
        """Return rules that the data themselves suggest, for as many columns as are shown as they are.

        What cannot be read, or not in time, suggests nothing; the rest does.
        """
        if self.table.rows >= ENOUGH_ROWS:
            yield from self._tried(self._all())

    def _tried(self, proposed: Proposed) -> Proposed:
        """Return what is proposed until something fails, nothing where no time is left."""
        if self.patience.over():
            return
        try:
            yield from proposed
        except BeijiangError as error:
            self.patience.lost = self.patience.lost or error.reason == "query_timeout"
            log.info("a part of a table suggests nothing (%s)", error.reason)

    def _all(self) -> Proposed:
        types = {column.name: column.type for column in self.table.columns}
        columns = [one for one in self.governed.columns if not one.masked and one.name in types]
        page = self.governed.page(filters=self._now, limit=SAMPLE).rows
        seen = {one.name: [v for v in page.column(one.name).to_pylist() if v is not None] for one in columns}
        for one in columns:
            yield from self._tried(self._of(one, seen[one.name]))
        yield from _orders([one.name for one in columns if one.type in _MOMENTS][:MOMENTS_MOST])
        yield from self._references([one for one in columns if one.type in {"text", "integer"}], seen)

    def _of(self, column: GovernedColumn, values: Sequence[Any]) -> Proposed:
        told = column.grade in _TOLD and not column.personal
        if told and column.type in {"text", "integer"} and values and len(set(values)) * REPEATED <= len(values):
            yield from self._listed(column)
        elif column.type == "text" and len(values) >= ENOUGH_ROWS:
            yield from _shaped(column.name, [word for value in values if (word := str(value).strip())])
        if told and column.type in _NUMBERS and not _names(column.name):
            yield from self._numbers(column)
        elif told and column.type in _MOMENTS:
            yield from self._days(column)

    @property
    def _now(self) -> tuple[Filter, ...]:
        return (Filter("valid_to", FilterOp.ISNULL),) if self.table.history else ()

    def _listed(self, column: GovernedColumn) -> Proposed:
        """Propose the code set that holds nearly all values, or the list of those that recur."""
        filters = (*self._now, Filter(column.name, FilterOp.NOTNULL))
        spec = Aggregate(
            group=(GroupBy(column.name),), filters=filters, order=((1, True), (0, False)), limit=CODES_MOST
        )
        counts: dict[str, int] = {}
        for value, count in (row.values() for row in self.governed.aggregate(spec).to_pylist()):
            word = str(value).strip()
            if word:
                counts[word] = counts.get(word, 0) + count
        total = sum(counts.values())
        if not total or len(counts) >= CODES_MOST or len(counts) * REPEATED > total:
            return
        codes = self._code_set(counts, total)
        if codes is not None:
            name, agree = codes
            found = self.runner.standards.code_set(name)
            why = Text(
                f"{total:,} 个值中 {agree:,} 个是{found.name.zh}（{found.standard}）的代码",
                f"{agree:,} of {total:,} values are codes of {found.name.en} ({found.standard})",
            )
            yield RuleDraft(kind=Kind.CODE_SET, columns=(column.name,), params={"code_set": name}), why
            return
        usual = [word for word, count in counts.items() if count > 1 and count >= total * 0.001]
        agree = sum(counts[word] for word in usual)
        if column.type == "text" and 1 < len(usual) <= VALUES_MOST and agree >= HOLDS * total:
            why = Text(
                f"{total:,} 个值中 {agree:,} 个是这 {len(usual)} 种",
                f"{agree:,} of {total:,} values are one of {len(usual)}",
            )
            values = json.dumps(usual, ensure_ascii=False)
            yield RuleDraft(kind=Kind.VALUES, columns=(column.name,), params={"values": values}), why

    def _code_set(self, counts: Mapping[str, int], total: int) -> tuple[str, int] | None:
        """Return the smallest code set that holds nearly all values, with how many.

        Two values or more must be of it, and codes of one digit fit too many sets to say which is meant.
        """
        found: list[tuple[int, str, int]] = []
        for one in self.runner.standards.code_sets():
            codes = {value.code for value in one.values}
            agree = sum(count for word, count in counts.items() if word in codes)
            known = sum(word in codes for word in counts)
            if agree >= HOLDS * total and known > 1 and any(len(word) > 1 for word in counts if word in codes):
                found.append((len(codes), one.id, agree))
        return min(found)[1:] if found else None

    def _numbers(self, column: GovernedColumn) -> Proposed:
        """Propose far fences about the middle half of numbers, none beyond zero where hardly one is below it."""
        middle = self._median(column.name)
        if middle is None:
            return
        low, high = self._median(column.name, FilterOp.LTE, middle), self._median(column.name, FilterOp.GTE, middle)
        if low is None or high is None or high <= low:
            return
        span = FENCE * (high - low)
        least, most = _rounded(low - span, up=False), _rounded(high + span, up=True)
        if least < 0 <= low and not self._below_zero(column.name):
            least = 0.0
        why = Text(
            f"中间一半的值在 {low:g} 至 {high:g} 之间，上下各放宽 {FENCE} 倍",
            f"the middle half lies between {low:g} and {high:g}; {FENCE} times that on either side",
        )
        params = {"low": _number(least), "high": _number(most)}
        yield RuleDraft(kind=Kind.RANGE, columns=(column.name,), params=params, severity=Severity.MINOR), why

    def _median(self, name: str, op: FilterOp | None = None, bound: float | None = None) -> float | None:
        about = () if op is None else (Filter(name, op, bound),)
        spec = Aggregate(measures=(Measure(MeasureFn.MEDIAN, name),), filters=(*self._now, *about))
        value = next(iter(self.governed.aggregate(spec).to_pylist()[0].values()))
        # Where many values are not a number, the middle of them is none either.
        return None if value is None or not math.isfinite(value) else float(value)

    def _below_zero(self, name: str) -> bool:
        below = self.governed.count((*self._now, Filter(name, FilterOp.LT, 0)))
        return below > (1 - HOLDS) * self.table.rows

    def _days(self, column: GovernedColumn) -> Proposed:
        """Propose the first of the years in which the days lie, all but one in a hundred at either end."""
        filters = (*self._now, Filter(column.name, FilterOp.NOTNULL))
        spec = Aggregate(group=(GroupBy(column.name, DateUnit.YEAR),), filters=filters, order=((0, False),))
        years = [
            (_day(row[0]), row[1]) for row in (tuple(r.values()) for r in self.governed.aggregate(spec).to_pylist())
        ]
        total = sum(count for _, count in years)
        if total < ENOUGH_ROWS:
            return
        first, last = _year_at(years, total * 0.01), _year_at(years, total * 0.99)
        wide = max(last - first, 1)
        params = {"low": date(max(first - wide, 1), 1, 1).isoformat()}
        if last < self.year - 1:
            # Where days still come in, tomorrow's are none too late.
            params["high"] = date(min(last + wide, 9999), 12, 31).isoformat()
        why = Text(f"98% 的日期在 {first} 至 {last} 年", f"98 % of the days lie in {first} to {last}")
        yield RuleDraft(kind=Kind.RANGE, columns=(column.name,), params=params, severity=Severity.MINOR), why

    def _references(self, columns: Sequence[GovernedColumn], seen: Mapping[str, Sequence[Any]]) -> Proposed:
        """Propose keys of other tables that hold nearly all of some values; whole columns are counted afterwards."""
        asked: dict[str, list[str]] = {}
        for one in columns:
            words = list(dict.fromkeys(str(value).strip() for value in seen[one.name]))[:KEYS_ASKED]
            if len(words) > 1:
                asked[one.name] = words
        if not asked:
            return
        types = {one.name: one.type for one in columns}
        for name in self.others[:TABLES_MOST]:
            yield from self._tried(self._keys_of(name, asked, types))

    def _keys_of(self, name: str, asked: Mapping[str, Sequence[str]], types: Mapping[str, str]) -> Proposed:
        """Return the columns whose values are nearly all keys of another table."""
        other = self.runner.version(name)
        kinds = {column.name: column.type for column in other.columns}
        keys = [key for key in other.key if not (other.history and key == "valid_from")]
        if len(keys) != 1 or not other.rows or keys[0] not in kinds:
            return
        key = keys[0]
        # Small whole numbers are in every key that counts from one; only the name tells that a key is meant.
        mine = [c for c in asked if types[c] == kinds[key] and (types[c] == "text" or c == key)]
        if not mine:
            return
        query = _contained(name, key, [asked[c] for c in mine])
        found = self.runner.measures.count(query, {name: other.version}, self.patience.left())
        for n, column in enumerate(mine):
            held, of = found[f"c{n}"], len(asked[column])
            if held >= HOLDS * of:
                why = Text(
                    f"抽看的 {of} 个值有 {held} 个在“{name}”的键“{key}”里",
                    f"{held} of {of} values looked at are keys ({key}) of {name}",
                )
                params = {"table": name, "key": key}
                yield RuleDraft(kind=Kind.REFERENCE, columns=(column,), params=params), why


def _contained(table: str, key: str, words: Sequence[Sequence[str]]) -> exp.Select:
    """Return one row: how many of each list of words are keys of a table."""
    value = exp.Trim(this=exp.cast(exp.column(exp.to_identifier(key, quoted=True)), "VARCHAR", dialect="duckdb"))
    shown = []
    for n, some in enumerate(words):
        inside = exp.In(this=value.copy(), expressions=[exp.Literal.string(word) for word in some])
        one = exp.Case().when(inside, value.copy())
        shown.append(exp.alias_(exp.Count(this=exp.Distinct(expressions=[one])), f"c{n}"))
    return exp.select(*shown).from_(exp.table_(exp.to_identifier(table, quoted=True), db=LAKE))


def _shaped(name: str, values: Sequence[str]) -> Proposed:
    pattern = common_pattern(values, HOLDS)
    if pattern is not None:
        why = Text(
            f"抽看的 {len(values):,} 个值大多是这种样式", f"most of {len(values):,} values looked at have this shape"
        )
        yield RuleDraft(kind=Kind.FORMAT, columns=(name,), params={"pattern": pattern}), why


def _orders(names: Sequence[str]) -> Proposed:
    """Propose both orders of each two columns of days; counting tells which of them holds, if one does."""
    for first, last in permutations(names, 2):
        yield RuleDraft(kind=Kind.ORDER, columns=(first, last)), Text("实测的先后", "the order that the rows show")


def _names(column: str) -> bool:
    """Tell whether a number is a name: bounds say nothing of it."""
    return column.endswith(("编号", "编码", "代码", "号码", "序号", "id", "ID"))


def _day(value: Any) -> int:
    return value if isinstance(value, int) else value.year


def _year_at(years: Sequence[tuple[int, int]], place: float) -> int:
    before = 0
    for year, count in years:
        before += count
        if before >= place:
            return year
    return years[-1][0]


def _rounded(value: float, *, up: bool) -> float:
    """Return a bound with two digits that count, away from the middle."""
    if not value:
        return 0.0
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - 1)
    whole = exact // step
    if whole * step != exact:
        whole += (exact > 0) if up else -(exact < 0)
    return float(whole * step)


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
