"""Distribution: how columns are filled and spread, from counts that add up; and what is out of the usual in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp as power
from math import log1p, log2, sqrt
from typing import Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import Text
from beijiang.quality.models.monitors import TINY, USED, Call, Look, Monitor, Observation, robust_band
from beijiang.quality.models.rules import Severity

__all__ = ["codes_of", "divergence", "judge_distribution", "look_query", "looks_of", "shares_query", "with_shares"]

COLUMNS_MOST: Final = 60
PARTS: Final = "0123456789abcdef"
_NUMBERS: Final = {"integer", "decimal", "double"}
_CODES: Final = {"text", "integer", "boolean"}
_FARTHEST: Final = "1e300"
_SCALE: Final = 10_000
_STEADY: Final = 5
"""Looks over which a column has had no new value before one is reported."""


def look_query(table: str, columns: Mapping[str, str], *, history: bool) -> exp.Select:
    """Return one row of whole numbers about columns (name to type): filled, distinct, sized and logs of each, by order."""
    shown: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows")]
    for n, (name, kind) in enumerate(columns.items()):
        value = exp.column(exp.to_identifier(name, quoted=True))
        filled = _filled(value, kind)
        shown.append(exp.alias_(exp.CountIf(this=filled), f"b{n}"))
        if kind in _CODES:  # only those can be codes, and not every engine counts different decimals
            known = exp.Case().when(filled.copy(), value.copy())
            shown.append(exp.alias_(exp.ApproxDistinct(this=known), f"d{n}"))
        size = _size(value, kind)
        if size is not None:
            sized = exp.and_(
                exp.GT(this=size.copy(), expression=exp.Literal.number(0)),
                exp.LT(this=size.copy(), expression=exp.cast(exp.Literal.string(_FARTHEST), "DOUBLE")),
            )
            logs = exp.Sum(this=exp.Case().when(sized.copy(), exp.Ln(this=size.copy())))
            scaled = exp.Mul(this=logs, expression=exp.Literal.number(_SCALE))
            shown += [
                exp.alias_(exp.CountIf(this=sized), f"n{n}"),
                exp.alias_(exp.cast(exp.Round(this=scaled), "BIGINT"), f"l{n}"),
            ]
    query = exp.select(*shown).from_(_lake(table))
    return query.where(_now()) if history else query


def shares_query(table: str, columns: Mapping[str, str], *, history: bool) -> exp.Select:
    """Return one row: of each column of codes, how many values there are, and rows in each of 16 parts of them.

    Values are counted first and told apart by the first digit of their MD5, so that none of them leaves.
    """
    query = exp.select()
    shown: list[exp.Expr] = []
    for n, (name, kind) in enumerate(columns.items()):
        value = exp.column(exp.to_identifier(name, quoted=True))
        kept = exp.and_(_filled(value, kind), *([_now()] if history else []))
        counts = exp.alias_(value.copy(), "v", copy=False), exp.alias_(exp.Count(this=exp.Star()), "c", copy=False)
        grouped = exp.select(*counts, copy=False).from_(_lake(table), copy=False).where(kept, copy=False)
        grouped = grouped.group_by(value, copy=False)
        part = exp.Substring(
            this=exp.MD5(this=exp.cast(exp.column("v"), "VARCHAR", dialect="duckdb")),
            start=exp.Literal.number(1),
            length=exp.Literal.number(1),
        )
        parted = exp.select(exp.alias_(part, "p", copy=False), exp.column("c"), copy=False)
        parted = parted.from_(grouped.subquery("g", copy=False), copy=False)
        sums: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), f"d{n}", copy=False)]
        for place, digit in enumerate(PARTS):
            mine = exp.EQ(this=exp.column("p"), expression=exp.Literal.string(digit))
            case = exp.Case().when(mine, exp.column("c"), copy=False).else_(exp.Literal.number(0), copy=False)
            sums.append(exp.alias_(exp.Sum(this=case), f"s{place}_{n}", copy=False))
        told = [exp.column(alias.alias, table=f"t{n}") for alias in sums]
        one = exp.select(*sums, copy=False).from_(parted.subquery("p", copy=False), copy=False)
        one_of = one.subquery(f"t{n}", copy=False)
        query = query.from_(one_of, copy=False) if n == 0 else query.join(one_of, join_type="cross", copy=False)
        shown += told
    return query.select(*shown, copy=False)


def looks_of(columns: Sequence[str], found: Mapping[str, int]) -> dict[str, Look]:
    """Return what ``look_query`` counted, by column."""
    return {
        name: Look(
            found[f"b{n}"], min(found.get(f"d{n}", 0), found[f"b{n}"]), found.get(f"n{n}", 0), found.get(f"l{n}", 0)
        )
        for n, name in enumerate(columns)
    }


def codes_of(looks: Mapping[str, Look], types: Mapping[str, str], most: float) -> dict[str, str]:
    """Return the columns whose values are few and come again: codes, by their types."""
    return {
        name: types[name]
        for name, look in looks.items()
        if types[name] in _CODES and 0 < look.distinct <= most and look.distinct * 4 <= look.filled
    }


def with_shares(looks: Mapping[str, Look], columns: Sequence[str], found: Mapping[str, int]) -> dict[str, Look]:
    """Return looks with what ``shares_query`` counted of the columns of codes."""
    made = dict(looks)
    for n, name in enumerate(columns):
        old = looks[name]
        shares = tuple(found[f"s{place}_{n}"] for place in range(len(PARTS)))
        made[name] = Look(old.filled, found[f"d{n}"], old.sized, old.logs, shares)
    return made


def judge_distribution(history: Sequence[Observation], now: Observation, limits: Mapping[str, float]) -> list[Call]:
    """Return which columns are filled or spread unlike before: emptier, another size, other shares, new codes.

    What an append brought is judged by itself, as the difference of two looks. A few observations must be known first.
    """
    series = [o for o in history if o.looks is not None and o.whole == now.whole]
    looked = [*series, now]
    told = [(o, *_brought(looked[n - 1] if n else None, o)) for n, o in enumerate(looked)]
    calls: list[Call] = []
    rows, mine = told[-1][1], told[-1][2]
    if rows < TINY:
        return []
    for column, look in mine.items():
        before = [(r, seen[column]) for o, r, seen in told[:-1] if o.expected and r > 0 and column in seen][-USED:]
        if len(before) < limits["points"]:
            continue
        calls += _filled_call(column, look, rows, before, limits)
        calls += _size_call(column, look, before, limits)
        calls += _share_calls(column, look, before, limits)
    return calls


def divergence(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the Jensen-Shannon divergence of two distributions, base 2: 0 where they are the same, 1 where nothing is."""

    def relative(p: Sequence[float], q: Sequence[float]) -> float:
        return sum(a * log2(a / b) for a, b in zip(p, q, strict=True) if a > 0)

    middle = [(a + b) / 2 for a, b in zip(one, other, strict=True)]
    return max(0.0, (relative(one, middle) + relative(other, middle)) / 2)


def _brought(before: Observation | None, now: Observation) -> tuple[int, Mapping[str, Look]]:
    """Return how many rows a version brought, and what they are like."""
    looks = now.looks or {}
    if now.mode != "append" or before is None or before.looks is None or before.rows > now.rows:
        return now.rows, looks
    was = before.looks
    return now.rows - before.rows, {name: look.less(was[name]) for name, look in looks.items() if name in was}


def _filled_call(
    column: str, look: Look, rows: int, before: Sequence[tuple[int, Look]], limits: Mapping[str, float]
) -> list[Call]:
    shares = [min(max(seen.filled / r, 0.0), 1.0) for r, seen in before]
    share = min(max(look.filled / rows, 0.0), 1.0)
    usual = min(shares)
    low, high = robust_band(shares, limits["sigmas"], limits["filled_drop"], limits["filled_drop"])
    low = max(low - 3 * sqrt(usual * (1 - usual) / rows), 0.0)
    if share < low or (share == 0 and usual > limits["filled_drop"]):
        zh = f"列“{column}”{'全部为空' if share == 0 else f'有值的只占 {share:.1%}'}（通常 {usual:.1%} 以上）"
        en = f'Column "{column}" is {"empty" if share == 0 else f"filled in {share:.1%} only"} (usually {usual:.1%} at least)'
        severity = Severity.CRITICAL if share == 0 else Severity.MAJOR
        return [_call("filled", column, severity, (low, min(high, 1.0), share), Text(zh, en))]
    if usual == 1.0 and share < 1.0:
        missing = rows - look.filled
        zh = f"列“{column}”以前从不为空，这次有 {missing:,} 行为空"
        en = f'Column "{column}" was never empty and is in {missing:,} rows'
        return [_call("nullable", column, Severity.MINOR, (1.0, 1.0, share), Text(zh, en))]
    return []


def _size_call(column: str, look: Look, before: Sequence[tuple[int, Look]], limits: Mapping[str, float]) -> list[Call]:
    sizes = [seen.size for _, seen in before if seen.size is not None and seen.sized >= TINY]
    size = look.size
    if size is None or look.sized < TINY or len(sizes) < limits["points"]:
        return []
    low, high = robust_band(sizes, limits["sigmas"], log1p(limits["size_change"]), log1p(0.15))
    if low <= size <= high:
        return []
    ratio = power(size - sorted(sizes)[len(sizes) // 2])
    times = f"{ratio:,.3g}"
    zh = f"列“{column}”的数值或长度一般为以往的 {times} 倍，请核对计量单位与取值"
    en = f'Values of column "{column}" are typically {times} times as large or long as before; check the unit'
    return [_call("size", column, Severity.MAJOR, (power(low), power(high), power(size)), Text(zh, en))]


def _share_calls(
    column: str, look: Look, before: Sequence[tuple[int, Look]], limits: Mapping[str, float]
) -> list[Call]:
    calls = []
    known = [seen.distinct for _, seen in before if seen.shares]
    if look.shares and len(known) >= limits["points"] and max(known[:-_STEADY] or known) == max(known) < look.distinct:
        more = look.distinct - max(known)
        zh = f"列“{column}”出现 {more} 个以前没有的取值"
        en = f'Column "{column}" has {more} {"value" if more == 1 else "values"} that never stood there before'
        calls.append(_call("codes", column, Severity.MAJOR, (0, max(known), look.distinct), Text(zh, en)))
    spread = [_normal(seen.shares) for _, seen in before if sum(seen.shares) >= TINY]
    if sum(look.shares) < TINY or len(spread) < limits["points"]:
        return calls
    pooled = [sum(parts) / len(spread) for parts in zip(*spread, strict=True)]
    usual = max(divergence(one, pooled) for one in spread)
    allowed = max(limits["shift"], 2 * usual) + 6 / sum(look.shares)
    found = divergence(_normal(look.shares), pooled)
    if found > allowed:
        zh = f"列“{column}”各取值的占比与以往明显不同（差异 {found:.2f}，通常不超过 {allowed:.2f}）"
        en = (
            f'The values of column "{column}" are shared out unlike before ({found:.2f}, usually {allowed:.2f} at most)'
        )
        calls.append(_call("shift", column, Severity.MAJOR, (0, allowed, found), Text(zh, en)))
    return calls


def _call(aspect: str, column: str, severity: Severity, band: tuple[float, float, float], words: Text) -> Call:
    low, high, came = band
    return Call(
        monitor=Monitor.DISTRIBUTION,
        aspect=aspect,
        column=column,
        severity=severity,
        low=low,
        high=high,
        came=came,
        words=words,
    )


def _normal(shares: Sequence[int]) -> list[float]:
    whole = sum(shares) or 1
    return [part / whole for part in shares]


def _filled(value: exp.Expr, kind: str) -> exp.Expr:
    if kind == "text":
        return exp.NEQ(this=exp.Trim(this=value.copy()), expression=exp.Literal.string(""))
    return exp.not_(exp.Is(this=value.copy(), expression=exp.null()))


def _size(value: exp.Expr, kind: str) -> exp.Expr | None:
    if kind == "text":
        return exp.cast(exp.Length(this=exp.Trim(this=value.copy())), "DOUBLE")
    return exp.Abs(this=exp.cast(value.copy(), "DOUBLE")) if kind in _NUMBERS else None


def _lake(table: str) -> exp.Table:
    return exp.table_(exp.to_identifier(table, quoted=True), db=LAKE)


def _now() -> exp.Expr:
    return exp.Is(this=exp.column("valid_to", quoted=True), expression=exp.null())
