"""Rows whose value is among many: the values travel as one parameter, however many they are.

A list of its own parameters ends where a database counts them (SQLite: 32,766; PostgreSQL: 65,535).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement

__all__ = ["among"]


class _Each(FunctionElement[str]):
    """The texts of a JSON list as rows."""

    type = String()
    inherit_cache = True
    name = "beijiang_each"


@compiles(_Each)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(_Each, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"(SELECT jsonb_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSONB)))"


def among(column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Test whether a column of texts has one of any number of values; of none, nothing has."""
    return column.bool_op("IN")(_Each(literal(json.dumps(list(values), ensure_ascii=False), String())))
