"""The shape of a governed read: what ``protection`` gives to every exit, declared here so that no exit can do without.

``Tables`` takes a ``ReadPolicy`` in its constructor and has no default for it: forgetting the gate is a type error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, Self

from beijiang.kit import Actor
from beijiang.tables.models.filters import Filter, Sort

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from beijiang.tables.models.filters import Value
    from beijiang.tables.models.sifting import Sift, Sifted, Tallied


class Exit(StrEnum):
    """A place where rows leave the platform; the policy decides per exit."""

    AGENT = "agent"
    APP = "app"
    """A page or end-point of a hosted application, as its reader may see it."""
    CHART = "chart"
    COMMON = "common"
    DATASTORE = "datastore"
    """Rows by number, for programs that know CKAN's datastore."""
    DELTA = "delta_sharing"
    DOWNLOAD = "download"
    EXPORT = "export"
    FEATURES = "features"
    """Places for maps: OGC API Features."""
    FLIGHT = "flight"
    GRAPH = "graph"
    """Graphs of who holds, heads and neighbours whom."""
    OVERLAP = "overlap"
    PAGE = "page"
    PREVIEW = "preview"
    PUSH = "push"
    PUSH_PLAN = "push_plan"
    """What a push would bring is looked at; no row leaves."""
    QUALITY = "quality"
    RETURN_FILE = "return_file"
    ROW_API = "row_api"
    SEARCH = "search"
    SERVICE = "service"
    SQL = "sql"
    TRAINING = "training"
    """Rows that a model learns from or says something of, as the person who asks may see them."""
    VERIFY = "verify"
    COUNT = "count"


DELIVERIES: Final = frozenset(
    {Exit.AGENT, Exit.DATASTORE, Exit.DELTA, Exit.DOWNLOAD, Exit.FEATURES, Exit.PUSH, Exit.ROW_API}
)
"""Exits by which data are handed over, and not only looked at: what is agreed on them holds there."""


class DateUnit(StrEnum):
    """To what a date is cut before grouping."""

    NONE = "none"
    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    WEEK = "week"
    """Seven days from a Monday, named by it (ISO 8601)."""
    DAY = "day"


@dataclass(frozen=True, slots=True)
class GroupBy:
    """One grouping column: as it is, dates cut to a unit, or numbers to steps of a width."""

    column: str
    unit: DateUnit = DateUnit.NONE
    width: Decimal | None = None
    """Numbers are cut to steps: the group is the whole number of widths that fit below a value (-1 holds [-width, 0))."""
    only: tuple[Value, ...] | None = None
    """Leave out rows of every other group."""


class MeasureFn(StrEnum):
    """What is computed per group."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class Measure:
    """One computed column; ``count`` without a column counts rows."""

    fn: MeasureFn
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Quantile:
    """The least value of a column of numbers or days below or at which this share of its values lie; moments count as days."""

    column: str
    at: Decimal
    """Above 0 and at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A grouped summary: result columns are the groups, then the measures, then the quantiles, in this order."""

    group: tuple[GroupBy, ...] = ()
    measures: tuple[Measure, ...] = (Measure(MeasureFn.COUNT),)
    quantiles: tuple[Quantile, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: tuple[tuple[int, bool], ...] = ()
    """Pairs of (position of the result column, descending)."""
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class GovernedColumn:
    """One column as this reader may see it."""

    name: str
    type: str
    comment: str
    grade: str
    kind: str | None
    masked: bool
    mask: str | None
    personal: bool = True
    """Whether it tells about a person; where nobody says, it does."""
    in_doubt: bool = False
    """Whether its values are being looked into (校核) at this moment."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page and the token of the next one, if there is any."""

    rows: pa.Table
    next: str | None


class GovernedTable(Protocol):
    """A table as one actor may see it now; never kept across requests."""

    @property
    def table(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def columns(self) -> tuple[GovernedColumn, ...]: ...
    @property
    def withheld(self) -> tuple[str, ...]: ...
    @property
    def history(self) -> bool:
        """Tell whether rows are states, of which some may have ended (``valid_to``)."""
        ...

    def of_now(self) -> Self:
        """Return the rows that hold now, whether or not the reader is shown when they end; the same without history."""
        ...

    @property
    def receipt(self) -> str: ...
    @property
    def obligations(self) -> str:
        """Return a digest that changes with anything that this reader's answers depend on."""
        ...

    @property
    def contract(self) -> str:
        """Return the data contract that this delivery is under, as its receivers are told; empty where there is none."""
        ...

    def delivered(self, digests: Mapping[str, str], size: int) -> None:
        """Add to the receipt what was asked (``request``) and the whole file sent (``response``), as SHA-256."""
        ...

    @property
    def grant(self) -> str:
        """Return the id of the grant that is read under, empty where there is none."""
        ...

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Return the columns whose values are being looked into (校核), as far as this reader sees them."""
        ...

    @property
    def filtered(self) -> bool:
        """Tell whether rows are kept back from this reader, so that the table's own counts must be too."""
        ...

    def page(
        self,
        *,
        filters: Sequence[Filter] = (),
        sort: Sort | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Return one page; ``after`` is bound to version, filters and obligations."""
        ...

    def count(self, filters: Sequence[Filter] = ()) -> int:
        """Return how many rows match."""
        ...

    def aggregate(self, spec: Aggregate) -> pa.Table:
        """Return a grouped summary."""
        ...

    def rows_at(self, places: Sequence[tuple[int, int]]) -> pa.Table:
        """Return the rows at some places of the version, as far as this reader may see them."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """Return the key of the table; empty where it has none, or where a part of it is not shown as it is."""
        ...

    def places(
        self,
        columns: Sequence[str],
        fits: Callable[[pa.RecordBatch], npt.NDArray[np.bool_]],
        filters: Sequence[Filter] = (),
    ) -> npt.NDArray[np.int64]:
        """Return where the rows stand that match the filters and pass a test; no row is handed over."""
        ...

    def rows_of(self, places: Sequence[int]) -> pa.Table:
        """Return the rows at ascending places, in their order."""
        ...

    def names_of(self, places: Sequence[int]) -> list[str]:
        """Return a name for each place, from which nothing is learned."""
        ...

    def place_of(self, name: str) -> int | None:
        """Return the place that a name was given to, None where it is none of this version as this reader sees it."""
        ...

    def batches(
        self,
        filters: Sequence[Filter] = (),
        columns: Sequence[str] | None = None,
        *,
        seed: bytes | None = None,
        places: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Stream all matching rows in constant memory; in the order of a mark, or with their places, if wanted."""
        ...

    def sift(self, asked: Sift) -> Sifted:
        """Return a part of the rows that fit, with their numbers."""
        ...

    def sift_all(self, asked: Sift) -> Iterator[pa.RecordBatch]:
        """Stream all rows that fit from ``start`` on, in constant memory; ``size`` 0 means without end."""
        ...

    def sift_count(self, asked: Sift, most: int) -> Tallied:
        """Return how many rows fit; counting stops at ``most``."""
        ...


class ReadPolicy(Protocol):
    """Decide whether and how an actor may read a table; implemented by the gate."""

    def open(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002 - the word of the house for a way out
        version: int | None = None,
    ) -> GovernedTable:
        """Return the governed table, or raise ``NotFound`` for unknown and forbidden alike."""
        ...
