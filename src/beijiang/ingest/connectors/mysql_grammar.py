"""How MySQL and MariaDB write their columns as canonical text."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from beijiang.ingest.connectors.contract import Position
from beijiang.ingest.connectors.sql import Grammar
from beijiang.ingest.connectors.zones import from_utc, offsets
from beijiang.ingest.typing import ColumnSpec, ColumnType

__all__ = ["MySQLGrammar", "Native"]

_BYTES: Final = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_LETTERS: Final = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_NUMBERS: Final = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"})
_SHAPES: Final = frozenset(
    ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection"]
)  # fmt: skip


class Native(sa.types.UserDefinedType[Any]):
    """A type as the server names it."""

    cache_ok = True

    def __init__(self, word: str, bits: int = 0) -> None:
        self.word = word
        self.bits = bits


class MySQLGrammar(Grammar):
    """MySQL's spelling. Every value arrives as its canonical text, so what the server counts is what it delivers."""

    def __init__(self, time_zone: str) -> None:
        self._zone = time_zone
        self.dialect = mysql.dialect(paramstyle="named")

    def read(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        """Return what the server writes as canonical text by itself, without asking for the text of it first."""
        word = _word_of(column)
        if word in _LETTERS or word == "date":
            return column
        if word in _NUMBERS:
            return self._number(column, spec)
        return self.canonical(column, spec)

    def canonical(self, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[str]:
        word = _word_of(column)
        value: sa.ColumnElement[Any] = column
        if word == "bit":
            return self._bits_of(column)
        if word in _BYTES:
            return sa.func.concat(self._word("\\x"), sa.func.lower(sa.func.hex(column)))
        if word in _SHAPES:
            return self._text(sa.func.st_asgeojson(column))
        if word in {"datetime", "timestamp"}:
            return self._moment(column, word)
        if word == "float":  # all digits: by itself it is shown with six
            value = sa.type_coerce(column, sa.Double()) + sa.literal_column("0e0")
        else:
            value = self._number(column, spec)
        return self._text(value)

    @staticmethod
    def _number(column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        """Return a number without the zeros that some columns are filled with; what is none stays as it is."""
        if spec.type in {ColumnType.INTEGER, ColumnType.BOOLEAN}:
            return sa.cast(column, sa.Integer())
        if spec.type is ColumnType.DECIMAL:
            return sa.cast(column, sa.DECIMAL(spec.precision, spec.scale))
        return column

    def bound(self, value: Position, column: sa.ColumnClause[Any], spec: ColumnSpec) -> sa.ColumnElement[Any]:
        text = str(value)
        if spec.type is ColumnType.TIMESTAMP:
            bare = isinstance(column.type, Native) and column.type.word == "datetime"
            return sa.cast(self._word(from_utc(text, self._zone) if bare else text), mysql.DATETIME(fsp=6))
        kind: sa.types.TypeEngine[Any] = sa.DECIMAL(65, 30)
        if spec.type is ColumnType.DATE:
            kind = sa.Date()
        return sa.cast(self._word(text), kind)

    def bucket(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
        return self._head(text, 2)

    def checksum(self, text: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
        return self._text(sa.func.sum(self._head(text, 15)))

    def _head(self, text: sa.ColumnElement[str], digits: int) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.conv(sa.func.substr(sa.func.md5(text), 1, digits), 16, 10), sa.Integer())

    def _bits_of(self, column: sa.ColumnClause[Any]) -> sa.ColumnElement[str]:
        bits = getattr(column.type, "bits", 1)
        number = sa.type_coerce(column, sa.Integer()) + 0
        return self._text(number if bits == 1 else sa.func.lpad(sa.func.bin(number), bits, self._word("0")))

    def _moment(self, column: sa.ColumnClause[Any], word: str) -> sa.ColumnElement[str]:
        """Write a moment in UTC; what is none (the year, month or day 0) is written as a literal, which no step can take for one."""
        moment: sa.ColumnElement[Any] = column
        if word == "datetime":
            (_, oldest), *later = reversed(offsets(self._zone))
            moved = [
                (column >= self._word(f"{start}"), self._earlier(column, ahead)) for start, ahead in reversed(later)
            ]
            moment = self._earlier(column, oldest)
            moment = sa.case(*moved, else_=moment) if moved else moment
        text = sa.func.date_format(moment, self._word("%Y-%m-%d %H:%i:%s.%f"))
        return sa.func.coalesce(text, sa.func.concat(self._word("'"), self._text(column), self._word("'")))

    @staticmethod
    def _earlier(column: sa.ColumnClause[Any], seconds: int) -> sa.ColumnElement[Any]:
        return sa.func.timestampadd(sa.literal_column("SECOND"), -seconds, column) if seconds else column

    @staticmethod
    def _text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
        """Write a value in the connection's character set, which is UTF-8, whatever the table's."""
        return sa.cast(value, mysql.CHAR())

    @staticmethod
    def _word(text: str) -> sa.ColumnElement[str]:
        return sa.literal(text, sa.Text())


def _word_of(column: sa.ColumnClause[Any]) -> str:
    return column.type.word if isinstance(column.type, Native) else ""
