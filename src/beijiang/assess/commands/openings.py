"""``beijiang assess figure open``: what the public reads of the statistical indicators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.assess.commands.shared import AS
from beijiang.kit import ANONYMOUS, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.assess.commands.shared import Who
    from beijiang.assess.models import OpenFigure
    from beijiang.assess.service import PublicFigures

__all__ = ["add_openings"]

_CODE = typer.Argument(help="Code of the indicator.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_OUT = typer.Option(..., "--out", help="File to write: .csv is SDMX-CSV, .json SDMX-JSON, .xml the structures.")
_OPEN = (
    Column("code", Text("指标", "indicator"), whole=True),
    Column("name", Text("名称", "name")),
    Column("unit", Text("单位", "unit")),
    Column("values", Text("数值", "values"), right=True),
    Column("flow", Text("数据流", "dataflow"), whole=True),
)


def add_openings(figures: typer.Typer, get: Callable[[], PublicFigures], who: Who) -> None:
    """Add the commands of what is public."""

    @figures.command("open")
    def open_(code: str = _CODE, reason: str = _REASON, person: str = AS) -> None:
        """Let everybody read the released values of an indicator."""
        get().open(who(person), code, reason)
        say(Text("已公开。", "Public now."))

    @figures.command("close")
    def close(code: str = _CODE, reason: str = _REASON, person: str = AS) -> None:
        """Take an indicator from the public; who has read its values keeps them."""
        get().close(who(person), code, reason)
        say(Text("不再公开。", "Not public any more."))

    @figures.command("opened")
    def opened() -> None:
        """Show the indicators that are public, as everybody sees them."""
        show([_row(one) for one in get().every(ANONYMOUS)], _OPEN)

    @figures.command("sdmx")
    def sdmx(
        code: str = _CODE,
        out: Path = _OUT,
        key: str = typer.Option("all", help="Parts of the series' key with dots between them, as A.150100."),
        start: str = typer.Option("", help="First period."),
        end: str = typer.Option("", help="Last period."),
    ) -> None:
        """Write a public indicator in SDMX, as the public address gives it."""
        from beijiang.assess import sdmx as written

        service = get()
        flow = service.one(ANONYMOUS, code)
        areas = {one.code: one.name for one in service.standards.regions()}
        if out.suffix == ".xml":
            wanted = written.Wanted(kind="dataflow", id=flow.flow, references="all")
            out.write_bytes(written.structure([flow], wanted, areas) or b"")
            return
        words = {name: said for name, said in (("startPeriod", start), ("endPeriod", end)) if said}
        found = written.selected(flow, key, words)
        if out.suffix == ".json":
            import orjson

            out.write_bytes(orjson.dumps(written.as_json(found, language(), areas)))
        else:
            out.write_bytes(written.as_csv(found))


def _row(one: OpenFigure) -> dict[str, Any]:
    return {
        "code": one.figure.code,
        "name": one.figure.name.in_language(language()),
        "unit": one.figure.unit.in_language(language()),
        "values": len(one.values),
        "flow": one.flow,
    }
