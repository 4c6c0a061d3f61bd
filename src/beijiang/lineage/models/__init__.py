"""Plain data of lineage, and the reading of queries that needs no I/O."""

from beijiang.lineage.models.columns import SelectLineage, Unresolved, columns_of
from beijiang.lineage.models.dependents import Dependent, DependentsOf
from beijiang.lineage.models.drawing import ON_PAPER, ON_THE_PAGE, anchor, drawn, marked
from beijiang.lineage.models.folding import MANY, folded, holding
from beijiang.lineage.models.graph import USE_NAMES, Direction, Edge, Graph, Kind, Node, Step, Touched

__all__ = [
    "MANY",
    "ON_PAPER",
    "ON_THE_PAGE",
    "USE_NAMES",
    "Dependent",
    "DependentsOf",
    "Direction",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "SelectLineage",
    "Step",
    "Touched",
    "Unresolved",
    "anchor",
    "columns_of",
    "drawn",
    "folded",
    "holding",
    "marked",
]
