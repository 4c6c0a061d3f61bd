"""Plain data of the lake: tables and versions, commit requests, schema plans, and the shape of a governed read."""

from beijiang.tables.models.commit import CommitRequest, SourceFile, WriteMode
from beijiang.tables.models.reading import (
    Aggregate,
    DateUnit,
    Exit,
    Filter,
    FilterOp,
    GovernedColumn,
    GovernedTable,
    GroupBy,
    Measure,
    MeasureFn,
    Page,
    ReadPolicy,
    Sort,
    Value,
)
from beijiang.tables.models.schema import SchemaPlan, SchemaStep, StepKind
from beijiang.tables.models.table import (
    FILE_COLUMN,
    HIDDEN,
    ROW_COLUMN,
    Column,
    Snapshot,
    TableInfo,
    TableVersion,
)

__all__ = [
    "FILE_COLUMN",
    "HIDDEN",
    "ROW_COLUMN",
    "Aggregate",
    "Column",
    "CommitRequest",
    "DateUnit",
    "Exit",
    "Filter",
    "FilterOp",
    "GovernedColumn",
    "GovernedTable",
    "GroupBy",
    "Measure",
    "MeasureFn",
    "Page",
    "ReadPolicy",
    "SchemaPlan",
    "SchemaStep",
    "Snapshot",
    "Sort",
    "SourceFile",
    "StepKind",
    "TableInfo",
    "TableVersion",
    "Value",
    "WriteMode",
]
