"""Read conditions and domains in one line: the closed grammars of terminal and forms.

``COLUMN=VALUE`` and ``COLUMN__op=VALUE`` are filters, as in the row API. ``KEY,KEY``, ``LOW..HIGH``, ``LOW..HIGH/STEP`` and ``@CODE_SET``
say what is publicly known of a column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid
from beijiang.tables import Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.protection.models.private import Domain

__all__ = ["read_domain", "read_where", "written", "written_domain"]

_OPERATORS: Final = {"exact": FilterOp.EQ, **{op.value: op for op in FilterOp}}
_WITHOUT_VALUE: Final = frozenset({FilterOp.ISNULL, FilterOp.NOTNULL})


def read_where(text: str) -> Filter:
    """Read one condition; without an operator the column equals the value, and ``in`` takes values between commas.

    Raises:
        Invalid: there is no column, or no equals sign where a value is needed (``bad_condition``).

    """
    name, equals, value = text.partition("=")
    column, mark, word = name.strip().rpartition("__")
    op = _OPERATORS.get(word) if mark else None
    if op is None:
        column, op = name.strip(), FilterOp.EQ
    if not column or (not equals and op not in _WITHOUT_VALUE):
        raise Invalid(
            f"条件“{text[:60]}”读不懂。请写成 列=值 或 列__算子=值，算子：{'、'.join(_OPERATORS)}。",
            f'The condition "{text[:60]}" is not understood. Write COLUMN=VALUE or COLUMN__op=VALUE; '
            f"operators: {', '.join(_OPERATORS)}.",
            code="bad_condition",
        )
    return Filter(column, op, None if op in _WITHOUT_VALUE else value)


def written(one: Filter) -> str:
    """Write a filter the way it is read."""
    values = one.value if isinstance(one.value, list | tuple) else [one.value]
    shown = "" if one.op in _WITHOUT_VALUE else "=" + ",".join(str(value) for value in values)
    return f"{one.column}__{one.op}{shown}"


def read_domain(words: str) -> dict[str, Any]:
    """Read what is publicly known of a column; whether it fits is judged where it is used."""
    value = words.strip()
    if value.startswith("@"):
        return {"code_set": value[1:].strip()}
    low, dots, rest = value.partition("..")
    if dots:
        high, _, step = rest.partition("/")
        return {"low": low.strip(), "high": high.strip(), "step": step.strip()}
    return {"keys": value.replace("，", ",").split(",")}


def written_domain(domain: Domain) -> str:
    """Write a domain the way it is read."""
    if not domain.numeric:
        return ",".join(domain.keys)
    step = "" if domain.step == 1 else f"/{domain.step}"
    return f"{domain.low}..{domain.high}{step}"
