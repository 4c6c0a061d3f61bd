"""Walls 0-2 of the SQL gateway (security.md 3.1): what a user's SQL may be made of, as allow-lists of tree nodes.

Whatever is not listed is refused: a new kind of node in a later parser is shut out until somebody lets it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from beijiang.kit import Refused

__all__ = ["FUNCTIONS", "NODES", "fold", "governed_tables", "parse", "refusal"]

LENGTH_LIMIT: Final = 20_000
NODES_LIMIT: Final = 5_000
DEPTH_LIMIT: Final = 64
WIDTH_LIMIT: Final = 10_000
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_ ]{0,40}")
_FOLD: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

NODES: Final = frozenset(
    [
        "Select",
        "Union",
        "Except",
        "Intersect",
        "Subquery",
        "With",
        "CTE",
        "From",
        "Join",
        "Where",
        "Group",
        "Having",
        "Qualify",
        "Order",
        "Ordered",
        "Limit",
        "Offset",
        "Distinct",
        "Alias",
        "TableAlias",
        "Table",
        "Column",
        "Identifier",
        "Star",
        "Literal",
        "Null",
        "Boolean",
        "Paren",
        "Tuple",
        "Values",
        "Lateral",
        "Window",
        "WindowSpec",
        "Filter",
        "WithinGroup",
        "Rollup",
        "Cube",
        "GroupingSets",
        "Exists",
        "In",
        "Between",
        "Like",
        "ILike",
        "Escape",
        "Not",
        "And",
        "Or",
        "EQ",
        "NEQ",
        "GT",
        "GTE",
        "LT",
        "LTE",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "IntDiv",
        "Mod",
        "Neg",
        "DPipe",
        "Is",
        "NullSafeEQ",
        "NullSafeNEQ",
        "Case",
        "If",
        "Cast",
        "TryCast",
        "DataType",
        "DataTypeParam",
        "Interval",
        "Var",
        "IgnoreNulls",
        "RespectNulls",
        "RegexpLike",
        "Any",
        "All",
    ]
)
"""Parts of a query that are no function."""

FUNCTIONS: Final = frozenset(
    [
        "Count",
        "CountIf",
        "Sum",
        "Avg",
        "Min",
        "Max",
        "Median",
        "Mode",
        "Stddev",
        "StddevPop",
        "StddevSamp",
        "Variance",
        "VariancePop",
        "Corr",
        "CovarPop",
        "CovarSamp",
        "ApproxDistinct",
        "ArgMax",
        "ArgMin",
        "AnyValue",
        "First",
        "Last",
        "Quantile",
        "PercentileCont",
        "PercentileDisc",
        "GroupConcat",
        "LogicalAnd",
        "LogicalOr",
        "RowNumber",
        "Rank",
        "DenseRank",
        "PercentRank",
        "CumeDist",
        "Ntile",
        "Lag",
        "Lead",
        "FirstValue",
        "LastValue",
        "NthValue",
        "Coalesce",
        "Nullif",
        "Greatest",
        "Least",
        "Abs",
        "Round",
        "Ceil",
        "Floor",
        "Sqrt",
        "Cbrt",
        "Exp",
        "Ln",
        "Log",
        "Pow",
        "Sign",
        "Trunc",
        "Upper",
        "Lower",
        "Length",
        "Trim",
        "Substring",
        "Replace",
        "Left",
        "Right",
        "StrPosition",
        "Concat",
        "ConcatWs",
        "SplitPart",
        "StartsWith",
        "EndsWith",
        "Contains",
        "Reverse",
        "Pad",
        "Repeat",
        "RegexpReplace",
        "RegexpExtract",
        "RegexpFullMatch",
        "Initcap",
        "Extract",
        "Year",
        "Month",
        "Day",
        "Quarter",
        "Week",
        "DayOfWeek",
        "DayOfWeekIso",
        "DayOfMonth",
        "DayOfYear",
        "WeekOfYear",
        "Hour",
        "Minute",
        "Second",
        "DateTrunc",
        "TimestampTrunc",
        "DateDiff",
        "DateAdd",
        "DateSub",
        "TsOrDsToDate",
        "TimeToStr",
        "StrToTime",
        "StrToDate",
        "CurrentDate",
        "CurrentTimestamp",
        "LastDay",
        "Date",
        "DateFromParts",
        "TsOrDsAdd",
    ]
)
"""Functions that the parser knows, by the name of their node."""

PLAIN_FUNCTIONS: Final = frozenset(
    [
        "bool_and",
        "bool_or",
        "product",
        "skewness",
        "kurtosis",
        "any_value",
        "arg_max",
        "arg_min",
        "approx_count_distinct",
        "count_star",
        "regr_slope",
        "regr_intercept",
        "regr_r2",
        "quantile_cont",
        "quantile_disc",
        "mad",
        "fsum",
        "favg",
        "strpos",
        "instr",
        "regexp_matches",
        "regexp_full_match",
        "regexp_extract",
        "regexp_replace",
        "lcase",
        "ucase",
        "ltrim",
        "rtrim",
        "starts_with",
        "ends_with",
        "contains",
        "prefix",
        "suffix",
        "ascii",
        "unicode",
        "chr",
        "left",
        "right",
        "lpad",
        "rpad",
        "repeat",
        "translate",
        "length",
        "strlen",
        "year",
        "month",
        "day",
        "quarter",
        "week",
        "weekday",
        "isodow",
        "dayofweek",
        "dayofyear",
        "hour",
        "minute",
        "second",
        "monthname",
        "dayname",
        "date_part",
        "datepart",
        "date_trunc",
        "date_diff",
        "datediff",
        "date_sub",
        "strftime",
        "strptime",
        "try_strptime",
        "make_date",
        "epoch",
        "last_day",
        "age",
        "ifnull",
        "nullif",
        "ln",
        "log",
        "log2",
        "log10",
        "cbrt",
        "pi",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "atan2",
        "degrees",
        "radians",
        "even",
        "gcd",
        "lcm",
        "greatest",
        "least",
        "ceil",
        "ceiling",
        "trunc",
        "sign",
        "isnan",
        "isfinite",
    ]
)
"""Functions that the parser does not know, by name; of the engine's, only what computes on its arguments."""

_TYPES: Final = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "INT128",
        "UTINYINT",
        "USMALLINT",
        "UINT",
        "UBIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "BOOLEAN",
        "TEXT",
        "VARCHAR",
        "CHAR",
        "DATE",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "TIMESTAMPNTZ",
        "TIMESTAMP_S",
        "TIMESTAMP_MS",
        "INTERVAL",
    ]
)
_ARGUMENTS: Final[dict[str, frozenset[str]]] = {
    "Table": frozenset({"this", "alias", "joins"}),
    "Select": frozenset(
        [
            "expressions",
            "from_",
            "from",
            "joins",
            "where",
            "group",
            "having",
            "qualify",
            "windows",
            "order",
            "limit",
            "offset",
            "distinct",
            "with_",
            "with",
            "laterals",
            "kind",
            "operation_modifiers",
        ]
    ),
    "Star": frozenset({"except_", "except", "replace", "rename"}),
    "Column": frozenset({"this", "table"}),
    "Join": frozenset({"this", "on", "using", "side", "kind", "method"}),
    "Lateral": frozenset({"this", "alias"}),
    "Limit": frozenset({"expression"}),
    "CTE": frozenset({"this", "alias"}),
    "With": frozenset({"expressions", "recursive"}),
    "Cast": frozenset({"this", "to"}),
    "TryCast": frozenset({"this", "to"}),
    "Ordered": frozenset({"this", "desc", "nulls_first"}),
    "Subquery": frozenset({"this", "alias", "joins", "with_", "with", "order", "limit", "offset", "where"}),
}
"""Nodes whose other arguments carry versions, samples, hints, locks and the like."""
_WIDTHS: Final = frozenset({"Pad", "Repeat"})
_PLAIN_WIDTHS: Final = frozenset({"lpad", "rpad", "repeat"})


def refusal() -> Refused:
    """Return the one error for SQL that the walls do not let through; it repeats nothing of the text."""
    return Refused(
        "这条查询不被允许：只能使用一条 SELECT 语句，查询目录中您有权使用的表，以及常用的运算和函数。",
        "This query is not allowed: write one SELECT over catalogued tables that you may use, with common operators and functions.",
        code="sql_not_allowed",
    )


def fold(name: str) -> str:
    """Return a name as the engine compares it: only A-Z have a lower case."""
    return name.translate(_FOLD)


def parse(text: str) -> exp.Query:
    """Return the tree of exactly one query that is made of allowed parts only, with every name quoted.

    Raises:
        Refused: anything else (``sql_not_allowed``).

    """
    from beijiang.engine.parsing import statements  # brings the parser of a dialect, which few commands need

    if len(text) > LENGTH_LIMIT or "\x00" in text:
        raise refusal()
    try:
        found = statements(text)
        if len(found) != 1 or not isinstance(found[0], exp.Query):
            raise refusal()
        tree = found[0]
        _check(tree)
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        raise refusal() from None
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", True)
    for node in tree.walk():
        node.pop_comments()
    return tree


def _check(tree: exp.Query) -> None:
    count = 0
    stack: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > NODES_LIMIT or depth > DEPTH_LIMIT:
            raise refusal()
        _check_node(node)
        step = 0 if isinstance(node, exp.Connector | exp.Add | exp.DPipe) and isinstance(node.this, type(node)) else 1
        stack += [(child, depth + step) for child in node.iter_expressions()]


def _check_node(node: exp.Expr) -> None:
    name = type(node).__name__
    if isinstance(node, exp.Anonymous):
        _check_plain_function(node)
    elif name not in NODES and name not in FUNCTIONS:
        raise refusal()
    allowed = _ARGUMENTS.get(name)
    for key, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if allowed is not None and key not in allowed:
            raise refusal()
        if isinstance(value, str) and not _may_hold_text(node) and not _WORD.fullmatch(value):
            raise refusal()
    check = _CHECKS.get(name)
    if check is not None and not check(node):
        raise refusal()
    if name in _WIDTHS:
        _check_width(node.args.get("expression") or node.args.get("times"))


def _may_hold_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Identifier | exp.Literal | exp.Anonymous)


def _check_plain_function(node: exp.Anonymous) -> None:
    if not isinstance(node.this, str) or fold(node.this) not in PLAIN_FUNCTIONS:
        raise refusal()
    if fold(node.this) in _PLAIN_WIDTHS:
        _check_width(node.expressions[1] if len(node.expressions) > 1 else None)


def _check_width(width: exp.Expr | None) -> None:
    """A width that is computed can fill the memory before any limit of the engine sees it (security.md 3.3)."""
    if not isinstance(width, exp.Literal) or width.is_string or not str(width.this).isdigit():
        raise refusal()
    if int(width.this) > WIDTH_LIMIT:
        raise refusal()


def _plain_table(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Identifier)


def _simple_type(node: exp.Expr) -> bool:
    kind = node.this
    return isinstance(kind, exp.DataType.Type) and kind.name in _TYPES


def _lateral_query(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Subquery)


def _plain_word(node: exp.Expr) -> bool:
    return isinstance(node.this, str) and _WORD.fullmatch(node.this) is not None


def _no_positional_join(node: exp.Expr) -> bool:
    return not isinstance(node.this, exp.Table) or _plain_table(node.this)


_CHECKS: Final[dict[str, Callable[[exp.Expr], bool]]] = {
    "Table": _plain_table,
    "DataType": _simple_type,
    "Lateral": _lateral_query,
    "Var": _plain_word,
    "Join": _no_positional_join,
}


def governed_tables(tree: exp.Query) -> list[exp.Table]:
    """Return the table nodes that no CTE binds, by lexical scope: a body sees itself only if it is recursive.

    Raises:
        Refused: the tree is nested too deep.

    """
    found: list[exp.Table] = []
    try:
        _visit(tree, frozenset(), found)
    except RecursionError:
        raise refusal() from None
    return found


def _visit(node: exp.Expr, bound: frozenset[str], found: list[exp.Table]) -> None:
    with_ = node.args.get("with_")
    if isinstance(with_, exp.With):
        recursive = bool(with_.args.get("recursive"))
        for cte in with_.expressions:
            name = fold(cte.alias)
            _visit(cte.this, bound | {name} if recursive else bound, found)
            bound |= {name}
    if isinstance(node, exp.Table) and fold(node.name) not in bound:
        found.append(node)
    for key, value in node.args.items():
        if key == "with_":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, exp.Expr):
                _visit(child, bound, found)


@cache
def unknown_entries() -> tuple[str, ...]:
    """Return listed nodes that this parser does not have; a test keeps it empty."""
    return tuple(sorted(name for name in NODES | FUNCTIONS if not isinstance(getattr(exp, name, None), type)))
