"""The graph of lineage as people see it: columns, what they stand in, and how one serves to make another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from beijiang.ingest import AffectedKind
from beijiang.kit.text import Text, Word

__all__ = [
    "DEEPEST",
    "HANDED",
    "OWN_DECLARERS",
    "USE_NAMES",
    "Direction",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "Step",
    "Touched",
    "Written",
    "is_foreign",
    "is_own",
    "kind_of",
]

DEEPEST: Final = 10
"""Steps that a graph goes from where it starts."""


class Kind(Word):
    """What a node of the graph is."""

    TABLE = "table", "数据表", "table"
    MODEL = "model", "模型", "model"
    TRAINING_SET = "training_set", "训练集", "training set"
    INDICATOR = "indicator", "统计指标", "statistical indicator"
    GRANT = "grant", "共享授权", "grant"
    PUSH = "push", "推送", "push"
    APPLICATION = "application", "应用", "application"
    FOREIGN = "foreign", "平台外的数据", "data outside the platform"
    FILE = "file", "上传的文件", "file handed in"
    SOURCE = "source", "数据源", "source"
    ENTRY = "entry", "目录条目", "catalog entry"
    HIDDEN = "hidden", "您无权查看", "not yours to see"
    GROUP = "group", "合并显示，点开", "folded; open it"


class Direction(StrEnum):
    """Where a graph goes from its start: to what it was made from, to what is made of it, or both."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


USE_NAMES: Final[Mapping[str, Text]] = {
    "identity": Text("原样", "as it is"),
    "transformation": Text("变换", "transformed"),
    "aggregation": Text("汇总", "aggregated"),
    "join": Text("关联条件", "join"),
    "group_by": Text("分组", "group"),
    "filter": Text("筛选条件", "filter"),
    "sort": Text("排序取舍", "order"),
    "window": Text("窗口", "window"),
    "conditional": Text("分支条件", "condition"),
    "carries": Text("写入", "written from"),
    "offers": Text("对外提供", "offered as"),
}


@dataclass(frozen=True, slots=True)
class Node:
    """A table or something else that data come from or go to; what is hidden has no name."""

    id: str
    kind: Kind
    name: str
    columns: tuple[str, ...] = ()
    """Columns of it that take part."""
    distance: int = 0
    """Steps from the start: negative for what it was made from."""
    org_id: str = ""
    link: str = ""
    """Id of the catalog entry or of the platform's own thing, or name of the source, for those who may see it."""

    def to_json(self) -> dict[str, Any]:
        """Return the node for an API answer."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "name": self.name,
            "columns": list(self.columns),
            "distance": self.distance,
            "organisation": self.org_id,
        }


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One column serves to make another; without columns, one thing serves to make another."""

    source: str
    source_column: str
    target: str
    target_column: str
    use: str

    def to_json(self) -> dict[str, str]:
        """Return the edge for an API answer."""
        return {
            "source": self.source,
            "source_column": self.source_column,
            "target": self.target,
            "target_column": self.target_column,
            "use": self.use,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What lies around a table or column, as it was at a moment."""

    start: str
    """Id of the node that it starts from."""
    column: str
    at: datetime
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cut: bool = False
    """There is more than a graph shows."""

    def to_json(self) -> dict[str, Any]:
        """Return the graph for an API answer."""
        return {
            "start": self.start,
            "column": self.column,
            "at": self.at.isoformat(),
            "nodes": [node.to_json() for node in self.nodes],
            "edges": [edge.to_json() for edge in self.edges],
            "cut": self.cut,
        }


@dataclass(frozen=True, slots=True)
class Touched:
    """Something that a change of a column reaches."""

    kind: AffectedKind
    """``hidden`` for how many the person may not see, ``more`` where there is more than is listed."""
    name: str
    how: Text
    steps: int = 0
    columns: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer."""
        return {
            "kind": self.kind.value,
            "name": self.name,
            "how": {"zh": self.how.zh, "en": self.how.en},
            "steps": self.steps,
            "columns": list(self.columns),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path from a column to another."""

    source: str
    source_column: str
    use: str
    target: str
    target_column: str

    def to_json(self) -> dict[str, str]:
        """Return the step for an API answer."""
        return {
            "source": self.source,
            "source_column": self.source_column,
            "use": self.use,
            "target": self.target,
            "target_column": self.target_column,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A version of a table, or a run that others declared, with the set of edges that holds since."""

    target: str
    declarer: str
    version: int
    set_id: str
    at: datetime
    org_id: str
    mode: str = ""
    run_id: str = ""
    actor_id: str = ""
    reason: str = ""
    rows: int = 0
    changed: int = 0
    columns: tuple[tuple[str, str, str], ...] = ()
    """Name, type and meaning of each column."""
    sources: tuple[Mapping[str, str], ...] = field(default=())


_OWN: Final[Mapping[str, Kind]] = {
    "mining://models/": Kind.MODEL,
    "mining://training-sets/": Kind.TRAINING_SET,
    "assess://figures/": Kind.INDICATOR,
    "exchange://grants/": Kind.GRANT,
    "exchange://pushes/": Kind.PUSH,
    "apps://apps/": Kind.APPLICATION,
}
"""How addresses of the platform's own things begin that are no tables."""
OWN_DECLARERS: Final = frozenset({"", *(begin.partition("://")[0] for begin in _OWN)})
"""Who declares what the platform itself does: its tables, and the parts that hold such things."""
HANDED: Final = frozenset({Kind.GRANT, Kind.PUSH, Kind.APPLICATION})
"""What hands columns out; impact asks those who hold them how they stand now."""


def kind_of(dataset: str) -> Kind:
    """Return what a dataset is by how it is named."""
    for begin, kind in _OWN.items():
        if dataset.startswith(begin):
            return kind
    return Kind.FOREIGN if is_foreign(dataset) else Kind.TABLE


def is_own(dataset: str) -> bool:
    """Tell whether a dataset is a thing of the platform's own that is no table: a model, an indicator, a grant."""
    return dataset.startswith(tuple(_OWN))


def is_foreign(dataset: str) -> bool:
    """Tell whether a dataset is no table of the platform: its name begins with the address of what holds it."""
    return "://" in dataset
