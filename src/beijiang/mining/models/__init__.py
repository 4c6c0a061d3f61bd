"""The vocabulary of mining, a file for each of its pieces."""

from beijiang.mining.models.bench import (
    Chart,
    ChartKind,
    ExportForm,
    QueryRun,
    RunState,
    SavedDraft,
    SavedQuery,
    TableWord,
)

__all__ = [
    "Chart",
    "ChartKind",
    "ExportForm",
    "QueryRun",
    "RunState",
    "SavedDraft",
    "SavedQuery",
    "TableWord",
]
