"""``beijiang quality profile``: what stands in the columns of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality.models.profiles import ColumnProfile
    from beijiang.quality.service import Profiles

__all__ = ["add_profile"]

_COLUMNS = (
    Column("name", Text("列", "column"), whole=True),
    Column("type", Text("类型", "type")),
    Column("filled", Text("有值", "filled"), right=True),
    Column("distinct", Text("约有不同值", "about distinct"), right=True),
    Column("range", Text("范围", "range")),
    Column("quantiles", Text("分位数 5/25/50/75/95%", "5/25/50/75/95 %")),
    Column("outliers", Text("离群", "outliers"), right=True),
    Column("top", Text("最常见", "most often")),
)


def add_profile(group: typer.Typer, get: Callable[[], Profiles], access: Callable[[], Access]) -> None:
    """Add the command to the group of quality."""

    @group.command("profile")
    def profile(
        table: str = typer.Argument(help="Name of the table."),
        person: str = typer.Option(
            "", "--as", help="Login of the person to act as; without it the operator acts as the platform."
        ),
    ) -> None:
        """Show how full each column is, what stands in it most often and how it is spread, for all columns; masked as everywhere."""
        actor = access().actor_for_person(person) if person else SYSTEM
        lines: list[dict[str, Any]] = []
        with progress(Text("画像", "profiling")) as bar:
            for found in get().pages(actor, table):
                lines += [_line(one) for one in found.columns]
                bar.update(len(lines), found.width)
        show(lines, _COLUMNS)
        say(Text(f"第 {found.version} 版，{found.rows:,} 行。", f"Version {found.version}, {found.rows:,} rows."))


def _line(one: ColumnProfile) -> dict[str, Any]:
    span = "" if one.least is None else f"{one.least} – {one.greatest}"
    if one.lengths is not None:
        least, most = one.lengths
        span = Text(f"{least}–{most} 字", f"{least}-{most} characters").in_language(language())
    return {
        "name": one.name,
        "type": one.type,
        "filled": one.filled,
        "distinct": one.distinct,
        "range": span,
        "quantiles": " · ".join(_short(value) for value in one.quantiles),
        "outliers": one.outliers,
        "top": "；".join(f"{share.value} ({share.count:,})" for share in one.top[:3]),
    }


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
