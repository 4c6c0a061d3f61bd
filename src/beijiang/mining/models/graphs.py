"""Declared graphs: which governed tables say who holds whom, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final, Self

from beijiang.kit import Word
from beijiang.mining.errors.graphs import draft_unfit

__all__ = [
    "Asked",
    "ControlState",
    "Direction",
    "GraphDraft",
    "GraphFile",
    "Holdings",
    "NodeKind",
    "Party",
    "Related",
    "Relation",
    "RelationGraph",
    "Shown",
    "ShownEdge",
    "Subjects",
    "Summary",
]

NAME_LONGEST: Final = 100
TEXT_LONGEST: Final = 1000
COLUMN_LONGEST: Final = 400


class Relation(Word):
    """What joins two nodes."""

    HOLDING = "holding", "持股", "holds shares of"
    REPRESENTATIVE = "representative", "法定代表人", "legal representative of"
    ADDRESS = "address", "地址", "address of"
    PHONE = "phone", "电话", "telephone of"


class NodeKind(Word):
    """What a node of a graph is."""

    FIRM = "firm", "企业", "enterprise"
    OUTSIDE = "outside", "库外企业", "enterprise outside the library"
    PERSON = "person", "自然人", "natural person"
    HIDDEN = "hidden", "未显示身份的股东", "holder whose identity is not shown"
    ADDRESS = "address", "地址", "address"
    PHONE = "phone", "电话", "telephone"


class Direction(Word):
    """Which way a chain is followed."""

    UP = "up", "向上（股东）", "upward (holders)"
    DOWN = "down", "向下（投资）", "downward (holdings)"


class ControlState(Word):
    """How sure the rule is of a controller."""

    MAJORITY = "majority", "按多数表决权认定", "by a majority of votes all along the chain"
    LARGEST = "largest", "按最大表决权推定", "presumed, by the largest block of votes"
    JOINT = "joint", "并列，须由人认定", "several reach the line; for a person to decide"
    CIRCLE = "circle", "交叉持股自成环路，外部无人控制", "held by its own circle; nobody outside controls it"
    NONE = "none", "按规则无实际控制人", "none by the rule"
    UNKNOWN = "unknown", "止于没有股东数据的企业", "ends at an enterprise whose holders are not on file"


class Related(Word):
    """Why two enterprises are related parties."""

    CONTROLLER = "controller", "受同一实际控制人控制", "the same real controller"
    CONTROLS = "controls", "实际控制人", "is the real controller"
    HOLDS = "holds", "直接持有其股权", "holds shares of it directly"
    HELD = "held", "由其直接持股", "is held by it directly"
    REPRESENTATIVE = "representative", "同一法定代表人", "the same legal representative"
    ADDRESS = "address", "同一地址", "the same address"
    PHONE = "phone", "同一电话", "the same telephone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """The table of enterprises: its key, and the columns that enterprises may have in common."""

    table: str
    key: str
    name: str
    representative: str = ""
    """Column with the name of the legal representative."""
    representative_key: str = ""
    """Column with his or her identity number: people are joined by it, never by a name."""
    address: str = ""
    phone: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        named = (self.key, self.name, self.representative, self.representative_key, self.address, self.phone)
        return tuple(dict.fromkeys(one for one in named if one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """The table of holdings: who (by credit code or identity number) holds how much of whom, and when."""

    table: str
    held: str
    share: str
    """In per cent."""
    holder_firm: str = ""
    holder_person: str = ""
    holder_name: str = ""
    held_name: str = ""
    since: str = ""
    """First day."""
    until: str = ""
    """The day on which it was given up; not a day of the holding any more."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        named = (
            self.held,
            self.share,
            self.holder_firm,
            self.holder_person,
            self.holder_name,
            self.held_name,
            self.since,
            self.until,
        )
        return tuple(dict.fromkeys(one for one in named if one))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphDraft:
    """A graph as somebody wants it declared; whose it is and when are no part of what may be said."""

    name: str
    subjects: Subjects
    holdings: Holdings
    description: str = ""
    shared: bool = False
    """Whether other organisations may use it, each under its own rights to the tables."""

    def checked(self) -> Self:
        """Return if it can be kept.

        Raises:
            Invalid: something is missing or too long (``graph_unfit``).

        """
        if not self.name.strip() or len(self.name) > NAME_LONGEST or len(self.description) > TEXT_LONGEST:
            raise draft_unfit("请填写名称（最多 100 字）。", "A name of at most 100 characters is needed.")
        whose, held = self.subjects, self.holdings
        needed = (whose.table, whose.key, whose.name, held.table, held.held, held.share)
        if not all(one.strip() for one in needed):
            raise draft_unfit(
                "企业表须说明主键列和名称列，持股表须说明被投资企业列和比例列。请为每一项选择一列。",
                "The table of enterprises needs its key and name, that of holdings who is held and the share. Choose a column for each.",
            )
        if not (self.holdings.holder_firm or self.holdings.holder_person):
            raise draft_unfit(
                "持股表须说明股东编号列。请选择股东信用代码列、股东证件号码列，或两者都选。",
                "The table of holdings needs a column that names the holder. Choose that of credit codes, of identity numbers, or both.",
            )
        words = (*needed, *self.subjects.columns, *self.holdings.columns)
        if any(len(one) > COLUMN_LONGEST or "\x00" in one for one in words):
            raise draft_unfit("表名或列名过长。", "The name of a table or column is too long.")
        return self

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        rest = {name: word for name, word in value.items() if name not in {"subjects", "holdings"}}
        return cls(subjects=Subjects(**value["subjects"]), holdings=Holdings(**value["holdings"]), **rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationGraph:
    """A declared graph as it is now."""

    id: str
    revision: int
    org_id: str
    draft: GraphDraft
    by: str
    at: datetime

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.draft.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a graph is made of, for one reader: versions, counts, what was set aside, what could not be joined."""

    tables: tuple[tuple[str, int], ...]
    """Names and versions."""
    grade: str
    counts: Mapping[str, int]
    """By kind of node and of relation."""
    set_aside: Mapping[str, int]
    """Rows that no edge was made of, by reason: ``key``, ``share``, ``over`` (above 100 %), ``dates``, ``repeated``."""
    blind: tuple[str, ...]
    """Columns that are masked or withheld for the reader and therefore join nothing."""
    seconds: float
    size: int
    """Bytes in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A node as an answer shows it."""

    ref: str
    """A credit code; for others a word that means nothing outside this graph. Identity numbers are never shown."""
    name: str
    kind: NodeKind
    share: float | None = None
    """What the question asks for, as a fraction; None where it cannot be told."""
    distance: int = 0
    count: int = 0
    reasons: tuple[str, ...] = ()
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEdge:
    """A relation between two parties of an answer, by their places in it."""

    tail: int
    head: int
    relation: Relation
    share: float | None = None
    since: date | None = None
    until: date | None = None
    strong: bool = False
    """Whether it lies on the chain that the answer is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An answer: parties, the relations between those that are drawn, and what was left off."""

    question: str
    graph: str
    at: date
    parties: Sequence[Party]
    edges: Sequence[ShownEdge] = ()
    total: int = 0
    """How many parties the whole answer has."""
    cut: bool = False
    """Whether the search itself ended early, so that the answer is only part."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    grade: str = ""
    """Grade of the columns that this look had; the graph's own may be another one a moment later."""
    receipts: tuple[str, ...] = ()
    seconds: float = 0.0


class Question(Word):
    """What may be asked of a graph."""

    UP = "up", "股权链：向上", "who holds it (upward chain)"
    DOWN = "down", "股权链：向下", "what it holds (downward chain)"
    CONTROLLER = "controller", "实际控制人", "real controller"
    RELATED = "related", "关联方", "related parties"
    PATH = "path", "两者之间的最短关系链", "shortest chain between two"
    CIRCLES = "circles", "交叉持股与环路", "circles of holdings"
    ADDRESSES = "addresses", "共用地址", "shared addresses"
    PHONES = "phones", "共用电话", "shared telephones"
    COMMUNITIES = "communities", "社群", "communities"


class GraphFile(Word):
    """How an answer leaves."""

    JSON = "json", "JSON", "JSON"
    SVG = "svg", "图片（SVG）", "picture (SVG)"
    CSV = "csv", "表格（CSV）", "table (CSV)"
    GRAPHML = "graphml", "GraphML", "GraphML"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what it is about."""

    question: Question
    party: str = ""
    to: str = ""
    at: date | None = None
    by: tuple[Relation, ...] = ()
    number: int | None = None
    seed: int = 1
