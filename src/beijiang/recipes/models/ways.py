"""How a recipe or model is kept up to date: by changed rows, by touched groups, or as a whole, and why.

Whatever cannot be shown to be safe is made as a whole: a wrong row that stays is worse than a slow run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from beijiang.kit import Text, Word
from beijiang.recipes.models.steps import Step, StepKind
from beijiang.tables import Use

if TYPE_CHECKING:
    from beijiang.tables import Column, Origin

__all__ = ["Making", "Source", "Way", "carried", "sql_way", "steps_way", "whole"]


class Making(Word):
    """What a run works."""

    ROWS = "rows", "增量：只加工变化的行", "incremental: changed rows only"
    GROUPS = "groups", "增量：只重算涉及的分组", "incremental: touched groups only"
    WHOLE = "whole", "整表", "the whole table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way of one recipe: what is worked when its source changes, and what tells rows apart."""

    making: Making
    why: Text
    """Why it is made as a whole, or on what being incremental depends."""
    key: tuple[str, ...] = ()
    """Columns of the source that tell its rows apart; without them only appended rows can be followed."""
    groups: tuple[str, ...] = ()
    """Columns of the source within which rows depend on each other."""
    by: tuple[str, ...] = ()
    """Columns of the result that carry the groups, or the key."""
    columns: tuple[str, ...] | None = None
    """Columns of the source that are read; None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The table whose rows are worked."""

    table: str
    columns: Sequence[Column]
    key: tuple[str, ...]

    def plain(self, names: Sequence[str]) -> bool:
        """Tell whether values of these columns are equal or not, without in-between."""
        types = {column.name: column.type for column in self.columns}
        return bool(names) and all(types.get(name) in _EXACT for name in names)


_EXACT: Final = {"text", "integer", "decimal", "boolean", "date", "timestamp"}
_KEYED: Final = Text(
    "按主键找到变化的行（含修改与删除）", "changed rows are found by the key, updates and deletions too"
)
_APPENDED: Final = Text(
    "来源没有主键（或主键不在结果中），只有追加的行能增量加工；其他改动整表重做",
    "the source has no key (or the result lacks it): appended rows are worked alone, any other change makes the whole anew",
)
_TOUCHED: Final = Text("按分组列重算涉及的分组", "the groups that changed rows have or had are made anew")
_DEDUPE: Final = Text(
    "去重所用的列不是来源的原样列，或不在结果中",
    "the columns by which repeats are removed are not plain columns of the source, or not in the result",
)
_DEDUPES: Final = Text("有多个去重步骤", "repeats are removed more than once")
_ITSELF: Final = Text(
    "关联的是来源自身：一行变化会影响其他行", "it looks up in its own source: one changed row changes what others find"
)
_SEVERAL: Final = Text("SQL 读取多张表，或同一张表读取多次", "the SQL reads several tables, or one more than once")
_SHAPE: Final = Text(
    "SQL 含有跨行的部分（连接、子查询、窗口、去重、排序取前几行等）",
    "the SQL works across rows (join, subquery, window, distinct, order, limit and the like)",
)
_FUNCTION: Final = Text(
    "SQL 所用的函数或写法不在可增量的清单中",
    "the SQL uses a function or a form that is not on the list of those that can be followed",
)
_NAMES: Final = Text(
    "SQL 把整行当作值、给列另起名，或所用的名称不是来源的列",
    "the SQL takes a row as a value, names columns anew, or uses a name that is no column of the source",
)
_GROUPING: Final = Text(
    "分组列不是来源的原样列，或不在结果中",
    "what it groups by is no plain column of the source, or is not in the result",
)

_PER_ROW: Final[tuple[type[exp.Expr], ...]] = (
    exp.Abs,
    exp.And,
    exp.Case,
    exp.Cast,
    exp.Ceil,
    exp.Coalesce,
    exp.Concat,
    exp.ConcatWs,
    exp.DateDiff,
    exp.DateTrunc,
    exp.Day,
    exp.Floor,
    exp.Greatest,
    exp.If,
    exp.Least,
    exp.Left,
    exp.Length,
    exp.Lower,
    exp.Month,
    exp.Nullif,
    exp.Or,
    exp.RegexpExtract,
    exp.RegexpLike,
    exp.RegexpReplace,
    exp.Replace,
    exp.Right,
    exp.Round,
    exp.SplitPart,
    exp.StartsWith,
    exp.StrPosition,
    exp.Substring,
    exp.TimestampTrunc,
    exp.Trim,
    exp.TryCast,
    exp.Upper,
    exp.Year,
)
_PER_GROUP: Final[tuple[type[exp.Expr], ...]] = (exp.Avg, exp.Count, exp.CountIf, exp.Max, exp.Min, exp.Sum)
_FORMS: Final[tuple[type[exp.Expr], ...]] = (
    exp.Alias,
    exp.AtTimeZone,
    exp.Between,
    exp.Binary,
    exp.Boolean,
    exp.Column,
    exp.DataType,
    exp.DataTypeParam,
    exp.Distinct,
    exp.Filter,
    exp.From,
    exp.Group,
    exp.Having,
    exp.Identifier,
    exp.In,
    exp.Interval,
    exp.Literal,
    exp.Neg,
    exp.Not,
    exp.Null,
    exp.Order,
    exp.Ordered,
    exp.Paren,
    exp.Select,
    exp.Star,
    exp.Table,
    exp.TableAlias,
    exp.Tuple,
    exp.Var,
    exp.Where,
)
_ACROSS: Final[tuple[type[exp.Expr], ...]] = (exp.Window, exp.WithinGroup, exp.UDTF, exp.TableSample, exp.Lambda)
_PLAIN_TABLE: Final = frozenset({"this", "db", "alias"})
_PARTS: Final = frozenset({"expressions", "from_", "from", "where", "group", "having"})


def carried(origins: Mapping[str, tuple[Origin, ...]], table: str) -> dict[str, str]:
    """Return which columns of a table come out as they are, and under which names."""
    found: dict[str, str] = {}
    for name, made_of in origins.items():
        values = [one for one in made_of if one.use.is_direct]
        chosen = any(one.use is Use.CONDITIONAL for one in made_of)
        if len(values) == 1 and not chosen and values[0].use is Use.IDENTITY and values[0].table == table:
            found.setdefault(values[0].column, name)
    return found


def whole(why: Text) -> Way:
    """Return the way of what is made as a whole."""
    return Way(making=Making.WHOLE, why=why)


def steps_way(
    steps: Sequence[Step], source: Source, out: Mapping[str, str], before_dedupe: Mapping[str, str] | None
) -> Way:
    """Return the way of a recipe.

    ``out`` is what comes out as it is (column of the source to column of the result); ``before_dedupe`` the same of the
    rows that the step reads which removes repeats, where there is one.
    """
    if any(step.kind is StepKind.LOOKUP and step.param("table") == source.table for step in steps):
        return whole(_ITSELF)
    dedupes = [step for step in steps if step.kind is StepKind.DEDUPE]
    if not dedupes or before_dedupe is None:
        return _by_rows(source, out, None)
    if len(dedupes) > 1:
        return whole(_DEDUPES)
    sources = {name: column for column, name in before_dedupe.items()}
    groups = tuple(sources.get(name, "") for name in dedupes[0].columns)
    return _by_groups(source, groups, out, None, _DEDUPE)


def sql_way(tree: exp.Query, tables: Sequence[str], source: Source, out: Mapping[str, str]) -> Way:
    """Return the way of a model: one SELECT over one table, row by row, or grouped by plain columns."""
    if len(tables) != 1 or len(list(tree.find_all(exp.Table))) != 1:
        return whole(_SEVERAL)
    nodes = list(tree.walk())
    bar = _bar(tree, nodes, source)
    if bar is not None:
        return whole(bar)
    columns = None if any(_is_star(node) for node in nodes) else _columns_in(tree, source)
    group = tree.args.get("group")
    if group is None:
        across = tree.args.get("having") or any(isinstance(node, _PER_GROUP) for node in nodes)
        return whole(_SHAPE) if across else _by_rows(source, out, columns)
    given = group.expressions
    if any(value for name, value in group.args.items() if name != "expressions") or not given:
        return whole(_GROUPING)
    groups = tuple(dict.fromkeys(_grouping(one, tree, source) for one in given))
    return _by_groups(source, groups, out, columns, _GROUPING)


def _bar(tree: exp.Query, nodes: Sequence[exp.Expr], source: Source) -> Text | None:
    """Return what in a query cannot be followed, whatever it groups by; None where everything is on the lists."""
    across = not isinstance(tree, exp.Select) or any(value for name, value in tree.args.items() if name not in _PARTS)
    if across or any(isinstance(node, (*_ACROSS, exp.Query)) for node in nodes if node is not tree):
        return _SHAPE
    if not all(isinstance(node, (*_PER_ROW, *_PER_GROUP) if isinstance(node, exp.Func) else _FORMS) for node in nodes):
        return _FUNCTION
    return None if _names_columns_only(tree, source) else _NAMES


def _by_rows(source: Source, out: Mapping[str, str], columns: tuple[str, ...] | None) -> Way:
    by = tuple(out[name] for name in source.key if name in out)
    if not source.plain(source.key) or len(by) != len(source.key):
        return Way(making=Making.ROWS, why=_APPENDED, columns=columns)
    return Way(making=Making.ROWS, why=_KEYED, key=source.key, by=by, columns=columns)


def _by_groups(
    source: Source, groups: tuple[str, ...], out: Mapping[str, str], columns: tuple[str, ...] | None, why: Text
) -> Way:
    if not source.plain(groups) or any(name not in out for name in groups):
        return whole(why)
    key = source.key if source.plain(source.key) else ()
    by = tuple(out[name] for name in groups)
    return Way(making=Making.GROUPS, why=_TOUCHED if key else _APPENDED, key=key, groups=groups, by=by, columns=columns)


def _grouping(one: exp.Expr, tree: exp.Query, source: Source) -> str:
    """Return the column of the source that a query groups by: by its name, the one it is shown under, or its place; none else."""
    known, name = _folded(source), one.name.casefold()
    if isinstance(one, exp.Column) and (name in known or one.table):
        return known.get(name, "")
    if isinstance(one, exp.Column):
        inner = next((item.unalias() for item in tree.selects if item.alias_or_name.casefold() == name), None)
    elif one.is_int and 0 < int(one.name) <= len(tree.selects):
        inner = tree.selects[int(one.name) - 1].unalias()
    else:
        return ""
    return known.get(inner.name.casefold(), "") if isinstance(inner, exp.Column) else ""


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)


def _names_columns_only(tree: exp.Query, source: Source) -> bool:
    """Tell whether every name is a column of the source, or one that the query shows: a row can be named too, and be a value."""
    table = tree.find(exp.Table)
    if table is None or any(value for name, value in table.args.items() if name not in _PLAIN_TABLE):
        return False
    if table.alias_column_names:
        return False
    tables = {table.name.casefold(), table.alias_or_name.casefold()}
    columns = set(_folded(source))
    shown = {one.alias.casefold() for one in tree.selects} - tables

    def known(one: exp.Column) -> bool:
        if len(one.parts) > 1:
            return (
                one.table.casefold() in tables
                and not one.db
                and (isinstance(one.this, exp.Star) or one.name.casefold() in columns)
            )
        return one.name.casefold() in columns | shown

    return all(known(one) for one in tree.find_all(exp.Column))


def _columns_in(tree: exp.Query, source: Source) -> tuple[str, ...]:
    known = _folded(source)
    named = (known.get(node.name.casefold()) for node in tree.find_all(exp.Column))
    return tuple(dict.fromkeys(name for name in named if name is not None))


def _folded(source: Source) -> dict[str, str]:
    return {column.name.casefold(): column.name for column in source.columns}
