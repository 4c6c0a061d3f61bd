"""What each kind of rule says of one row, or of the table as a whole, as expressions of the query tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.checksums import CHECKSUMS, full_match
from beijiang.engine.patterns import checked_pattern
from beijiang.engine.port import LAKE
from beijiang.kit import Invalid
from beijiang.quality.models.grammar import ROWS, cell, condition, holding_now, iso_day, unknown_column
from beijiang.quality.models.limits import Limit
from beijiang.quality.models.queries import Reader, Spelled, as_they_are_now, counts_of, spelled
from beijiang.quality.models.rules import KINDS, Kind, RuleDraft, dirty_values
from beijiang.quality.models.values import (
    Facts,
    all_filled,
    comparable,
    dashed,
    fails,
    filled,
    is_null,
    limit_of,
    listed,
    moment,
    negated,
    number,
    param,
    whole_number,
)

if TYPE_CHECKING:
    from beijiang.standards import CodeSpan

__all__ = ["BASE", "Joined", "Judged", "asked_of", "judged", "must_of"]

BASE: Final = "base"
"""Under this name, with ``ROWS`` as alias, stand the rows of the judged table."""
_UNITS: Final = {"day", "month", "year"}


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
    others: tuple[str, ...] = ()
    """Other tables that ``counted`` reads."""


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
    if not rule.where:
        return found
    if not KINDS[rule.kind].takes_condition:
        raise Invalid(
            f"“{rule.kind.text.zh}”规则不能只评估部分行，请去掉条件。",
            "A rule of this kind takes no condition on rows; leave it out.",
            code="rule_takes_no_condition",
        )
    where = condition(rule.where, facts.types, facts.now.date())
    assessed = where if found.assessed is None else exp.and_(where, found.assessed, copy=False)
    return Judged(assessed, found.failed, found.joined)


# Kinds that judge rows


def _not_null(rule: RuleDraft, facts: Facts) -> Judged:
    return Judged(None, fails(all_filled(rule.columns, facts)))


def _check(rule: RuleDraft, facts: Facts) -> Judged:
    algorithm = CHECKSUMS.get(param(rule, "algorithm"))
    if algorithm is None:
        known = ", ".join(CHECKSUMS)
        raise Invalid(
            f"没有这种校验算法。可用：{known}。", f"No such algorithm. Known: {known}.", code="rule_parameter"
        )
    name = rule.columns[0]
    return Judged(filled(name, facts), fails(algorithm(lambda part: cell(name, part))))


def _missing(rule: RuleDraft, facts: Facts) -> Judged:
    """Count what the author says is no value; other than ``not_null``, blanks are values unless they are listed."""
    name = rule.columns[0]
    values = listed(rule, "values")
    tests: list[exp.Expr] = [is_null(cell(name))] if None in values else []
    said = [value for value in values if value is not None]
    if said:
        tests.append(exp.Coalesce(this=_among(name, said, facts), expressions=[exp.false()]))
    if not tests:
        raise Invalid("请列出视为缺失的值。", "List the values that are none.", code="rule_parameter")
    return Judged(None, exp.paren(exp.or_(*tests, copy=False), copy=False))


def _values(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    said = [value for value in listed(rule, "values") if value is not None]
    if not said:
        raise Invalid("请列出允许的值。", "List the permitted values.", code="rule_parameter")
    return Judged(filled(name, facts), negated(_among(name, said, facts)))


def _among(name: str, values: Sequence[str], facts: Facts) -> exp.Expr:
    """Test whether a cell is one of some values: numbers as numbers, the rest as it is written."""
    if facts.types[name] in {"integer", "decimal", "double"}:
        return exp.In(this=cell(name), expressions=[limit_of(v, "decimal", "values") for v in values if v])
    return exp.In(this=cell(name, "text"), expressions=[exp.Literal.string(value) for value in values])


def _code_set(rule: RuleDraft, facts: Facts) -> Judged:
    """Judge by the codes of today, of a day, or of the day that each row says; a row that says none is not assessed.

    With a second column a code has to stand beside its own name, as the code set has it today.
    """
    name, said = rule.columns[0], param(rule, "as_of")
    if len(rule.columns) > 1:
        return _code_and_name(rule, facts)
    if not said:
        return Judged(filled(name, facts), negated(_coded(name, facts.codes(param(rule, "code_set")))))
    known = facts.spans(param(rule, "code_set"))
    if said not in facts.types:
        codes = [code for span in known if span.holds(_day_of(said, facts)) for code in span.codes]
        return Judged(filled(name, facts), negated(_coded(name, codes)))
    day = exp.cast(moment(said, facts), "DATE")
    tests = [exp.and_(_coded(name, span.codes), *_within(day, span), copy=False) for span in known] or [exp.false()]
    assessed = exp.and_(filled(name, facts), exp.Not(this=is_null(day.copy())), copy=False)
    return Judged(assessed, negated(exp.or_(*tests, copy=False)))


def _code_and_name(rule: RuleDraft, facts: Facts) -> Judged:
    if param(rule, "as_of"):
        raise Invalid(
            "代码与名称一起评估时按今天的代码集，请去掉日期，或只评估代码列。",
            "A code and its name are judged together as of today; leave the day out, or judge the code alone.",
            code="rule_parameter",
        )
    code, name = rule.columns
    pairs = [f"{one}\n{words}" for one, words in facts.named(param(rule, "code_set"))]
    both = exp.Concat(expressions=[cell(code, "text"), exp.Literal.string("\n"), cell(name, "text")], safe=True)
    known = exp.In(this=both, expressions=[exp.Literal.string(pair) for pair in pairs]) if pairs else exp.false()
    return Judged(all_filled(rule.columns, facts), negated(known))


def _coded(name: str, codes: Sequence[str]) -> exp.Expr:
    if not codes:
        return exp.false()
    return exp.In(this=cell(name, "text"), expressions=[exp.Literal.string(code) for code in codes])


def _within(day: exp.Expr, span: CodeSpan) -> Iterator[exp.Expr]:
    """Test a day against the bounds that a span has."""
    if span.begins is not None:
        yield exp.GTE(this=day.copy(), expression=exp.cast(exp.Literal.string(span.begins.isoformat()), "DATE"))
    if span.ends is not None:
        yield exp.LT(this=day.copy(), expression=exp.cast(exp.Literal.string(span.ends.isoformat()), "DATE"))


def _day_of(said: str, facts: Facts) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        columns = "、".join(list(facts.types)[:20])
        raise Invalid(
            f"“{said[:60]}”既不是日期（如 2001-12-31），也不是这张表的列。列有：{columns}。",
            f'"{said[:60]}" is neither a day (as 2001-12-31) nor a column of the table. Columns: {columns}.',
            code="rule_parameter",
        ) from None


def _dirty(rule: RuleDraft, facts: Facts) -> Judged:
    whole, patterns = dirty_values()
    tests: list[exp.Expr] = []
    for name in rule.columns:
        value = cell(name, "text")
        words = [exp.Literal.string(word) for word in whole]
        tests.append(exp.In(this=exp.Lower(this=value.copy()), expressions=words))
        tests.append(exp.RegexpLike(this=value, expression=exp.Literal.string("|".join(f"(?:{p})" for p in patterns))))
    some = exp.or_(*(filled(name, facts) for name in rule.columns), copy=False)
    return Judged(some, exp.paren(exp.or_(*tests, copy=False), copy=False))


def _format(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    pattern, low, high = param(rule, "pattern"), whole_number(rule, "shortest"), whole_number(rule, "longest")
    tests: list[exp.Expr] = []
    if pattern:
        tests.append(full_match(cell(name, "text"), checked_pattern(pattern)))
    length = exp.Length(this=cell(name, "text"))
    if low is not None:
        tests.append(exp.GTE(this=length, expression=number(low)))
    if high is not None:
        tests.append(exp.LTE(this=length.copy(), expression=number(high)))
    if not tests:
        raise Invalid(
            "请给出正则表达式，或最短、最长字数。",
            "Give a pattern, or a least or greatest length.",
            code="rule_parameter",
        )
    return Judged(filled(name, facts), fails(exp.and_(*tests, copy=False)))


def _range(rule: RuleDraft, facts: Facts) -> Judged:
    name = rule.columns[0]
    kind = facts.types[name]
    tests: list[exp.Expr] = []
    for side, test in (("low", exp.GTE), ("high", exp.LTE), ("above", exp.GT), ("below", exp.LT)):
        words = param(rule, side)
        if words:
            tests.append(test(this=comparable(name, facts), expression=limit_of(words, kind, side)))
    if not tests:
        raise Invalid("请给出最小值或最大值。", "Give a least or a greatest value.", code="rule_parameter")
    return Judged(filled(name, facts), fails(exp.and_(*tests, copy=False)))


def _order(rule: RuleDraft, facts: Facts) -> Judged:
    moments = [moment(name, facts) for name in rule.columns]
    tests = [exp.LTE(this=a.copy(), expression=b.copy()) for a, b in pairwise(moments)]
    known = exp.and_(*(exp.Not(this=is_null(m.copy())) for m in moments), copy=False)
    return Judged(known, negated(exp.and_(*tests, copy=False)))


def _expression(rule: RuleDraft, facts: Facts) -> Judged:
    holds = condition(param(rule, "expression"), facts.types, facts.now.date())
    return Judged(exp.Not(this=is_null(holds)), negated(holds.copy()))


def _validity(rule: RuleDraft, facts: Facts) -> Judged:
    today = exp.cast(exp.Literal.string(facts.now.date().isoformat()), "DATE")
    last = rule.columns[-1]
    ends = moment(last, facts)
    tests: list[exp.Expr] = [exp.or_(is_null(ends.copy()), exp.GTE(this=ends.copy(), expression=today), copy=False)]
    if len(rule.columns) > 1:
        begins = moment(rule.columns[0], facts)
        tests.append(exp.LTE(this=begins, expression=today.copy()))
    return Judged(None, fails(exp.and_(*tests, copy=False)))


def _element(rule: RuleDraft, facts: Facts) -> Judged:
    """Judge by all that an element says: length, check digit, pattern, code set, and what its type can be read as."""
    name = rule.columns[0]
    element = facts.element(param(rule, "element"))
    value = cell(name, "text")
    tests: list[exp.Expr] = []
    if element.longest is not None and element.type in {"C", "M"}:
        tests.append(exp.LTE(this=exp.Length(this=value.copy()), expression=number(element.longest)))
    if element.check in CHECKSUMS:
        tests.append(CHECKSUMS[element.check](lambda part: cell(name, part)))
    if element.pattern:
        tests.append(full_match(value.copy(), checked_pattern(element.pattern)))
    if element.code_set:
        codes = [exp.Literal.string(code) for code in facts.codes(element.code_set)]
        tests.append(exp.In(this=value.copy(), expressions=codes))
    wanted = {"D": "DATE", "T": "TIMESTAMP", "N": "DOUBLE", "Y": "DOUBLE", "B": "DOUBLE", "F": "DOUBLE", "I": "BIGINT"}
    if element.type in wanted and facts.types[name] == "text":
        kind = exp.DataType.build(wanted[element.type])
        read = iso_day(dashed(value)) if element.type == "D" else exp.TryCast(this=value.copy(), to=kind)
        tests.append(exp.Not(this=is_null(read)))
    if not tests:
        tests.append(exp.true())
    return Judged(filled(name, facts), fails(exp.and_(*tests, copy=False)))


# Kinds that look at another table


def _joined(rule: RuleDraft, facts: Facts, own: Sequence[str], columns: Mapping[str, exp.Expr]) -> Joined:
    """Join the other table by its key: as many of its columns as ``own``, in the same order."""
    other, whole = param(rule, "table"), param(rule, "key")
    known = facts.columns_of(other)
    keys = [whole] if whole in known else [str(name) for name in listed(rule, "key")]
    for name in [*keys, *([param(rule, "value")] if "value" in columns else [])]:
        if name not in known:
            raise unknown_column(name, known)
    if len(keys) != len(own):
        raise Invalid(
            f"键列应与对照表的键列一一对应：本表 {len(own)} 列（{'、'.join(own)}），对照表 {len(keys)} 列。多列用分号隔开，次序相同。",
            f"Key columns go with those of the other table one by one: {len(own)} here ({', '.join(own)}), {len(keys)} there. Write several with semicolons, in the same order.",
            code="rule_parameter",
        )
    alias, here = "other", [exp.column(exp.to_identifier(key, quoted=True)) for key in keys]
    theirs = [exp.Trim(this=exp.cast(one, "VARCHAR", dialect="duckdb")) for one in here]
    shown = [exp.alias_(one, f"k{i}") for i, one in enumerate(theirs)]
    query = (
        exp.select(*shown, *(exp.alias_(value, name) for name, value in columns.items()))
        .from_(exp.table_(exp.to_identifier(other, quoted=True), db=LAKE))
        .where(*(exp.Not(this=is_null(one.copy())) for one in here))
        .group_by(*(one.copy() for one in theirs))
    )
    if facts.keeps_history(other):
        query = query.where(holding_now(), copy=False)
    same = [exp.EQ(this=exp.column(f"k{i}", table=alias), expression=cell(name, "text")) for i, name in enumerate(own)]
    return Joined(alias, query, exp.and_(*same, copy=False), other)


def _reference(rule: RuleDraft, facts: Facts) -> Judged:
    """Look a row's key up, of one column or several; as with foreign keys, a key that is not whole is not assessed."""
    joined = _joined(rule, facts, rule.columns, {})
    return Judged(all_filled(rule.columns, facts), is_null(exp.column("k0", table=joined.name)), joined)


def _equal(rule: RuleDraft, facts: Facts) -> Judged:
    """Compare the last column with the other table's value of the key that the columns before it are."""
    *key, value = rule.columns
    there = exp.column(exp.to_identifier(param(rule, "value"), quoted=True))
    said = exp.Trim(this=exp.cast(there, "VARCHAR", dialect="duckdb"))
    joined = _joined(rule, facts, key, {"value": exp.Min(this=said)})
    met = exp.Not(this=is_null(exp.column("k0", table=joined.name)))
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
        query = query.where(all_filled(names, facts), copy=False)
    more = exp.GT(this=exp.Count(this=exp.Star()), expression=number(1))
    return query.group_by(*(cell(name) for name in names), copy=False).having(more, copy=False)


def _summed(query: exp.Select, value: exp.Expr) -> exp.Expr:
    total = exp.Coalesce(this=exp.Sum(this=value), expressions=[number(0)])
    return exp.select(total).from_(query.subquery("g"), copy=False).subquery()


def _unique(rule: RuleDraft, facts: Facts) -> Judged:
    groups = _groups(rule.columns, facts, filled=True)
    assessed = exp.CountIf(this=all_filled(rule.columns, facts))
    return Judged(counted=(assessed, _summed(groups.copy(), exp.column("n"))), places=groups, group=tuple(rule.columns))


def _duplicate(rule: RuleDraft, facts: Facts) -> Judged:
    names = rule.columns or tuple(n for n in facts.types if n not in {"valid_from", "valid_to"})
    groups = _groups(names, facts, filled=False)
    repeated = exp.Sub(this=exp.column("n"), expression=number(1))
    counted = (exp.Count(this=exp.Star()), _summed(groups.copy(), repeated))
    return Judged(counted=counted, places=groups, group=tuple(names))


def _columns(rule: RuleDraft, facts: Facts) -> Judged:
    """Count the agreed columns, and those that are not there or of another type; no row is read for it."""
    wanted = _expected(param(rule, "expected"))
    wrong = [
        name for name, kinds in wanted.items() if name not in facts.types or (kinds and facts.types[name] not in kinds)
    ]
    return Judged(counted=(number(len(wanted)), number(len(wrong))))


def _expected(words: str) -> dict[str, tuple[str, ...]]:
    """Read columns with the types that each may have."""
    try:
        found = json.loads(words) if words.startswith("{") else dict(_pairs(words))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(kinds, str) for kinds in found.values()):
        raise Invalid(
            "列与类型写成“编号=text; 数量=integer|decimal”。",
            'Write columns and types as "code=text; amount=integer|decimal".',
            code="rule_parameter",
        )
    return {name: tuple(kind for kind in kinds.split("|") if kind) for name, kinds in found.items()}


def _pairs(words: str) -> Iterator[tuple[str, str]]:
    for part in words.replace("；", ";").split(";"):
        if part.strip():
            name, _, kinds = part.partition("=")
            yield name.strip(), kinds.strip()


def _volume(rule: RuleDraft, _facts: Facts) -> Judged:
    least, most = whole_number(rule, "least") or 0, whole_number(rule, "most")
    rows: exp.Expr = exp.Count(this=exp.Star())
    missing: exp.Expr = exp.Greatest(
        this=exp.Sub(this=number(least), expression=rows.copy()), expressions=[number(0)], ignore_nulls=True
    )
    if most is not None:
        over = exp.Greatest(
            this=exp.Sub(this=rows, expression=number(most)), expressions=[number(0)], ignore_nulls=True
        )
        missing = exp.Add(this=missing, expression=over)
    expected = max(least, 1) if most is None else max(most, least, 1)
    wanted = exp.Least(this=missing, expressions=[number(expected)], ignore_nulls=True)
    return Judged(counted=(number(expected), wanted))


def _windows(rule: RuleDraft, facts: Facts) -> Judged:
    unit, least = param(rule, "unit").lower(), whole_number(rule, "least") or 1
    if unit not in _UNITS:
        raise Invalid("时段应为 day、month 或 year。", "The period is day, month or year.", code="rule_parameter")
    day = exp.cast(moment(rule.columns[0], facts), "DATE")
    period = exp.DateTrunc(this=day, unit=exp.Literal.string(unit.upper()))  # type: ignore[no-untyped-call]
    query = _rows(exp.select(exp.alias_(period, "w"), exp.alias_(exp.Count(this=exp.Star()), "n")))
    query = query.where(exp.Not(this=is_null(day.copy())), copy=False).group_by(period.copy(), copy=False)
    first, last = exp.Min(this=exp.column("w")), exp.Max(this=exp.column("w"))
    whole = exp.Add(this=exp.DateDiff(this=last, expression=first, unit=exp.var(unit.upper())), expression=number(1))
    good = exp.CountIf(this=exp.GTE(this=exp.column("n"), expression=number(least)))
    expected = exp.Coalesce(this=whole, expressions=[number(0)])
    grouped = query.subquery("g")
    asked = exp.select(expected.copy()).from_(grouped, copy=False).subquery()
    lacking = exp.select(exp.Sub(this=expected, expression=good)).from_(grouped.copy(), copy=False).subquery()
    return Judged(counted=(asked, lacking))


def _freshness(rule: RuleDraft, facts: Facts) -> Judged:
    hours = whole_number(rule, "hours") or 0
    since = facts.now - timedelta(hours=hours)
    if not rule.columns:
        return Judged(counted=(number(1), number(int(facts.table.written_at < since))))
    newest = exp.Max(this=moment(rule.columns[0], facts))
    kind = facts.types[rule.columns[0]]
    limit = since.isoformat(sep=" ") if kind == "timestamp" else since.date().isoformat()
    since_when = exp.cast(exp.Literal.string(limit), "TIMESTAMPTZ" if kind == "timestamp" else "DATE", dialect="duckdb")
    old = exp.Case().when(exp.GTE(this=newest, expression=since_when), number(0)).else_(number(1))
    return Judged(counted=(number(1), old))


def asked_of(rule: RuleDraft, table: str, read: Reader) -> Spelled:
    """Return the tree of a rule in SQL, and the tables that it reads beside the judged one."""
    return spelled(param(rule, "query"), table, rule.columns, read, listed(rule, "called"))


def _sql(rule: RuleDraft, facts: Facts) -> Judged:
    tree, others = asked_of(rule, facts.table.table, facts.read)
    tree = as_they_are_now(tree, [name for name in others if facts.keeps_history(name)])
    return Judged(counted=counts_of(tree, BASE, must_of(rule), facts.now), others=others)


def must_of(rule: RuleDraft) -> Limit:
    """Return what the number of a rule in SQL is held against.

    Raises:
        Invalid: it is no comparison, or one of percent.

    """
    found = Limit.parse(param(rule, "must"))
    if found.percent:
        raise Invalid(
            "SQL 指标与数比较，不写 %。", "A number by SQL is compared with numbers, without %.", code="rule_limit"
        )
    return found


_KINDS: Final[dict[Kind, Callable[[RuleDraft, Facts], Judged]]] = {
    Kind.CHECK: _check,
    Kind.CODE_SET: _code_set,
    Kind.COLUMNS: _columns,
    Kind.DIRTY: _dirty,
    Kind.DUPLICATE: _duplicate,
    Kind.ELEMENT: _element,
    Kind.EQUAL: _equal,
    Kind.EXPRESSION: _expression,
    Kind.FORMAT: _format,
    Kind.FRESHNESS: _freshness,
    Kind.MISSING: _missing,
    Kind.NOT_NULL: _not_null,
    Kind.ORDER: _order,
    Kind.RANGE: _range,
    Kind.REFERENCE: _reference,
    Kind.SQL: _sql,
    Kind.UNIQUE: _unique,
    Kind.VALIDITY: _validity,
    Kind.VALUES: _values,
    Kind.VOLUME: _volume,
    Kind.WINDOWS: _windows,
}
