"""Write a view into a query string and read it back: short words, in a fixed order, the filters as the row API has them.

``_form=bar&_by=盟市&_by=成立日期:year&_measure=sum:注册资本&状态__exact=存续``. Unknown words are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from beijiang.kit import Invalid
from beijiang.opendata.explorer.view import AUTOMATIC, By, Form, Order, View
from beijiang.protection import rowquery
from beijiang.tables import DateUnit, Measure, MeasureFn

__all__ = [
    "WORDS",
    "pairs",
    "parse",
    "query_string",
    "read_by",
    "readable",
    "written_by",
    "written_cut",
    "written_measure",
]

ONCE: Final = ("_form", "_x", "_y", "_order", "_top")
WORDS: Final = (*ONCE, "_by", "_measure", "_col", "_sort", "_sort_desc")
AS_IT_IS: Final = "value"
BINS: Final = "bins"
WIDTH: Final = "bin"
MEAN: Final = "mean"
DIGITS: Final = 20


def query_string(view: View) -> str:
    """Return the query string of a view, without a question mark."""
    return urlencode(pairs(view))


def readable(view: View) -> str:
    """Return the query string with its letters of every script as they are, for people who read or send it."""
    return "&".join(f"{_spoken(name)}={_spoken(value)}" for name, value in pairs(view))


def _spoken(text: str) -> str:
    return "".join(c if c == ":" or (ord(c) > 0x7F and c.isalnum()) else quote_plus(c) for c in text)  # noqa: PLR2004 - ASCII


def pairs(view: View) -> list[tuple[str, str]]:
    """Return the parameters that ``parse`` reads back as this view."""
    found = [("_form", view.form.value)]
    found += [("_by", written_by(one)) for one in view.by]
    found += [("_measure", written_measure(one)) for one in view.measures]
    singles = (("_x", view.x), ("_y", view.y), ("_order", view.order and view.order.value))
    found += [(name, value) for name, value in singles if value is not None]
    if view.top is not None:
        found.append(("_top", str(view.top)))
    return found + rowquery.RowQuery(view.filters, view.sort, view.columns).pairs()


def parse(asked: Sequence[tuple[str, str]]) -> View:
    """Read the query string's pairs; whether the view fits the data set is for ``check`` to say.

    Raises:
        Invalid: ``unknown_parameter``, ``repeated_parameter``, ``bad_view``, or as ``rowquery.parse`` does.

    """
    words: dict[str, str] = {}
    by: list[By] = []
    measures: list[Measure] = []
    rest: list[tuple[str, str]] = []
    for name, value in asked:
        if name == "_by":
            by.append(read_by(value))
        elif name == "_measure":
            measures.append(read_measure(value))
        elif name in ONCE:
            _once(words, name, value)
        elif name in {"_size", "_next", "_count"}:
            raise Invalid(
                f"视图不认识参数 {name}。可用：{'、'.join(WORDS)}，以及 列名__算子=值。",
                f"A view has no parameter {name}. Use {', '.join(WORDS)}, or column__op=value.",
                code="unknown_parameter",
                detail={"known": [*WORDS]},
            )
        else:
            rest.append((name, value))
    rows = rowquery.parse(rest)
    order = words.get("_order")
    return View(
        form=_word(Form, words.get("_form", Form.TABLE.value)),
        by=tuple(by),
        measures=tuple(measures),
        x=words.get("_x"),
        y=words.get("_y"),
        filters=rows.filters,
        columns=rows.columns,
        sort=rows.sort,
        order=_word(Order, order) if order is not None else None,
        top=_top(words.get("_top")),
    )


def _once(words: dict[str, str], name: str, value: str) -> None:
    if name in words:
        raise Invalid(f"参数 {name} 只能给一次。", f"Give {name} once only.", code="repeated_parameter")
    words[name] = value


def written_by(one: By) -> str:
    """Return a grouping as a word: ``盟市``, ``成立日期:month``, ``注册资本:bins``, ``注册资本:bin1000``."""
    cut = written_cut(one)
    return one.column if cut == AS_IT_IS and ":" not in one.column else f"{one.column}:{cut}"


def written_cut(one: By) -> str:
    """Return how a column is cut, as a word."""
    if one.width is not None:
        return BINS if one.width == AUTOMATIC else WIDTH + _plain(one.width)
    return AS_IT_IS if one.unit is DateUnit.NONE else one.unit.value


def read_by(word: str) -> By:
    """Read a grouping; what follows the last colon is how it is cut, where it is a word for that."""
    column, mark, cut = word.rpartition(":")
    if not mark:
        return By(word)
    if cut == AS_IT_IS:
        return By(column)
    if cut == BINS:
        return By(column, width=AUTOMATIC)
    if cut.startswith(WIDTH) and (width := _width(cut.removeprefix(WIDTH))) is not None:
        return By(column, width=width)
    if cut in set(DateUnit) - {DateUnit.NONE}:
        return By(column, DateUnit(cut))
    return By(word)


def _width(text: str) -> Decimal | None:
    try:
        width = Decimal(text) if text.isascii() and len(text) <= DIGITS else None
    except InvalidOperation:
        return None
    return width if width is not None and width.is_finite() and width > 0 and _plain(width) == text else None


def _plain(width: Decimal) -> str:
    text = f"{width:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def written_measure(one: Measure) -> str:
    """Return a measure as a word: ``count``, ``sum:注册资本``."""
    name = MEAN if one.fn is MeasureFn.AVG else one.fn.value
    return name if one.column is None else f"{name}:{one.column}"


def read_measure(word: str) -> Measure:
    """Read a measure.

    Raises:
        Invalid: ``bad_view``.

    """
    name, mark, column = word.partition(":")
    fn = _word(MeasureFn, MeasureFn.AVG.value if name == MEAN else name)
    return Measure(fn, column if mark else None)


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 6):  # noqa: PLR2004 - a thousand is the most, ``check`` says so
        raise Invalid("_top 应是整数。", "_top is a whole number.", code="bad_view")
    return int(text)


def _word(kind: type[Any], value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        offered = [MEAN if one is MeasureFn.AVG else str(one.value) for one in kind]
        raise Invalid(
            f"不认识“{value[:40]}”。可选：{'、'.join(offered)}。",
            f"“{value[:40]}” is not known here. Choose one of: {', '.join(offered)}.",
            code="bad_view",
            detail={"offered": [*offered]},
        ) from None
