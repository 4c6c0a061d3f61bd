"""The types a column can have, and the pinned schema of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from beijiang.kit import Invalid

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ColumnSpec", "ColumnType", "TypedSchema"]


class ColumnType(StrEnum):
    """What a column holds once it is typed."""

    TEXT = "text"
    INTEGER = "integer"
    """64 bits, signed."""
    DECIMAL = "decimal"
    """Exact, with precision and scale: money, rates, measurements."""
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    """An instant. Text without a zone is Beijing time (Asia/Shanghai); stored in UTC, microseconds."""
    GEOMETRY = "geometry"
    """GeoJSON geometry as text, WGS 84 unless the source says otherwise."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column: its name as the supplier wrote it, its type, and how its raw text is written."""

    name: str
    type: ColumnType
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None
    percent: bool = False
    """Values were written with a percent sign; 12.5% is held as 12.5."""
    fixed: bool = False
    """Every decimal is written with exactly ``scale`` digits after the point (otherwise without trailing zeros)."""

    def to_json(self) -> dict[str, object]:
        """Return a plain dictionary for storage; defaults are left out."""
        value: dict[str, object] = {"name": self.name, "type": self.type.value}
        if not self.nullable:
            value["nullable"] = False
        if self.type is ColumnType.DECIMAL:
            value |= {"precision": self.precision, "scale": self.scale}
        if self.percent:
            value["percent"] = True
        if self.fixed:
            value["fixed"] = True
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> ColumnSpec:
        """Rebuild a stored column; ``Invalid`` when it is not one."""
        try:
            kind = ColumnType(str(value["type"]))
            decimal = kind is ColumnType.DECIMAL
            return cls(
                name=str(value["name"]),
                type=kind,
                nullable=value.get("nullable", True) is not False,
                precision=int(str(value["precision"])) if decimal else None,
                scale=int(str(value["scale"])) if decimal else None,
                percent=value.get("percent", False) is True,
                fixed=value.get("fixed", False) is True,
            )
        except (KeyError, ValueError) as error:
            raise Invalid(
                f"列定义无法识别：{dict(value)}。", f"This is no column definition: {dict(value)}.", code="bad_schema"
            ) from error

    def to_arrow(self) -> pa.Field:
        """Return the Arrow field: text and geometry are ``string``, a timestamp is ``timestamp[us, UTC]``."""
        import pyarrow as pa

        kinds = {
            ColumnType.INTEGER: pa.int64(),
            ColumnType.DOUBLE: pa.float64(),
            ColumnType.BOOLEAN: pa.bool_(),
            ColumnType.DATE: pa.date32(),
            ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
        }
        if self.type is ColumnType.DECIMAL:
            return pa.field(self.name, pa.decimal128(self.precision or 18, self.scale or 0), self.nullable)
        return pa.field(self.name, kinds.get(self.type, pa.string()), self.nullable)


@dataclass(frozen=True, slots=True)
class TypedSchema:
    """The columns of a table, in order; pinned at its first commit."""

    columns: tuple[ColumnSpec, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names in order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> ColumnSpec | None:
        """Return the column called ``name``, if there is one."""
        return next((c for c in self.columns if c.name == name), None)

    def to_arrow(self) -> pa.Schema:
        """Return the Arrow schema in order."""
        import pyarrow as pa

        return pa.schema([c.to_arrow() for c in self.columns])

    def to_json(self) -> dict[str, object]:
        """Return a plain dictionary for storage."""
        return {"columns": [c.to_json() for c in self.columns]}

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> TypedSchema:
        """Rebuild a stored schema; ``Invalid`` (``bad_schema``) when it is none."""
        columns = value.get("columns")
        if not isinstance(columns, list):
            raise Invalid("表结构无法识别。", "This is no stored schema.", code="bad_schema")
        return cls(tuple(ColumnSpec.from_json(c) for c in columns))
