"""``beijiang exchange intersect``: hold a list of one's own against what a grant opens; neither side is shown to the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.crypto import OwnSet
from beijiang.exchange.commands.matters import acting
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models import Intersection
    from beijiang.exchange.service import Intersections
    from beijiang.jobs import Jobs

__all__ = ["add_intersections"]

_COLUMNS = (
    Column("id", Text("求交号", "id"), whole=True),
    Column("table", Text("表", "table")),
    Column("asks", Text("所问", "asks")),
    Column("values", Text("本方个数", "own values"), right=True),
    Column("state", Text("状态", "state")),
    Column("told", Text("答复", "answer"), right=True),
    Column("at", Text("时间", "at")),
)


def add_intersections(
    group: typer.Typer,
    get: Callable[[], Intersections],
    jobs: Callable[[], Jobs],
    access: Callable[[], Access],
) -> None:
    """Add the commands to those of exchange."""
    who = acting(access)

    @group.command("intersect")
    def intersect(
        grant: str = typer.Argument(help="Id of the grant."),
        file: Path = typer.Argument(help="CSV whose header names the grant's items.", exists=True, dir_okay=False),  # noqa: B008
        common: Path | None = typer.Option(None, help="Ask which values are there, and write them to this file."),  # noqa: B008
        person: str = typer.Option("", "--as", help="Login of the person to act as."),
    ) -> None:
        """Tell about how many of a list are in the table too, or with --common which; the list is not shown to it."""
        actor = who(person)
        header, rows = _read(file)
        own = OwnSet(rows)
        made = get().begin(actor, grant, len(own.values), common=common is not None)
        if sorted(header) != sorted(made.columns):
            raise Invalid(
                f"文件的表头须是授权的数据项：{'、'.join(made.columns)}；现为：{'、'.join(header)}。",
                f"The header has to name the items of the grant: {', '.join(made.columns)}; it is {', '.join(header)}.",
                code="intersection_columns",
            )
        order = [header.index(name) for name in made.columns]
        own = OwnSet([[row[at] for at in order] for row in rows])
        jobs().run_inline(made.job)
        theirs = get().theirs(actor, made.id)
        mine = own.points()
        given = get().give(actor, made.id, mine if common else mine + own.doubled(theirs))
        jobs().run_inline(given.job)
        if common is None:
            _say(get().show(actor, made.id))
            return
        found = own.common(theirs, get().answer(actor, made.id))
        with common.open("w", encoding="utf-8-sig", newline="") as out:
            csv.writer(out).writerows([made.columns, *found])
        say(
            Text(
                f"{len(found):,} 个在对方表中，已写入 {common}。", f"{len(found):,} are in the table too; see {common}."
            )
        )

    @group.command("intersect-drop")
    def drop(
        intersection: str = typer.Argument(help="Id of the intersection."),
        person: str = typer.Option("", "--as", help="Login of the person to act as."),
    ) -> None:
        """Give an intersection up that is not answered yet."""
        get().drop(who(person), intersection)
        say(Text("已放弃，双方的集合都已删除。", "Given up; the sets of both sides are removed."))

    @group.command("intersections")
    def intersections(person: str = typer.Option("", "--as", help="Login of the person to act as.")) -> None:
        """List what was held against what, and what was told."""
        show([_row(one) for one in get().mine(who(person))], _COLUMNS)


def _read(file: Path) -> tuple[list[str], list[list[str]]]:
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    header, *rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text)) if any(row)] or [[]]
    for at, row in enumerate(rows, start=2):
        if len(row) != len(header) or not all(row):
            raise Invalid(
                f"第 {at} 行应有 {len(header)} 个值，且都不能为空。",
                f"Line {at} has to have {len(header)} values, none of them empty.",
                code="intersection_line",
                detail={"line": at},
            )
    return header, rows


def _say(one: Intersection) -> None:
    about = (
        Text(f"约 {one.told:,} 个", f"about {one.told:,}")
        if one.told is not None
        else Text(f"少于 {one.least} 个", f"fewer than {one.least}")
    )
    say(Text(f"双方共有{about.zh}。回执 {one.receipt}", f"Both have {about.en}. Receipt {one.receipt}"))


def _row(one: Intersection) -> dict[str, object]:
    return {
        "id": one.id,
        "table": f"{one.table} v{one.version}",
        "asks": str(one.exit),
        "values": one.mine,
        "state": one.state.text,
        "told": one.told,
        "at": one.at,
    }
