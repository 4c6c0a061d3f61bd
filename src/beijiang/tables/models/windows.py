"""Aggregates over windows of time: what is declared, and what a refresh came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

__all__ = ["WINDOW_END", "WINDOW_START", "Refreshed", "WindowFn", "WindowMeasure", "WindowPosition", "WindowSpec"]

WINDOW_START: Final = "窗口开始"
WINDOW_END: Final = "窗口结束"
_BEIJING: Final = -8 * 3600
"""Windows are counted from midnight in Beijing, so that a window of a day is a day there."""
_MOST: Final = 1_440
_LONGEST: Final = 366 * 86_400


class WindowFn(StrEnum):
    """The aggregates that there are."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    LAST = "last"
    """The value of the latest row that has one."""


@dataclass(frozen=True, slots=True)
class WindowMeasure:
    """One aggregate: ``mean:温度`` or ``平均温度=mean:温度``; ``count`` needs no column."""

    name: str
    fn: WindowFn
    column: str = ""

    @classmethod
    def parse(cls, text: str) -> WindowMeasure:
        """Read a measure as typed in the terminal or a form."""
        name, sign, rest = text.partition("=") if "=" in text else ("", "", text)
        word, _, column = rest.partition(":")
        if word not in set(WindowFn) or bool(column) == (word == WindowFn.COUNT) or (sign and not name):
            raise Invalid(
                f"无法识别汇总“{text}”。写法：count，或 名称=函数:列，函数为 {'、'.join(f.value for f in WindowFn)}。",
                f'"{text}" is no aggregate. Write count, or NAME=FUNCTION:COLUMN with one of {", ".join(f.value for f in WindowFn)}.',
                code="bad_measure",
            )
        return cls(name or (f"{column}_{word}" if column else word), WindowFn(word), column)

    def __str__(self) -> str:
        return f"{self.name}={self.fn.value}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSpec:
    """Windows over the rows of one table. Lengths are whole seconds."""

    time: str
    """Column of the moment to which a row belongs."""
    size: int
    slide: int
    """From one window to the next: ``size`` makes tumbling windows, less makes sliding ones."""
    groups: tuple[str, ...] = ()
    measures: tuple[WindowMeasure, ...] = ()
    lateness: int = 0
    """How long after its end (by the latest moment seen) a window still takes late rows."""

    def __post_init__(self) -> None:
        """Refuse lengths that do not fit together."""
        fits = 1 <= self.slide <= self.size <= _LONGEST and self.size % self.slide == 0
        if not fits or self.size // self.slide > _MOST or not 0 <= self.lateness <= _LONGEST:
            raise Invalid(
                f"窗口长度须为滑动步长的整数倍（至多 {_MOST} 倍），两者与迟到容限均为秒数，且不超过一年。",
                f"The size is a whole multiple of the slide (at most {_MOST}), both in seconds, like the lateness, and none beyond a year.",
                code="bad_window",
            )
        names = [*self.groups, WINDOW_START, WINDOW_END, *(m.name for m in self.measures)]
        if not self.measures or len(set(names)) != len(names):
            raise Invalid(
                "窗口至少要有一个汇总，且分组列与汇总的名称互不相同。",
                "A window has at least one aggregate, and its columns have different names.",
                code="bad_window",
            )

    @property
    def offset(self) -> int:
        """Return the second from which windows are counted."""
        return _BEIJING

    @property
    def key(self) -> tuple[str, ...]:
        """Return the key of the window table."""
        return (*self.groups, WINDOW_START)

    def to_json(self) -> dict[str, Any]:
        """Return it for storage."""
        return {
            "time": self.time,
            "size": self.size,
            "slide": self.slide,
            "groups": [*self.groups],
            "measures": [str(m) for m in self.measures],
            "lateness": self.lateness,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> WindowSpec:
        """Rebuild a stored one."""
        measures = tuple(WindowMeasure.parse(m) for m in value["measures"])
        return cls(**{**value, "groups": tuple(value["groups"]), "measures": measures})


@dataclass(frozen=True, slots=True)
class WindowPosition:
    """How far a window table has followed its source; it moves in the same commit as the windows."""

    version: int = 0
    watermark: int | None = None
    """Latest moment seen, in microseconds since 1970."""
    late: int = 0
    """Rows that came when every window they belong to had closed; they are in the source, not in a window."""
    left_out: int = 0
    """Rows without a moment or a group."""

    def to_json(self) -> dict[str, Any]:
        """Return it as a commit's position."""
        return {
            "version": self.version,
            "watermark": self.watermark,
            "late": self.late,
            "left_out": self.left_out,
        }


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Windows made anew, ready for their commit."""

    files: tuple[Path, ...]
    removed: tuple[Path, ...]
    schema: pa.Schema
    windows: int
    position: WindowPosition
