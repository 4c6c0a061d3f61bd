"""Steps that make other columns, other rows or need other tables; each takes the frame a few layers further."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.kit import Invalid
from beijiang.quality import condition, unknown_column
from beijiang.recipes.models import readings, texts
from beijiang.recipes.models.frame import (
    HIDDEN_MARK,
    Made,
    cell,
    dictionary,
    holding,
    is_blank,
    is_null,
    literal,
    number,
    of_dictionary,
)
from beijiang.recipes.models.params import lacking, names_in, pairs_in
from beijiang.recipes.models.places import region_of
from beijiang.recipes.models.steps import Step, StepKind
from beijiang.recipes.models.trades import trade_of
from beijiang.recipes.models.types import made_as, type_of

if TYPE_CHECKING:
    from beijiang.recipes.models.kitchen import Kitchen

__all__ = ["SHAPING"]

_TAKEN: Final = f"{HIDDEN_MARK}taken:"
_FOUND: Final = f"{HIDDEN_MARK}found"
_CANDIDATES: Final = f"{HIDDEN_MARK}candidates"
_RANK: Final = f"{HIDDEN_MARK}rank"


def money(kitchen: Kitchen, step: Step) -> None:
    """Read amounts and their currencies."""
    column = step.columns[0]
    names = step.param("amount") or f"{column}（元）", step.param("currency") or f"{column}币种"
    amount, currency = readings.money(kitchen.text(column), step.param("default").upper(), kitchen.keep)
    amount = kitchen.keep(amount)
    blank = is_blank(cell(column), kitchen.frame.types[column])
    made = {names[0]: Made(amount, "decimal"), names[1]: Made(currency, "text")}
    kitchen.watch(step, made, {names[0]: exp.and_(exp.not_(blank), is_null(amount))})


def region(kitchen: Kitchen, step: Step) -> None:
    """Read the region of an address."""
    address, code, place = step.columns[0], step.param("code"), step.param("place")
    parts = step.param("parts") == "yes"
    columns = (address, code, place)
    made = region_of(kitchen.frame, kitchen.around.places(), columns, step.param("prefix"), parts=parts)
    first, found = next(iter(made.items()))
    blank = is_blank(cell(address), kitchen.frame.types[address])
    kitchen.watch(step, made, {first: exp.and_(exp.not_(blank), is_null(found.value))})


def trade(kitchen: Kitchen, step: Step) -> None:
    """Read legal form and trade of an organisation's name."""
    name = step.columns[0]
    made = trade_of(kitchen.frame, name, step.param("scope"), step.param("prefix"))
    first, found = next(iter(made.items()))
    blank = is_blank(cell(name), kitchen.frame.types[name])
    kitchen.watch(step, made, {first: exp.and_(exp.not_(blank), is_null(found.value))})


def codes(kitchen: Kitchen, step: Step) -> None:
    """Map codes or words by a code set and by pairs."""
    column = step.columns[0]
    if step.param("to") == "successor":
        _successors(kitchen, step)
        return
    pairs = pairs_in(step)
    if step.param("code_set"):
        values = kitchen.around.codes(step.param("code_set"))
        to_code = step.param("to") == "code"
        # What is right already stays so.
        own = [(code, code) if to_code else (name, name) for code, name in values]
        pairs = {**dict(own), **dict((name, code) if to_code else (code, name) for code, name in values), **pairs}
    if not pairs:
        raise lacking("code_set")
    on = exp.EQ(this=_word(kitchen, column), expression=of_dictionary("word"))
    kitchen.frame.join(dictionary(("word", "becomes"), pairs.items()), on, {_FOUND: of_dictionary("becomes")})
    kitchen.watch(step, *_mapped(kitchen, step))


def _word(kitchen: Kitchen, column: str) -> exp.Expr:
    """Return a cell as it is looked up: narrow letters, nothing around it."""
    return kitchen.keep(texts.trimmed(texts.narrowed(kitchen.text(column)), "keep"))


def _mapped(kitchen: Kitchen, step: Step) -> tuple[dict[str, Made], dict[str, exp.Expr]]:
    """Return the column of what was found, and when there was a word and nothing was found."""
    column = step.columns[0]
    target = step.param("into") or column
    blank = is_blank(cell(column), kitchen.frame.types[column])
    return {target: Made(cell(_FOUND), "text")}, {target: exp.and_(exp.not_(blank), is_null(cell(_FOUND)))}


def _successors(kitchen: Kitchen, step: Step) -> None:
    """Replace codes that ended by the one that holds today; where there are several, name them beside the empty cell."""
    column, code_set = step.columns[0], step.param("code_set")
    if not code_set:
        raise lacking("code_set")
    decided = pairs_in(step)
    rows: list[tuple[str, str | None, str | None]] = [(word, code, None) for word, code in decided.items()]
    for word, codes_now in kitchen.around.successors(code_set).items():
        if word not in decided:
            one = codes_now[0][0] if len(codes_now) == 1 else None
            several = "、".join(f"{code} {name}" for code, name in codes_now) if len(codes_now) > 1 else None
            rows.append((word, one, several))
    on = exp.EQ(this=_word(kitchen, column), expression=of_dictionary("word"))
    taken = {
        _FOUND: exp.cast(of_dictionary("becomes"), "VARCHAR"),
        _CANDIDATES: exp.cast(of_dictionary("several"), "VARCHAR"),
    }
    kitchen.frame.join(dictionary(("word", "becomes", "several"), rows), on, taken)
    made, faults = _mapped(kitchen, step)
    named = step.param("candidates") or f"{step.param('into') or column}候选"
    kitchen.watch(step, {**made, named: Made(cell(_CANDIDATES), "text")}, faults)


def split(kitchen: Kitchen, step: Step) -> None:
    """Cut a text into columns."""
    names = names_in(step.param("into"))
    if not names:
        raise lacking("into")
    text, by = kitchen.text(step.columns[0]), step.params.get("by", "")
    parts = {
        name: Made(
            exp.Nullif(
                this=exp.Trim(this=exp.SplitPart(this=text.copy(), delimiter=literal(by), part_index=number(i))),
                expression=literal(""),
            ),
            "text",
        )
        for i, name in enumerate(names, 1)
    }
    kitchen.watch(step, parts, {})


def merge(kitchen: Kitchen, step: Step) -> None:
    """Join texts; empty ones are left out."""
    by = step.params.get("by", "")
    parts: list[exp.Expr] = []
    for name in step.columns:
        text = exp.Nullif(this=exp.Trim(this=kitchen.text(name)), expression=literal(""))
        with_mark = exp.Concat(expressions=[literal(by), text], safe=True)
        parts.append(exp.Case().when(is_null(text), literal("")).else_(with_mark))
    glued = exp.Concat(expressions=parts, safe=True) if len(parts) > 1 else parts[0]
    joined = exp.Substring(this=glued, start=number(len(by) + 1))
    value = exp.Nullif(this=joined, expression=literal(""))
    kitchen.watch(step, {step.param("into"): Made(value, "text")}, {})


def derive(kitchen: Kitchen, step: Step) -> None:
    """Compute a column by the closed grammar."""
    value = condition(step.param("expression"), kitchen.frame.types, kitchen.around.today)
    kind = type_of(value, kitchen.frame.types)
    kitchen.watch(step, {step.param("into"): Made(made_as(value, kind), kind)}, {})


def lookup(kitchen: Kitchen, step: Step) -> None:
    """Take columns of another table by its key; of several rows with one key, the first in order of their values."""
    other = step.param("table")
    known = {column.name: column for column in kitchen.around.columns_of(other)}
    keys, taken = names_in(step.param("key")), names_in(step.param("take"))
    for name in (*keys, *taken):
        if name not in known:
            raise unknown_column(name, known)
    if len(keys) != len(step.columns) or not taken:
        raise Invalid(
            f"键列应与所选列一一对应：选了 {len(step.columns)} 列，键有 {len(keys)} 列。",
            f"Keys go with the chosen columns one by one: {len(step.columns)} columns, {len(keys)} keys.",
            code="step_parameter",
        )
    if other not in kitchen.tables:
        kitchen.tables.append(other)
    names = {name: f"{step.param('prefix')}{name}" for name in taken}
    rows = _one_for_each(other, keys, taken, history=kitchen.around.keeps_history(other))
    same = [
        exp.EQ(
            this=_as_text(cell(column), kitchen.frame.types[column]),
            expression=_as_text(of_dictionary(f"k{i}"), known[key].type),
        )
        for i, (column, key) in enumerate(zip(step.columns, keys, strict=True))
    ]
    hidden = {f"{_TAKEN}{i}": of_dictionary(f"v{i}") for i in range(len(taken))} | {_FOUND: of_dictionary("k0")}
    kitchen.frame.join(rows, exp.and_(*same, copy=False), hidden)
    made = {names[name]: Made(cell(f"{_TAKEN}{i}"), known[name].type) for i, name in enumerate(taken)}
    blank = exp.or_(*(is_blank(cell(c), kitchen.frame.types[c]) for c in step.columns), copy=False)
    first = names[taken[0]]
    kitchen.watch(step, made, {first: exp.and_(exp.not_(exp.paren(blank)), is_null(cell(_FOUND)))})


def keep_rows(kitchen: Kitchen, step: Step) -> None:
    """Keep the rows that meet a condition."""
    kept = exp.Coalesce(
        this=condition(step.param("expression"), kitchen.frame.types, kitchen.around.today), expressions=[exp.false()]
    )
    kitchen.frame.only(kept)


def dedupe(kitchen: Kitchen, step: Step) -> None:
    """Keep one row of those that are alike in some columns.

    Each row that stays stands in the source as it is, so its other columns tell nothing of those that were compared.
    """
    if kitchen.lineage:
        return
    order = step.param("order")
    others = [name for name in kitchen.frame.types if name != order]
    ordered = [exp.Ordered(this=cell(name), nulls_first=False) for name in others]
    if order:
        ordered.insert(0, exp.Ordered(this=cell(order), desc=step.param("keep") == "last", nulls_first=False))
    keys: list[exp.Expr] = [cell(name) for name in step.columns]
    if kitchen.audit:
        keys.append(kitchen.aside.copy())
    rank = exp.Window(this=exp.RowNumber(), partition_by=keys, order=exp.Order(expressions=ordered))
    kitchen.frame.put({}, {_RANK: rank})
    kitchen.frame.only(exp.EQ(this=cell(_RANK), expression=number(1)))


def rename(kitchen: Kitchen, step: Step) -> None:
    """Rename a column."""
    if step.param("into") in kitchen.frame.types:
        raise Invalid(
            f"已有名为“{step.param('into')}”的列。",
            f'There is a column "{step.param("into")}" already.',
            code="column_name",
        )
    kitchen.frame.keep({name: step.param("into") if name == step.columns[0] else name for name in kitchen.frame.types})


def select(kitchen: Kitchen, step: Step) -> None:
    """Keep some columns, in the order given."""
    kitchen.frame.keep({name: name for name in step.columns})


def drop(kitchen: Kitchen, step: Step) -> None:
    """Drop columns."""
    left = {name: name for name in kitchen.frame.types if name not in step.columns}
    if not left:
        raise Invalid("不能删除所有列。", "Not all columns can be dropped.", code="step_columns")
    kitchen.frame.keep(left)


def _one_for_each(table: str, keys: Sequence[str], taken: Sequence[str], *, history: bool) -> exp.Query:
    """Return ``k0``, ``k1``, ... and ``v0``, ``v1``, ... of a table, one row for each key, the first by its values."""

    def column(name: str) -> exp.Expr:
        return exp.column(exp.to_identifier(name, quoted=True))

    ordered = [exp.Ordered(this=column(name), nulls_first=False) for name in taken]
    rank = exp.Window(
        this=exp.RowNumber(), partition_by=[column(k) for k in keys], order=exp.Order(expressions=ordered)
    )
    shown = [exp.alias_(column(name), f"k{i}") for i, name in enumerate(keys)]
    shown += [exp.alias_(column(name), f"v{i}") for i, name in enumerate(taken)]
    rows = exp.select(*shown, exp.alias_(rank, "n")).from_(exp.table_(exp.to_identifier(table, quoted=True), db=LAKE))
    names = [f"k{i}" for i in range(len(keys))] + [f"v{i}" for i in range(len(taken))]
    first = exp.EQ(this=exp.column("n"), expression=number(1))
    rows = holding(rows) if history else rows
    return exp.select(*names).from_(rows.subquery("ranked")).where(first)


def _as_text(value: exp.Expr, kind: str) -> exp.Expr:
    return value if kind == "text" else exp.cast(value, "VARCHAR")


SHAPING: Final[dict[StepKind, Callable[[Kitchen, Step], None]]] = {
    StepKind.MONEY: money,
    StepKind.REGION: region,
    StepKind.TRADE: trade,
    StepKind.CODES: codes,
    StepKind.SPLIT: split,
    StepKind.MERGE: merge,
    StepKind.DERIVE: derive,
    StepKind.LOOKUP: lookup,
    StepKind.FILTER: keep_rows,
    StepKind.DEDUPE: dedupe,
    StepKind.RENAME: rename,
    StepKind.SELECT: select,
    StepKind.DROP: drop,
}
