"""The answers of the tools: typed, cited, and with a reason and advice wherever there is nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import BeijiangError, Denied, NotFound, Throttled, Unauthenticated, Unavailable

__all__ = [
    "Answer",
    "Api",
    "ApiDescription",
    "Apis",
    "Citation",
    "DatasetTold",
    "Draft",
    "Graph",
    "Groups",
    "Indicator",
    "Matches",
    "Reason",
    "Rows",
    "SqlRows",
    "TableTold",
    "refusal",
]


class Reason(StrEnum):
    """Why there is nothing, or not all; stable words for programs."""

    NO_MATCH = "no_match"
    NO_PERMISSION = "no_permission"
    COLUMN_NOT_GRANTED = "column_not_granted"
    NOT_LOADED = "not_loaded"
    FILTERED_TO_ZERO = "filtered_to_zero"
    QUOTA = "quota"
    TIMEOUT = "timeout"
    BUSY = "busy"
    BAD_ARGUMENT = "bad_argument"
    TOO_WIDE = "too_wide"


ADVICE = {
    Reason.NO_MATCH: "Call search_datasets with other words; ids come from its results. What you may not see is not found.",
    Reason.NO_PERMISSION: "Use a key of a person who may, sent as Authorization: Bearer; open data needs none.",
    Reason.COLUMN_NOT_GRANTED: "Call describe_table for the columns that you may use.",
    Reason.NOT_LOADED: "The entry has no rows open to you; get_dataset says how access is had.",
    Reason.FILTERED_TO_ZERO: "Loosen the filters, or call aggregate on a filtered column for the values there are.",
    Reason.QUOTA: "Wait until the limit of the day or of the minute is over; ask for less.",
    Reason.TIMEOUT: "Ask for less: fewer columns, a narrower filter, or a summary by aggregate.",
    Reason.BUSY: "Ask again in a few seconds.",
    Reason.BAD_ARGUMENT: "Correct the arguments as the message says; the input schema of the tool has them all.",
    Reason.TOO_WIDE: "Choose fewer columns: one row is larger than an answer may be.",
}


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Citation(_Told):
    """Where the data are from, as of when, and under which terms; name it wherever the data are used."""

    dataset_id: str | None
    title: str
    publisher: str
    version: int
    data_as_of: str | None
    url: str | None = Field(description="Page of the versions of the data set, at this version.")
    retrieved_at: str
    query_hash: str = Field(description="SHA-256 of tool and arguments.")
    licence: str | None
    masked_columns: list[str]
    in_doubt: list[str] = Field(
        default=[], description="Columns whose values are being looked into; use them with care."
    )
    receipt: str = Field(description="The receipt of this read: GET /api/v1/evidence/receipts/{receipt}.")


class Answer(_Told):
    """What every answer has."""

    citation: Citation | None = None
    reason: Reason | None = Field(default=None, description="Why there is nothing.")
    notes: list[str] = []
    truncated: bool = Field(default=False, description="Whether something was left out to keep the answer small.")


class Match(_Told):
    """One data set of a result."""

    id: str
    title: str
    summary: str
    publisher: str
    updated: str | None
    formats: list[str]
    access: str | None
    columns: int


class Matches(Answer):
    """Answer of search_datasets."""

    total: int
    indexed_up_to: str | None
    suggestion: str | None = None
    items: list[Match]
    next_cursor: str | None = None


class FieldTold(_Told):
    """One column of a data set's dictionary."""

    name: str
    type: str
    description: str
    level: str | None
    state: str


class ExtensionTold(_Told):
    """What a data set holds in a field that the region declared beyond the national guide."""

    key: str
    name: str
    value: str
    text: str


class VersionTold(_Told):
    """One version of the rows."""

    version: int
    at: str
    rows: int


class DatasetTold(Answer):
    """Answer of get_dataset."""

    id: str
    title: str
    summary: str
    publisher: str
    licence: str | None
    access: str
    access_condition: str
    how_to_get_access: str
    update_cycle: str
    rows: int | None
    table_id: str | None
    url: str
    extensions: list[ExtensionTold]
    columns: list[FieldTold]
    versions: list[VersionTold]


class ColumnTold(_Told):
    """One column as you may have it."""

    name: str
    type: str
    title: str
    level: str
    masked: bool
    mask: str | None


class TableTold(Answer):
    """Answer of describe_table."""

    table_id: str
    row_count: int
    columns: list[ColumnTold]
    sample: list[dict[str, Any]]


class Rows(Answer):
    """Answer of query_rows."""

    rows: list[dict[str, Any]]
    next_cursor: str | None = None


class Groups(Answer):
    """Answer of aggregate."""

    columns: list[str]
    rows: list[list[Any]]


class SqlRows(Answer):
    """Answer of run_sql."""

    columns: list[str]
    rows: list[list[Any]]
    grade: str
    receipt: str
    masked_columns: list[str]
    in_doubt: list[str] = Field(
        default=[], description="Columns whose values are being looked into; use them with care."
    )
    tables_used: list[str]


class Observation(_Told):
    """One value of an indicator."""

    flow: str
    region: str
    period: str
    dimension: str
    value: str
    status: str


class FlowTold(_Told):
    """One indicator."""

    flow: str
    title: str
    unit: str
    definition: str


class Indicator(Answer):
    """Answer of get_indicator."""

    indicators: list[FlowTold]
    observations: list[Observation]


class Graph(Answer):
    """Answer of get_lineage."""

    start: str
    nodes: list[dict[str, Any]]
    edges: list[dict[str, str]]


class Api(_Told):
    """One interface."""

    id: str
    kind: str
    title: str
    url: str


class Apis(Answer):
    """Answer of list_apis."""

    items: list[Api]


class ApiDescription(Answer):
    """Answer of get_api."""

    id: str
    title: str
    openapi: dict[str, Any]


class Draft(Answer):
    """Answer of draft_access_request."""

    request_id: str
    url: str


_KNOWN = {
    "unknown_column": Reason.COLUMN_NOT_GRANTED,
    "query_unbound": Reason.COLUMN_NOT_GRANTED,
    "query_timeout": Reason.TIMEOUT,
    "query_cancelled": Reason.TIMEOUT,
    "no_open_rows": Reason.NOT_LOADED,
}
_KINDS = (
    (Denied, Reason.NO_PERMISSION),
    (Unauthenticated, Reason.NO_PERMISSION),
    (NotFound, Reason.NO_MATCH),
    (Throttled, Reason.QUOTA),
    (Unavailable, Reason.BUSY),
)


def refusal(error: BeijiangError, request_id: str) -> dict[str, Any]:
    """Return what an agent is told of a failure: a reason, a sentence in both languages, and what to do next."""
    by_kind = (reason for kind, reason in _KINDS if isinstance(error, kind))
    reason = _KNOWN.get(error.reason) or next(by_kind, Reason.BAD_ARGUMENT)
    return {
        "reason": reason.value,
        "code": error.reason,
        "message": error.text.en,
        "message_zh": error.text.zh,
        "detail": error.detail,
        "advice": ADVICE[reason],
        "request_id": request_id,
    }
