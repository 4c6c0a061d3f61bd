"""Delta Sharing (数据共享协议): what a recipient is shown of grants, as shares, schemas and tables, and the words of the protocol."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beijiang.protection import NO_GRANT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from beijiang.protection import CopyPart, Shelved
    from beijiang.tables import GovernedColumn

__all__ = [
    "FOR_ALL",
    "Fetched",
    "Place",
    "Profile",
    "Shared",
    "SharedFile",
    "SharedTable",
    "SharedVersion",
    "TableQuery",
    "delta_type",
    "schema_text",
    "shared_name",
]

FOR_ALL: Final = "unconditional"
"""The share of what needs no grant; all others are named after the purpose of the grants in them."""

_UNFIT: Final = re.compile(r"[\s./#?%\\\x00-\x1f\x7f]")
_IDS: Final = uuid.UUID("6f1dd1a2-7a3b-4f0e-9f0e-2f6d3a3f9b11")


def shared_name(name: str) -> str:
    """Return a table's name as the protocol writes it: without blanks, dots and slashes."""
    return _UNFIT.sub("_", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedTable:
    """One table of a share, as one reader has it."""

    share: str
    schema: str
    """Id of the department that provides it."""
    name: str
    table: str
    """The name that the platform knows it by."""
    grant: str
    """The grant it is read under; ``NO_GRANT`` in the share of what needs none."""

    @property
    def id(self) -> str:
        """Return an id that stays the same as long as it is read under the same right."""
        return str(uuid.uuid5(_IDS, f"{self.share}/{self.table}/{self.grant}"))

    @property
    def purpose(self) -> str:
        """Return the purpose that readers of it state."""
        return "" if self.grant == NO_GRANT else self.share


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table stands for its reader: share, schema and name, as the client asked."""

    share: str
    schema: str
    name: str

    def is_of(self, table: SharedTable) -> bool:
        """Tell whether it names a table; the protocol knows no case."""
        named = (table.share, table.schema, table.name)
        return tuple(map(str.casefold, named)) == (self.share.casefold(), self.schema.casefold(), self.name.casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedVersion:
    """A version of a table as it is told to the reader."""

    at: SharedTable
    version: int
    columns: tuple[GovernedColumn, ...]
    schema: pa.Schema
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file of a copy that the reader may fetch for some time."""

    id: str
    url: str
    part: CopyPart
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The answer to a query: the version, its files, and the receipt."""

    version: SharedVersion
    copy: Shelved
    files: tuple[SharedFile, ...]
    receipt: str
    contract: str
    delivered: Callable[[Mapping[str, str], int], None] = field(repr=False, compare=False)
    """Adds to the receipt the digests of what was asked and answered, and how many bytes that was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableQuery:
    """What a recipient asks of a table; hints may spare files and never decide what is seen."""

    version: int | None = None
    timestamp: datetime | None = None
    limit: int | None = None
    hints: Sequence[Mapping[str, Any]] = ()
    """Conditions as the protocol's JSON trees; all of them hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file on its way, or what is told of it."""

    file: str
    size: int
    first: int
    count: int
    """Bytes that are sent, from ``first`` on; 0 for a range that lies beyond the file."""
    whole: bool
    content: Iterator[bytes]
    receipt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a client needs to connect; its token is shown once."""

    key_id: str
    endpoint: str
    token: str
    expires_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the profile file of the protocol."""
        return {
            "shareCredentialsVersion": 1,
            "endpoint": self.endpoint,
            "bearerToken": self.token,
            "expirationTime": self.expires_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }


def schema_text(version: SharedVersion) -> dict[str, Any]:
    """Return the schema of a version as the protocol writes it; of hidden columns nothing stands in it."""
    told = {column.name: column.comment for column in version.columns}
    return {
        "type": "struct",
        "fields": [
            {
                "name": field.name,
                "type": delta_type(field.type),
                "nullable": True,
                "metadata": {"comment": told[field.name]} if told.get(field.name) else {},
            }
            for field in version.schema
        ],
    }


def delta_type(kind: pa.DataType) -> str:
    """Return the protocol's name of a type; moments are always in UTC."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return delta_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    names = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_int8, "byte"),
        (pa.types.is_int16, "short"),
        (pa.types.is_int32, "integer"),
        (pa.types.is_integer, "long"),
        (pa.types.is_float32, "float"),
        (pa.types.is_floating, "double"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_binary, "binary"),
        (pa.types.is_large_binary, "binary"),
    )
    return next((name for test, name in names if test(kind)), "string")
