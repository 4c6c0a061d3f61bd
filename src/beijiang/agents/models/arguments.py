"""The arguments of the tools: closed, small, and each with a sentence for the model that fills them in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from beijiang.catalog import OpenType
from beijiang.lineage import Direction
from beijiang.tables import DateUnit, FilterOp, MeasureFn

__all__ = [
    "AggregateAsked",
    "ApiAsked",
    "ApisAsked",
    "DatasetAsked",
    "DraftAsked",
    "FilterAsked",
    "IndicatorAsked",
    "LineageAsked",
    "MeasureAsked",
    "RowsAsked",
    "SearchAsked",
    "SortAsked",
    "SqlAsked",
    "TableAsked",
]

Name = Annotated[str, Field(min_length=1, max_length=200)]
Scalar = Annotated[str, Field(max_length=2000)] | int | float | bool
DATASET = "Id of a data set, as search_datasets gives it."
TABLE = "Id of a data set (as search_datasets gives it), or the name of a table that you may read."


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Narrowing(_Asked):
    """What the results are narrowed by."""

    organisation: str = Field(default="", max_length=100, description="Id of the providing organisation.")
    theme: str = Field(default="", max_length=100, description="Id of a theme.")
    region: str = Field(default="", max_length=100, description="Code of a region.")
    format: str = Field(default="", max_length=100, description="A format, as results name it.")
    access: OpenType | None = Field(default=None, description="How open the data are.")
    updated_since: str = Field(
        default="", max_length=10, pattern=r"^(\d{4}-\d{2}-\d{2})?$", description="A day: data as of then or later."
    )


class SearchAsked(_Asked):
    """Arguments of search_datasets."""

    query: str = Field(default="", max_length=200, description="Words, Chinese or pinyin; empty lists everything.")
    filters: Narrowing = Narrowing()
    limit: int = Field(default=10, ge=1, le=50)
    cursor: str = Field(default="", max_length=20, description="next_cursor of the answer before.")


class DatasetAsked(_Asked):
    """Arguments of get_dataset."""

    id: Name = Field(description=DATASET)


class TableAsked(_Asked):
    """Arguments of describe_table."""

    table_id: Name = Field(description=TABLE)


class FilterAsked(_Asked):
    """One condition; all of them hold together."""

    column: Name
    op: FilterOp = FilterOp.EQ
    value: Scalar | Annotated[list[Scalar], Field(max_length=200)] | None = Field(
        default=None, description="A list for in and notin; nothing for isnull and notnull."
    )


class SortAsked(_Asked):
    """By which column rows are ordered."""

    column: Name
    descending: bool = False


Filters = Annotated[list[FilterAsked], Field(max_length=30)]


class RowsAsked(_Asked):
    """Arguments of query_rows."""

    table_id: Name = Field(description=TABLE)
    columns: Annotated[list[Name], Field(max_length=200)] = Field(default=[], description="Empty: all columns.")
    filters: Filters = []
    sort: SortAsked | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str = Field(
        default="", max_length=4000, description="next_cursor of the answer before; same filters and sort."
    )


class GroupAsked(_Asked):
    """One column to group by."""

    column: Name
    unit: DateUnit = Field(default=DateUnit.NONE, description="To what a date is cut.")


class MeasureAsked(_Asked):
    """What is computed for each group; count without a column counts rows."""

    fn: MeasureFn
    column: Name | None = None


class HavingAsked(_Asked):
    """A condition on a measure."""

    measure: int = Field(ge=0, le=7, description="Position of the measure, from 0.")
    op: Literal["eq", "ne", "gt", "gte", "lt", "lte"]
    value: float


class OrderAsked(_Asked):
    """By which column of the result it is ordered."""

    position: int = Field(ge=0, le=11, description="Position in the result: groups first, then measures; from 0.")
    descending: bool = True


class AggregateAsked(_Asked):
    """Arguments of aggregate."""

    table_id: Name = Field(description=TABLE)
    group_by: Annotated[list[GroupAsked], Field(max_length=4)] = []
    measures: Annotated[list[MeasureAsked], Field(min_length=1, max_length=8)] = [MeasureAsked(fn=MeasureFn.COUNT)]
    filters: Filters = []
    having: Annotated[list[HavingAsked], Field(max_length=8)] = []
    sort: Annotated[list[OrderAsked], Field(max_length=4)] = []
    limit: int = Field(default=100, ge=1, le=500)


class SqlAsked(_Asked):
    """Arguments of run_sql."""

    sql: str = Field(
        min_length=1, max_length=20_000, description="One SELECT; tables go by their names, in double quotes."
    )
    limit: int = Field(default=100, ge=1, le=500)


class IndicatorAsked(_Asked):
    """Arguments of get_indicator."""

    flow: str = Field(default="", max_length=100, description="Code of an indicator; empty lists the indicators.")
    key: str = Field(default="", max_length=100, description="Code of a region; empty: all regions.")
    start: str = Field(default="", max_length=10, description="First period, as 2026, 2026-Q1 or 2026-01.")
    end: str = Field(default="", max_length=10, description="Last period.")


class LineageAsked(_Asked):
    """Arguments of get_lineage."""

    id: Name = Field(description=TABLE)
    direction: Direction = Direction.BOTH
    depth: int = Field(default=1, ge=1, le=3)


class ApisAsked(_Asked):
    """Arguments of list_apis."""

    query: str = Field(default="", max_length=200)
    limit: int = Field(default=10, ge=1, le=50)


class ApiAsked(_Asked):
    """Arguments of get_api."""

    id: Name = Field(description="Id of a data set or service, as list_apis gives it.")


class DraftAsked(_Asked):
    """Arguments of draft_access_request."""

    dataset_id: Name = Field(description=DATASET)
    columns: Annotated[list[Name], Field(min_length=1, max_length=200)]
    purpose: str = Field(min_length=1, max_length=60, description="Code of the controlled list of purposes.")
    use: str = Field(min_length=1, max_length=1000, description="In which business the data are used, and how.")
    since: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="First day.")
    until: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="Last day.")
