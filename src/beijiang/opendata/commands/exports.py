"""``beijiang data export``: data sets and the catalog as programs elsewhere read them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.terminal import language

if TYPE_CHECKING:
    from beijiang.opendata.exports.service import Exports
    from beijiang.opendata.ogc import Features
    from beijiang.opendata.service import OpenData

__all__ = ["add_export"]


def add_export(
    group: typer.Typer, get: Callable[[], OpenData], exports: Callable[[], Exports], features: Callable[[], Features]
) -> None:
    """Add the command."""

    @group.command("export")
    def export(
        dataset: str = typer.Argument("", help="Id of the data set; without it the whole catalog is written."),
        form: str = typer.Option(
            "dcat",
            "--format",
            help="dcat (Turtle), jsonld, rdf, n3; of a data set croissant, datapackage, schema.org, geojson; of the catalog data.json, csv, xlsx.",
        ),
        out: Path | None = typer.Option(None, "--out", help="File to write; without it to the standard output."),  # noqa: B008
    ) -> None:
        """Write a data set, or the catalog, as programs elsewhere read it; as everybody sees it."""
        from beijiang.opendata.exports import writing

        if dataset:
            pieces = writing.dataset_file(exports(), get(), features(), dataset, form)
        else:
            pieces = iter((writing.catalog_file(exports(), get(), form, language()),))
        if out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            return
        with out.open("wb") as file:
            file.writelines(pieces)
