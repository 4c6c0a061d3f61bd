"""``beijiang data``: see open data in the terminal as a visitor of the portal sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import typer

from beijiang.kit import ANONYMOUS, Text
from beijiang.terminal import Column, as_json, language, show

if TYPE_CHECKING:
    from beijiang.opendata.service import OpenData

__all__ = ["data"]


def data(get: Callable[[], OpenData]) -> typer.Typer:
    """Return the command group; what it shows is what everybody may see."""
    group = typer.Typer(help="Open data as everybody sees them: view, export.", no_args_is_help=True)

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

    return group
