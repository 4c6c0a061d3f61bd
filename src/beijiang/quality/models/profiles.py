"""What a table looks like: how full its columns are, what stands in them, how numbers and days are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from sqlglot import exp

from beijiang.engine.checksums import full_match
from beijiang.engine.port import LAKE
from beijiang.kit import Text

__all__ = [
    "BINS",
    "MAKEUP",
    "QUANTILES",
    "Bin",
    "ColumnProfile",
    "Profile",
    "Share",
    "as_in_column",
    "edges",
    "numbers_of",
    "profile_query",
]

BINS: Final = 20
MAKEUP: Final[dict[str, tuple[Text, str]]] = {
    "digits": (Text("数字", "digits"), "[0-9]+"),
    "number": (Text("带小数或符号的数", "numbers with signs"), r"[-+]?[0-9,]*\.?[0-9]+%?"),
    "han": (Text("汉字", "Chinese characters"), r"[\x{4e00}-\x{9fff}·]+"),
    "letters": (Text("字母", "letters"), "[A-Za-z]+"),
    "codes": (Text("字母与数字", "letters and digits"), "[A-Za-z0-9_-]+"),
    "days": (Text("日期样式", "days"), "[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?.*"),
}
"""Kinds of texts; a text is of the first that it matches whole, and mixed if of none."""
OTHER: Final = Text("混合", "mixed")
SIGMAS: Final = 3
_EXACT: Final = 2**53
"""Up to here floating numbers name each whole number."""
QUANTILES: Final = tuple(Decimal(share) for share in ("0.05", "0.25", "0.5", "0.75", "0.95"))


@dataclass(frozen=True, slots=True)
class Share:
    """A value, or a kind of values, and in how many rows it stands."""

    value: Any
    count: int


@dataclass(frozen=True, slots=True)
class Bin:
    """How many values lie from ``low`` (included) to ``high`` (excluded, but in the last bin)."""

    low: Any
    high: Any
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column as its reader may see it; counts are of the stored values, values come from the gate."""

    name: str
    type: str
    comment: str
    grade: str
    masked: bool
    filled: int | None = None
    distinct: int | None = None
    """About how many different values there are (HyperLogLog)."""
    lengths: tuple[int, int] | None = None
    """Fewest and most characters of a text."""
    makeup: Sequence[Share] = ()
    least: Any = None
    greatest: Any = None
    mean: float | None = None
    outliers: int | None = None
    """Numbers more than three standard deviations from the mean."""
    quantiles: Sequence[Any] = ()
    """The values below or at which 5, 25, 50, 75 and 95 % of the values lie; none where the column is masked, holds neither numbers nor days, or is too long to be sorted here."""
    bins: Sequence[Bin] = ()
    top: Sequence[Share] = ()

    @property
    def box(self) -> Sequence[float]:
        """Return where the quantiles lie between the first and the last of them, from 0 to 1; nothing if they are one value."""
        if len(self.quantiles) != len(QUANTILES):
            return ()
        places = [float(q.toordinal()) if isinstance(q, date) else float(q) for q in self.quantiles]
        span = places[-1] - places[0]
        return [(place - places[0]) / span for place in places] if isfinite(span) and span else ()

    @property
    def is_key(self) -> bool:
        """Tell whether nearly every row has a value of its own that could name it; a measured number names nothing."""
        measured = self.type in {"decimal", "double", "date", "timestamp"}
        return bool(not measured and self.filled and self.distinct and self.distinct > 0.9 * self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A version of a table, column by column."""

    table: str
    version: int
    rows: int
    columns: Sequence[ColumnProfile]
    """Those of this page."""
    page: int
    pages: int
    width: int
    """How many columns the table has for this reader, on all pages."""
    filtered: bool
    """Whether rows are kept back from this reader; then nothing is counted past the gate."""
    receipt: str


def as_in_column(quantiles: Sequence[Any], least: Any) -> Sequence[Any]:
    """Return quantiles, which engines name as floating numbers, as values of a column like its ``least``.

    There are none where one is too long for such a number (2 to the 53rd): it would be no value of the column.
    """
    if not isinstance(least, (int, Decimal)) or not all(isinstance(one, float) for one in quantiles):
        return quantiles
    step = Decimal(1).scaleb(least.as_tuple().exponent) if isinstance(least, Decimal) else Decimal(1)  # type: ignore[arg-type]
    if not all(isfinite(one) and abs(Decimal(repr(one)) / step) < _EXACT for one in quantiles):
        return ()
    if isinstance(least, int):
        return [int(one) for one in quantiles]
    return [Decimal(repr(one)).quantize(step) for one in quantiles]


def edges(least: Any, greatest: Any) -> list[float]:
    """Return the edges of equal bins over numbers, none where there is nothing to part."""
    low, high = float(least), float(greatest)
    if not (isfinite(low) and isfinite(high) and low < high):
        return []
    return [low + (high - low) * n / BINS for n in range(BINS)] + [high]


def profile_query(
    table: str, columns: Mapping[str, str], bins: Mapping[str, Sequence[float]], *, history: bool
) -> exp.Select:
    """Return one row of whole numbers about columns (name to type): ``b0``, ``d0``, ... by their order."""
    shown: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows")]
    for n, (name, kind) in enumerate(columns.items()):
        value = exp.column(exp.to_identifier(name, quoted=True))
        shown += [exp.alias_(made, f"{key}{n}") for key, made in _counts(value, kind, bins.get(name, ())).items()]
    query = exp.select(*shown).from_(exp.table_(exp.to_identifier(table, quoted=True), db=LAKE))
    return query.where(exp.Is(this=exp.column("valid_to", quoted=True), expression=exp.null())) if history else query


def _counts(value: exp.Expr, kind: str, edges_of: Sequence[float]) -> dict[str, exp.Expr]:
    filled: exp.Expr = exp.not_(exp.Is(this=value.copy(), expression=exp.null()))
    if kind == "text":
        filled = exp.NEQ(this=exp.Trim(this=value.copy()), expression=exp.Literal.string(""))
    found: dict[str, exp.Expr] = {
        "b": exp.CountIf(this=filled),
        "d": exp.ApproxDistinct(this=exp.Case().when(filled.copy(), value.copy())),
    }
    if kind == "text":
        length = exp.Case().when(filled.copy(), exp.Length(this=value.copy()))
        found |= {"s": exp.Min(this=length), "l": exp.Max(this=length.copy())}
        before: list[exp.Expr] = []
        for key, (_, pattern) in MAKEUP.items():
            test = full_match(exp.Trim(this=value.copy()), pattern)
            found[f"m_{key}_"] = exp.CountIf(this=exp.and_(*(exp.not_(t.copy()) for t in before), test))
            before.append(test)
    for n, (low, high) in enumerate(pairwise(edges_of)):
        last = n == len(edges_of) - 2
        inside = exp.and_(
            exp.GTE(this=value.copy(), expression=_number(low)),
            (exp.LTE if last else exp.LT)(this=value.copy(), expression=_number(high)),
        )
        found[f"h{n}_"] = exp.CountIf(this=inside)
    return found


def outliers_query(table: str, columns: Sequence[str], *, history: bool) -> exp.Select:
    """Return one row: in how many rows each column (``o0``, ...) is far from its mean."""
    source = exp.table_(exp.to_identifier(table, quoted=True), db=LAKE)
    rows = exp.select("*").from_(source)
    if history:
        rows = rows.where(exp.Is(this=exp.column("valid_to", quoted=True), expression=exp.null()))
    values = [exp.cast(exp.column(exp.to_identifier(name, quoted=True)), "DOUBLE") for name in columns]
    about = [exp.alias_(exp.Avg(this=value.copy()), f"a{n}") for n, value in enumerate(values)]
    about += [exp.alias_(exp.StddevPop(this=value.copy()), f"s{n}") for n, value in enumerate(values)]
    shown = []
    for n, value in enumerate(values):
        away = exp.Abs(this=exp.Sub(this=value.copy(), expression=exp.column(f"a{n}", table="m")))
        far = exp.GT(
            this=away, expression=exp.Mul(this=exp.Literal.number(SIGMAS), expression=exp.column(f"s{n}", table="m"))
        )
        shown.append(exp.alias_(exp.CountIf(this=far), f"o{n}"))
    means = exp.select(*about).from_(rows.copy().subquery("r"))
    return exp.select(*shown).from_(rows.subquery("r")).join(means.subquery("m"), join_type="cross")


def _number(value: float) -> exp.Expr:
    return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")


def numbers_of(found: Mapping[str, int], n: int, kind: str) -> dict[str, Any]:
    """Return what was counted of one column, by the attributes of a ``ColumnProfile``."""
    made: dict[str, Any] = {"filled": found[f"b{n}"], "distinct": min(found[f"d{n}"], found[f"b{n}"])}
    if kind == "text" and made["filled"]:
        made["lengths"] = found[f"s{n}"], found[f"l{n}"]
        kinds = [Share(text, found[f"m_{key}_{n}"]) for key, (text, _) in MAKEUP.items()]
        rest = made["filled"] - sum(share.count for share in kinds)
        made["makeup"] = [share for share in (*kinds, Share(OTHER, rest)) if share.count > 0]
    return made
