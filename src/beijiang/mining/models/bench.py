"""Runs, saved queries, their charts, and the files in which results leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from beijiang.kit import Word
from beijiang.mining.errors import unfit
from beijiang.protection import QueryClass
from beijiang.tables import Exit

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

TEXT_LONGEST: Final = 20_000
NAME_LONGEST: Final = 200
FOLDER_LONGEST: Final = 100
DESCRIPTION_LONGEST: Final = 2000
COLUMN_LONGEST: Final = 400
SERIES_MOST: Final = 8


class RunState(Word):
    """How a run stands, or ended."""

    OPEN = "open", "进行中", "under way"
    DONE = "done", "完成", "done"
    FAILED = "failed", "未完成", "not completed"
    STOPPED = "stopped", "已停止", "stopped"
    LOST = "lost", "中断", "cut short"


class ChartKind(Word):
    """How a result may be drawn."""

    BAR = "bar", "柱状图", "bars"
    LINE = "line", "折线图", "line"
    SCATTER = "scatter", "散点图", "scatter"
    PIE = "pie", "饼图", "pie"


class ExportForm(Word):
    """The files in which a result may leave."""

    XLSX = "xlsx", "Excel（带水印）", "Excel, marked"
    CSV = "csv", "CSV（供表格软件，首行注明级别）", "CSV for spreadsheets, marked in its first line"
    CSV_MACHINE = "csv-machine", "CSV（供程序，级别在附带的说明文件中）", "CSV for programs, with a side-car"
    PARQUET = "parquet", "Parquet（级别在元数据中）", "Parquet, marked in its metadata"


@dataclass(frozen=True, slots=True)
class Chart:
    """How a result is drawn: one column across, one or several upwards."""

    kind: ChartKind
    x: str
    y: tuple[str, ...]

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Self | None:
        """Read what ``to_json`` gave, or what a person sent.

        Raises:
            Invalid: it is no chart (``saved_query_unfit``).

        """
        if not value:
            return None
        kind, x, y = value.get("kind"), value.get("x"), value.get("y")
        ups = list(y) if isinstance(y, list | tuple) else []
        named = 0 < len(ups) <= SERIES_MOST
        columns = [x, *ups]
        good = named and all(isinstance(one, str) and 0 < len(one) <= COLUMN_LONGEST for one in columns)
        if kind not in set(ChartKind) or not good or set(value) - {"kind", "x", "y"}:
            raise unfit("图表的设置不对。", "The settings of the chart are wrong.")
        return cls(ChartKind(str(kind)), str(x), tuple(str(one) for one in columns[1:]))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"kind": self.kind.value, "x": self.x, "y": list(self.y)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedDraft:
    """A query as somebody wants it kept; whose it is and when it was set are no part of what he may say."""

    name: str
    text: str
    description: str = ""
    folder: str = ""
    shared: bool = False
    """Whether the whole organisation may see and run it; masks and rights are those of whoever runs it."""
    chart: Chart | None = None

    def checked(self) -> Self:
        """Return if it can be kept.

        Raises:
            Invalid: it has no name or no text, or something is too long (``saved_query_unfit``).

        """
        if not self.name.strip() or not self.text.strip():
            raise unfit("请填写名称和查询语句。", "A name and a query are needed.")
        for value, most in (
            (self.name, NAME_LONGEST),
            (self.text, TEXT_LONGEST),
            (self.description, DESCRIPTION_LONGEST),
            (self.folder, FOLDER_LONGEST),
        ):
            if len(value) > most or "\x00" in value:
                raise unfit(f"内容过长，最多 {most} 字。", f"Something is too long; at most {most} characters.")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuery(SavedDraft):
    """One revision of a saved query."""

    id: str
    revision: int
    retired: bool
    owner_id: str
    owner: str
    org_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRun:
    """One run of a query, in the history of the person who asked."""

    id: str
    person_id: str
    person: str
    org_id: str | None
    door: QueryClass
    exit: Exit
    text: str
    purpose: str
    asked_at: datetime
    state: RunState = RunState.OPEN
    seconds: float = 0.0
    rows: int = 0
    truncated: bool = False
    cached: bool = False
    grade: str = ""
    receipt: str = ""
    error: str = ""
    """The code of what went wrong."""
    tables: tuple[str, ...] = ()
    process: str = ""
    """Which process of the platform runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWord:
    """A table for completion: the name that a query uses, and what the catalog calls it."""

    name: str
    title: str
    mine: bool
    columns: Sequence[Mapping[str, Any]] = field(default=())
