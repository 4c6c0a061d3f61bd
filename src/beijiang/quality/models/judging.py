"""What each kind of rule says of one row, or of the table as a whole, as expressions of the query tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, full_match
from beijiang.engine.port import LAKE
from beijiang.kit import Invalid
from beijiang.quality.models.grammar import ROWS, cell, condition, iso_day, unknown_column
from beijiang.quality.models.rules import Kind, RuleDraft, dirty_values

if TYPE_CHECKING:
    from beijiang.tables import Measured

__all__ = ["BASE", "Facts", "Joined", "Judged", "judged"]

BASE: Final = "base"
"""Under this name, with ``ROWS`` as alias, stand the rows of the judged table."""
_UNITS: Final = {"day", "month", "year"}
_DIGITS: Final = 30


@dataclass(frozen=True, slots=True)
class Joined:
    """One other table, by its key, beside each row; ``name`` is its alias."""

    name: str
    query: exp.Query
    on: exp.Expr
    table: str


@dataclass(frozen=True, slots=True)
class Judged:
    """How B and what fails are counted: by row, or by one number for the whole table."""

    assessed: exp.Expr | None = None
    """Whether a row counts; None: each does."""
    failed: exp.Expr | None = None
    """Whether a row that counts fails."""
    joined: Joined | None = None
    counted: tuple[exp.Expr, exp.Expr] | None = None
    """Instead: B, and how much of it fails, as two numbers of the one row of the measure."""
    places: exp.Query | None = None
    """With ``counted``: the keys of failing groups, to be joined for their rows; none where no row is to blame."""
    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule is compiled for: a version, what other tables and standards say, and the moment."""

    table: Measured
    types: Mapping[str, str]
    now: datetime
    codes: Callable[[str], Sequence[str]]
    """The codes of a code set."""
    element: Callable[[str], tuple[str, int | None, str | None]]
    """Type letter, greatest length and check algorithm of a data element."""
    columns_of: Callable[[str], Mapping[str, str]]
    """The columns of another table, with their types."""


def judged(rule: RuleDraft, facts: Facts) -> Judged:
    """Compile a rule for a version of its table.

    Raises:
        Invalid: a column or table is not there, or a parameter does not fit.
        NotFound: no such code set, data element or table.

    """
    for name in rule.columns:
        if name not in facts.types:
            raise unknown_column(name, facts.types)
    found = _KINDS[rule.kind](rule, facts)
    if not rule.where or found.counted is not None:
        return found
    where = condition(rule.where, facts.types, facts.now.date())
    assessed = where if found.assessed is None else exp.and_(where, found.assessed, copy=False)
    return Judged(assessed, found.failed, found.joined)


# Values


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value, expression=exp.null())


def _filled(name: str, facts: Facts) -> exp.Expr:
    """Test whether a cell carries a value: blanks are none."""
    if facts.types[name] != "text":
        return exp.Not(this=_is_null(cell(name)))
    return exp.NEQ(this=cell(name, "text"), expression=exp.Literal.string(""))


def _all_filled(names: Sequence[str], facts: Facts) -> exp.Expr:
    return exp.and_(*(_filled(name, facts) for name in names), copy=False)


def _not(test: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.paren(test, copy=False))


def _fails(test: exp.Expr) -> exp.Expr:
    """A test that comes to NULL has failed."""
    return _not(exp.Coalesce(this=test, expressions=[exp.false()]))


def _param(rule: RuleDraft, name: str) -> str:
    value = rule.params.get(name)
    return "" if value is None else str(value).strip()


def _whole(rule: RuleDraft, name: str) -> int | None:
    words = _param(rule, name)
    if not words:
        return None
    try:
        number = int(words)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 53:
        raise Invalid(
            f"参数 {name} 应为非负整数。", f"Parameter {name} is a whole number from 0.", code="rule_parameter"
        )
    return number


def _limit(words: str, kind: str, name: str) -> exp.Expr:
    """Return a limit as a literal of the column's type; text is compared as a number."""
    try:
        if kind == "date":
            return exp.cast(exp.Literal.string(date.fromisoformat(words).isoformat()), "DATE")
        if kind == "timestamp":
            moment = datetime.fromisoformat(words)
            return exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), "TIMESTAMPTZ", dialect="duckdb")
        number = Decimal(words)
        fits = number.is_finite() and abs(number.adjusted()) < _DIGITS
    except (ValueError, InvalidOperation):
        fits = False
    if not fits:
        raise Invalid(
            f"参数 {name} 的值“{words[:40]}”与列的类型不符：日期写 2024-03-01，数字写 12.5。",
            f'Parameter {name}: "{words[:40]}" does not fit the column; write dates as 2024-03-01, numbers as 12.5.',
            code="rule_parameter",
        )
    size = exp.Literal.number(f"{abs(number):f}")
    return size if number >= 0 else exp.Neg(this=size)


def _comparable(name: str, facts: Facts) -> exp.Expr:
    """Return a cell that can be compared with numbers; text that is none is NULL."""
    if facts.types[name] == "text":
        return exp.TryCast(this=cell(name, "text"), to=exp.DataType.build("DOUBLE"))
    return cell(name)


def _moment(name: str, facts: Facts) -> exp.Expr:
    """Return a cell as a day or moment; text is read as an ISO day, and what is none is NULL."""
    if facts.types[name] == "text":
        return iso_day(cell(name, "text"))
    if facts.types[name] not in {"date", "timestamp"}:
        raise Invalid(
            f"列“{name}”不是日期或时间。", f'Column "{name}" holds no dates or moments.', code="rule_parameter"
        )
    return cell(name)


# Kinds that judge rows


def _not_null(rule: RuleDraft, facts: Facts) -> Judged:
    return Judged(None, _fails(_all_filled(rule.columns, facts)))


def _check(rule: RuleDraft, facts: Facts) -> Judged:
    algorithm = CHECKSUMS.get(_param(rule, "algorithm"))
    if algorithm is None:
        known = ", ".join(CHECKSUMS)
        raise Invalid(
            f"没有这种校验算法。可用：{known}。", f"No such algorithm. Known: {known}.", code="rule_parameter"
        )
    name = rule.columns[0]
    return Judged(_filled(name, facts), _fails(algorithm(lambda part: cell(name, part))))


def _code_set(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    codes = [exp.Literal.string(code) for code in facts.codes(_param(rule, "code_set"))]
    return Judged(_filled(name, facts), _not(exp.In(this=cell(name, "text"), expressions=codes)))


def _dirty(rule: RuleDraft, facts: Facts) -> Judged:
    whole, patterns = dirty_values()
    tests: list[exp.Expr] = []
    for name in rule.columns:
        value = cell(name, "text")
        words = [exp.Literal.string(word) for word in whole]
        tests.append(exp.In(this=exp.Lower(this=value.copy()), expressions=words))
        tests.append(exp.RegexpLike(this=value, expression=exp.Literal.string("|".join(f"(?:{p})" for p in patterns))))
    filled = exp.or_(*(_filled(name, facts) for name in rule.columns), copy=False)
    return Judged(filled, exp.paren(exp.or_(*tests, copy=False), copy=False))


def _format(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    pattern, low, high = _param(rule, "pattern"), _whole(rule, "shortest"), _whole(rule, "longest")
    tests: list[exp.Expr] = []
    if pattern:
        tests.append(full_match(cell(name, "text"), _checked_pattern(pattern)))
    length = exp.Length(this=cell(name, "text"))
    if low is not None:
        tests.append(exp.GTE(this=length, expression=_number(low)))
    if high is not None:
        tests.append(exp.LTE(this=length.copy(), expression=_number(high)))
    if not tests:
        raise Invalid(
            "请给出正则表达式，或最短、最长字数。",
            "Give a pattern, or a least or greatest length.",
            code="rule_parameter",
        )
    return Judged(_filled(name, facts), _fails(exp.and_(*tests, copy=False)))


def _checked_pattern(pattern: str) -> str:
    """Return a pattern that the engine can read; its kind needs time in proportion to the text, whatever is asked."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowException:
        raise Invalid(
            "正则表达式无法识别（不支持环视与反向引用）。",
            "The pattern cannot be read (look-around and back-references are not supported).",
            code="rule_parameter",
        ) from None
    return pattern


def _range(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    kind = facts.types[name]
    tests: list[exp.Expr] = []
    for param, test in (("low", exp.GTE), ("high", exp.LTE)):
        words = _param(rule, param)
        if words:
            tests.append(test(this=_comparable(name, facts), expression=_limit(words, kind, param)))
    if not tests:
        raise Invalid("请给出最小值或最大值。", "Give a least or a greatest value.", code="rule_parameter")
    return Judged(_filled(name, facts), _fails(exp.and_(*tests, copy=False)))


def _order(rule: RuleDraft, facts: Facts) -> Judged:
    moments = [_moment(name, facts) for name in rule.columns]
    tests = [exp.LTE(this=a.copy(), expression=b.copy()) for a, b in pairwise(moments)]
    known = exp.and_(*(exp.Not(this=_is_null(m.copy())) for m in moments), copy=False)
    return Judged(known, _not(exp.and_(*tests, copy=False)))


def _expression(rule: RuleDraft, facts: Facts) -> Judged:
    holds = condition(_param(rule, "expression"), facts.types, facts.now.date())
    return Judged(exp.Not(this=_is_null(holds)), _not(holds.copy()))


def _validity(rule: RuleDraft, facts: Facts) -> Judged:
    today = exp.cast(exp.Literal.string(facts.now.date().isoformat()), "DATE")
    last = rule.columns[-1]
    ends = _moment(last, facts)
    tests: list[exp.Expr] = [exp.or_(_is_null(ends.copy()), exp.GTE(this=ends.copy(), expression=today), copy=False)]
    if len(rule.columns) > 1:
        begins = _moment(rule.columns[0], facts)
        tests.append(exp.LTE(this=begins, expression=today.copy()))
    return Judged(None, _fails(exp.and_(*tests, copy=False)))


def _element(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    letter, longest, algorithm = facts.element(_param(rule, "element"))
    value = cell(name, "text")
    tests: list[exp.Expr] = []
    if longest is not None and letter in {"C", "M"}:
        tests.append(exp.LTE(this=exp.Length(this=value.copy()), expression=_number(longest)))
    if algorithm in CHECKSUMS:
        tests.append(CHECKSUMS[algorithm](lambda part: cell(name, part)))
    wanted = {"D": "DATE", "T": "TIMESTAMP", "N": "DOUBLE", "Y": "DOUBLE", "B": "DOUBLE", "F": "DOUBLE", "I": "BIGINT"}
    if letter in wanted and facts.types[name] == "text":
        kind = exp.DataType.build(wanted[letter])
        read = iso_day(_dashed(value)) if letter == "D" else exp.TryCast(this=value.copy(), to=kind)
        tests.append(exp.Not(this=_is_null(read)))
    if not tests:
        tests.append(exp.true())
    return Judged(_filled(name, facts), _fails(exp.and_(*tests, copy=False)))


def _dashed(value: exp.Expr) -> exp.Expr:
    """Return a day of eight digits with dashes, anything else as it is."""
    parts: list[exp.Expr] = []
    for start, length in ((1, 4), (5, 2), (7, 2)):
        if parts:
            parts.append(exp.Literal.string("-"))
        parts.append(exp.Substring(this=value.copy(), start=_number(start), length=_number(length)))
    dashed = exp.Concat(expressions=parts, safe=True)
    return exp.Case().when(full_match(value, "[0-9]{8}"), dashed).else_(value.copy())


# Kinds that look at another table


def _joined(rule: RuleDraft, facts: Facts, own: str, columns: Mapping[str, exp.Expr]) -> Joined:
    other, key = _param(rule, "table"), _param(rule, "key")
    known = facts.columns_of(other)
    for name in [key, *([_param(rule, "value")] if "value" in columns else [])]:
        if name not in known:
            raise unknown_column(name, known)
    alias = "other"
    theirs = exp.Trim(this=exp.cast(exp.column(exp.to_identifier(key, quoted=True)), "VARCHAR", dialect="duckdb"))
    query = (
        exp.select(exp.alias_(theirs, "k"), *(exp.alias_(value, name) for name, value in columns.items()))
        .from_(exp.table_(exp.to_identifier(other, quoted=True), db=LAKE))
        .where(exp.Not(this=_is_null(exp.column(exp.to_identifier(key, quoted=True)))))
        .group_by(theirs.copy())
    )
    on = exp.EQ(this=exp.column("k", table=alias), expression=cell(own, "text"))
    return Joined(alias, query, on, other)


def _reference(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    joined = _joined(rule, facts, name, {})
    return Judged(_filled(name, facts), _is_null(exp.column("k", table=joined.name)), joined)


def _equal(rule: RuleDraft, facts: Facts) -> Judged:
    key, value = rule.columns
    there = exp.column(exp.to_identifier(_param(rule, "value"), quoted=True))
    said = exp.Trim(this=exp.cast(there, "VARCHAR", dialect="duckdb"))
    joined = _joined(rule, facts, key, {"value": exp.Min(this=said)})
    met = exp.Not(this=_is_null(exp.column("k", table=joined.name)))
    theirs = exp.column("value", table=joined.name)
    return Judged(met, exp.NullSafeNEQ(this=cell(value, "text"), expression=theirs), joined)


# Kinds that judge the table


def _rows(query: exp.Select) -> exp.Select:
    return query.from_(exp.alias_(exp.table_(BASE), ROWS, table=True), copy=False)


def _groups(names: Sequence[str], facts: Facts, *, filled: bool) -> exp.Select:
    """Return the keys that more than one row has, with how many rows have each (``n``)."""
    keys = [exp.alias_(cell(name), f"k{i}") for i, name in enumerate(names)]
    query = _rows(exp.select(*keys, exp.alias_(exp.Count(this=exp.Star()), "n")))
    if filled:
        query = query.where(_all_filled(names, facts), copy=False)
    more = exp.GT(this=exp.Count(this=exp.Star()), expression=_number(1))
    return query.group_by(*(cell(name) for name in names), copy=False).having(more, copy=False)


def _summed(query: exp.Select, value: exp.Expr) -> exp.Expr:
    total = exp.Coalesce(this=exp.Sum(this=value), expressions=[_number(0)])
    return exp.select(total).from_(query.subquery("g"), copy=False).subquery()


def _unique(rule: RuleDraft, facts: Facts) -> Judged:
    groups = _groups(rule.columns, facts, filled=True)
    assessed = exp.CountIf(this=_all_filled(rule.columns, facts))
    return Judged(counted=(assessed, _summed(groups.copy(), exp.column("n"))), places=groups, group=tuple(rule.columns))


def _duplicate(rule: RuleDraft, facts: Facts) -> Judged:
    names = rule.columns or tuple(n for n in facts.types if n not in {"valid_from", "valid_to"})
    groups = _groups(names, facts, filled=False)
    repeated = exp.Sub(this=exp.column("n"), expression=_number(1))
    counted = (exp.Count(this=exp.Star()), _summed(groups.copy(), repeated))
    return Judged(counted=counted, places=groups, group=tuple(names))


def _volume(rule: RuleDraft, _facts: Facts) -> Judged:
    least, most = _whole(rule, "least") or 0, _whole(rule, "most")
    rows: exp.Expr = exp.Count(this=exp.Star())
    missing: exp.Expr = exp.Greatest(
        this=exp.Sub(this=_number(least), expression=rows.copy()), expressions=[_number(0)], ignore_nulls=True
    )
    if most is not None:
        over = exp.Greatest(
            this=exp.Sub(this=rows, expression=_number(most)), expressions=[_number(0)], ignore_nulls=True
        )
        missing = exp.Add(this=missing, expression=over)
    expected = max(least, 1) if most is None else max(most, least, 1)
    wanted = exp.Least(this=missing, expressions=[_number(expected)], ignore_nulls=True)
    return Judged(counted=(_number(expected), wanted))


def _windows(rule: RuleDraft, facts: Facts) -> Judged:
    unit, least = _param(rule, "unit").lower(), _whole(rule, "least") or 1
    if unit not in _UNITS:
        raise Invalid("时段应为 day、month 或 year。", "The period is day, month or year.", code="rule_parameter")
    day = exp.cast(_moment(rule.columns[0], facts), "DATE")
    period = exp.DateTrunc(this=day, unit=exp.Literal.string(unit.upper()))  # type: ignore[no-untyped-call]
    query = _rows(exp.select(exp.alias_(period, "w"), exp.alias_(exp.Count(this=exp.Star()), "n")))
    query = query.where(exp.Not(this=_is_null(day.copy())), copy=False).group_by(period.copy(), copy=False)
    first, last = exp.Min(this=exp.column("w")), exp.Max(this=exp.column("w"))
    whole = exp.Add(this=exp.DateDiff(this=last, expression=first, unit=exp.var(unit.upper())), expression=_number(1))
    good = exp.CountIf(this=exp.GTE(this=exp.column("n"), expression=_number(least)))
    expected = exp.Coalesce(this=whole, expressions=[_number(0)])
    grouped = query.subquery("g")
    asked = exp.select(expected.copy()).from_(grouped, copy=False).subquery()
    lacking = exp.select(exp.Sub(this=expected, expression=good)).from_(grouped.copy(), copy=False).subquery()
    return Judged(counted=(asked, lacking))


def _freshness(rule: RuleDraft, facts: Facts) -> Judged:
    hours = _whole(rule, "hours") or 0
    since = facts.now - timedelta(hours=hours)
    if not rule.columns:
        return Judged(counted=(_number(1), _number(int(facts.table.written_at < since))))
    newest = exp.Max(this=_moment(rule.columns[0], facts))
    kind = facts.types[rule.columns[0]]
    limit = since.isoformat(sep=" ") if kind == "timestamp" else since.date().isoformat()
    since_when = exp.cast(exp.Literal.string(limit), "TIMESTAMPTZ" if kind == "timestamp" else "DATE", dialect="duckdb")
    old = exp.Case().when(exp.GTE(this=newest, expression=since_when), _number(0)).else_(_number(1))
    return Judged(counted=(_number(1), old))


_KINDS: Final[dict[Kind, Callable[[RuleDraft, Facts], Judged]]] = {
    Kind.CHECK: _check,
    Kind.CODE_SET: _code_set,
    Kind.DIRTY: _dirty,
    Kind.DUPLICATE: _duplicate,
    Kind.ELEMENT: _element,
    Kind.EQUAL: _equal,
    Kind.EXPRESSION: _expression,
    Kind.FORMAT: _format,
    Kind.FRESHNESS: _freshness,
    Kind.NOT_NULL: _not_null,
    Kind.ORDER: _order,
    Kind.RANGE: _range,
    Kind.REFERENCE: _reference,
    Kind.UNIQUE: _unique,
    Kind.VALIDITY: _validity,
    Kind.VOLUME: _volume,
    Kind.WINDOWS: _windows,
}
