"""``beijiang data``: see open data in the terminal as a visitor of the portal sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import typer

from beijiang.kit import ANONYMOUS, Text
from beijiang.terminal import Column, as_json, language, show

if TYPE_CHECKING:
    from beijiang.opendata.glancing import Glance
    from beijiang.opendata.service import OpenData

__all__ = ["data"]

_REASONS = (
    Column("name", Text("指标", "indicator")),
    Column("checked", Text("检查", "checked"), right=True),
    Column("bad", Text("不合格", "not good"), right=True),
    Column("score", Text("得分", "score"), right=True),
)


def data(get: Callable[[], OpenData], glance: Callable[[], Glance]) -> typer.Typer:
    """Return the command group; what it shows is what everybody may see."""
    group = typer.Typer(
        help="Open data as everybody sees them: view, export, quality, changes, statistics.", no_args_is_help=True
    )

    @group.command("view")
    def view(
        dataset: str = typer.Argument(help="Id of the data set."),
        query: str = typer.Argument("", help="What the explorer's address holds after the question mark."),
    ) -> None:
        """Group, measure, filter and cross the rows of an open data set; with --json as the API answers."""
        from beijiang.opendata import explorer
        from beijiang.opendata.explorer import drawing, taking, telling

        opendata = get()
        wanted = explorer.parse(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
        _, found = opendata.view(ANONYMOUS, dataset, wanted)
        if as_json():
            page = f"{opendata.base}/datasets/{dataset}/explore?{explorer.query_string(wanted)}"
            show(taking.as_json(dataset, found, page))
            return
        grid = drawing.grid(found, language())
        heads = [Column(str(i), Text(name, name), right=right) for i, (name, right) in enumerate(grid.heads)]
        rows = [*grid.rows, grid.foot] if grid.foot else grid.rows
        typer.echo(telling.sentence(found, language()))
        show([{str(i): cell for i, cell in enumerate(row)} for row in rows], heads)
        if note := telling.cut_note(found, language()):
            typer.echo(note)

    _glances(group, get, glance)
    return group


def _glances(group: typer.Typer, get: Callable[[], OpenData], glance: Callable[[], Glance]) -> None:
    @group.command("quality")
    def quality(dataset: str = typer.Argument(help="Id of the data set.")) -> None:
        """Show the quality score with its reasons, when rows arrived, and what is missing and why."""
        from beijiang.opendata.shapes import quality_json

        found = glance().glimpse(get().dataset(ANONYMOUS, dataset), whole=True)
        if as_json():
            show(quality_json(dataset, found))
            return
        words = language()
        if found.goodness:
            typer.echo(f"{found.goodness.total} / 100 · {found.goodness.word.text.in_language(words)}")
            show(
                [
                    {"name": r.name.in_language(words), "checked": r.looked_at, "bad": r.bad, "score": r.score}
                    for p in found.goodness.parts
                    for r in p.reasons
                ],
                _REASONS,
            )
        for gap in found.gaps:
            typer.echo(f"{gap.code.value}: {gap.code.text.in_language(words)}")

    @group.command("changes")
    def changes(
        dataset: str = typer.Argument(help="Id of the data set."),
        before: int = typer.Option(0, help="The earlier version; 0: the one before."),
        after: int = typer.Option(0, help="The later version; 0: the released one."),
    ) -> None:
        """Show what changed between two versions of the rows."""
        from beijiang.opendata.shapes import changes_json

        found = glance().changes(ANONYMOUS, dataset, before or None, after or None)
        if as_json():
            show(changes_json(found))
            return
        typer.echo(f"v{found.before} → v{found.after}: +{found.added} ~{found.changed} -{found.removed}")
        for line in [c.text for c in found.columns] + [gap.code.text for gap in found.gaps]:
            typer.echo(line.in_language(language()))
