"""Parameters of an application: declared once with a type, read from an address, given to queries as typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from beijiang.apps.errors import bad_parameter
from beijiang.apps.models.words import ParamType
from beijiang.kit import Text
from beijiang.protection import numbered

__all__ = ["TODAY", "Parameter", "numbered", "values_of"]

TODAY: Final = "today"
"""A parameter that every query may name without a declaration: the day on which it is asked, in the region's time zone."""
TEXT_MOST: Final = 200
_WHOLE: Final = re.compile(r"[+-]?\d{1,18}")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,10})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; without a value a query gets NULL in its place."""

    name: str
    type: ParamType
    label: Text
    default: str = ""
    choices: tuple[str, ...] = ()
    query: str = ""
    """The query whose first column offers values, where there is one."""

    def read(self, text: str) -> Any:
        """Return the value of a text, None for an empty one.

        Raises:
            Invalid: the text is none of the type, too long, or not among the choices (``app_parameter``).

        """
        text = text.strip()
        if not text:
            return None
        if len(text) > TEXT_MOST or "\x00" in text:
            raise bad_parameter(self.name, f"超过 {TEXT_MOST} 字", f"it is over {TEXT_MOST} characters")
        if self.choices and text not in self.choices:
            raise bad_parameter(self.name, "不在可选值之中", "it is none of the choices")
        value = self._typed(text)
        if value is None:
            raise bad_parameter(self.name, f"应为{self.type.text.zh}", f"it is a {self.type.text.en}")
        return value

    def _typed(self, text: str) -> Any:
        if self.type is ParamType.INTEGER:
            return int(text) if text.isascii() and _WHOLE.fullmatch(text) else None
        if self.type is ParamType.NUMBER:
            return float(text) if text.isascii() and _NUMBER.fullmatch(text) else None
        if self.type is ParamType.DATE:
            try:
                return date.fromisoformat(text) if len(text) == len("2026-11-27") else None
            except ValueError:
                return None
        return text


def values_of(declared: Sequence[Parameter], asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of every parameter: what an address says, the default where it says nothing.

    Raises:
        Invalid: a value is not taken.

    """
    return {one.name: one.read(asked.get(one.name, one.default)) for one in declared}
