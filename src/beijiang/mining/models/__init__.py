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
from beijiang.mining.models.graphs import (
    Direction,
    GraphDraft,
    Holdings,
    NodeKind,
    Party,
    Related,
    Relation,
    RelationGraph,
    Shown,
    ShownEdge,
    Subjects,
    Summary,
)

__all__ = [
    "Chart",
    "ChartKind",
    "Direction",
    "ExportForm",
    "GraphDraft",
    "Holdings",
    "NodeKind",
    "Party",
    "QueryRun",
    "Related",
    "Relation",
    "RelationGraph",
    "RunState",
    "SavedDraft",
    "SavedQuery",
    "Shown",
    "ShownEdge",
    "Subjects",
    "Summary",
    "TableWord",
]
