"""What a data contract says (ODCS 3.0.0 to 3.2.0), as far as the platform acts on it or shows it.

What is not here is kept all the same: the file itself is the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import Word

if TYPE_CHECKING:
    from beijiang.contracts.models.tree import Plain
    from beijiang.kit.errors import JsonValue

__all__ = [
    "API_VERSIONS",
    "DERIVED",
    "DIMENSIONS",
    "LOGICAL_TYPES",
    "METRICS",
    "OPERATORS",
    "Channel",
    "Check",
    "CheckType",
    "Custom",
    "DataObject",
    "Definition",
    "Field",
    "Member",
    "Price",
    "RoleTerm",
    "Server",
    "Service",
    "Terms",
]

API_VERSIONS: Final = ("v3.1.0", "v3.2.0", "v3.0.2", "v3.0.1", "v3.0.0")
"""Versions of the standard that are read; drafts of our own are written in the first."""
LOGICAL_TYPES: Final = (
    "string",
    "date",
    "timestamp",
    "time",
    "number",
    "integer",
    "object",
    "array",
    "boolean",
    "map",
    "vector",
)
DERIVED: Final = ("measure", "dimension")
"""Semantic types (ODCS 3.2) of what is reckoned from columns when it is asked for, and stands in no table."""
METRICS: Final = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
DIMENSIONS: Final = (
    "accuracy",
    "completeness",
    "conformity",
    "consistency",
    "coverage",
    "timeliness",
    "uniqueness",
)
OPERATORS: Final = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)


class CheckType(Word):
    """How a rule of quality is written."""

    LIBRARY = "library", "标准指标", "library metric"
    TEXT = "text", "文字说明", "text"
    SQL = "sql", "SQL", "SQL"
    CUSTOM = "custom", "第三方工具", "other tool"


@dataclass(frozen=True, slots=True)
class Definition:
    """Where something is defined with authority."""

    url: str
    type: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Custom:
    """A property of somebody's own."""

    property: str
    value: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule of quality; ``path`` is where it stands in the file."""

    path: tuple[str | int, ...]
    type: CheckType
    metric: str = ""
    name: str = ""
    description: str = ""
    dimension: str = ""
    severity: str = ""
    unit: str = ""
    operator: str = ""
    bounds: tuple[float, ...] = ()
    """What the operator compares with: one number, or two."""
    arguments: Mapping[str, JsonValue]
    query: str = ""
    engine: str = ""
    implementation: str = ""

    @property
    def key(self) -> str:
        """Return what tells it from others: its words, not its place."""
        parts = (
            self.type,
            self.metric,
            self.name,
            self.query,
            self.engine,
            self.description if not self.metric else "",
        )
        return " ".join(str(part) for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column, or a part of one."""

    path: tuple[str | int, ...]
    name: str
    physical_name: str = ""
    logical_type: str = ""
    physical_type: str = ""
    options: Mapping[str, JsonValue]
    required: bool = False
    unique: bool = False
    primary_key: bool = False
    key_position: int = -1
    classification: str = ""
    critical: bool = False
    business_name: str = ""
    description: str = ""
    definitions: tuple[Definition, ...] = ()
    checks: tuple[Check, ...] = ()
    parts: tuple[Field, ...] = ()
    relationships: tuple[str, ...] = ()
    """What its values refer to."""
    allowed: tuple[JsonValue, ...] = ()
    """The only values that it may have (``enum``); none said: any."""
    derived: bool = False
    """It is a measure or a dimension: no column of the table."""

    @property
    def column(self) -> str:
        """Return the name of the column in the table."""
        return self.physical_name or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataObject:
    """A table of the contract."""

    path: tuple[str | int, ...]
    name: str
    physical_name: str = ""
    physical_type: str = ""
    business_name: str = ""
    description: str = ""
    fields: tuple[Field, ...] = ()
    checks: tuple[Check, ...] = ()
    relationships: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Field, ...]:
        """Return the fields that stand in the table."""
        return tuple(f for f in self.fields if not f.derived)

    @property
    def key(self) -> tuple[Field, ...]:
        """Return the fields of the primary key in their order."""
        return tuple(sorted((f for f in self.fields if f.primary_key), key=lambda f: f.key_position))

    def field(self, name: str) -> Field | None:
        """Return a field by its name, or by that of its column."""
        return next((f for f in self.fields if name in {f.name, f.column}), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A level of service."""

    path: tuple[str | int, ...]
    property: str
    value: Plain
    unit: str = ""
    element: str = ""
    driver: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the data are."""

    server: str
    type: str
    environment: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the team."""

    username: str
    name: str = ""
    role: str = ""
    date_in: str = ""
    date_out: str = ""


@dataclass(frozen=True, slots=True)
class RoleTerm:
    """A role that gives access, and who approves it."""

    role: str
    access: str = ""
    first_approvers: str = ""
    second_approvers: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where help is to be had."""

    channel: str
    tool: str = ""
    url: str = ""
    scope: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What it costs."""

    amount: float | None = None
    currency: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A contract."""

    api_version: str
    id: str
    version: str
    status: str
    name: str = ""
    tenant: str = ""
    domain: str = ""
    data_product: str = ""
    purpose: str = ""
    usage: str = ""
    limitations: str = ""
    tags: tuple[str, ...] = ()
    objects: tuple[DataObject, ...] = ()
    services: tuple[Service, ...] = ()
    servers: tuple[Server, ...] = ()
    team: tuple[Member, ...] = ()
    roles: tuple[RoleTerm, ...] = ()
    support: tuple[Channel, ...] = ()
    price: Price | None = None
    definitions: tuple[Definition, ...] = ()
    custom: tuple[Custom, ...] = ()

    def object(self, name: str) -> DataObject | None:
        """Return an object by its name, or by that of its table."""
        return next((o for o in self.objects if name in {o.name, o.physical_name}), None)
