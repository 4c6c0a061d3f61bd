"""Lineage of a table: the graph, what a change of a column touches, exports."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from markupsafe import Markup

from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import Invalid
from beijiang.kit.text import guard_formula
from beijiang.lineage import (
    MANY,
    ON_PAPER,
    ON_THE_PAGE,
    USE_NAMES,
    Direction,
    Graph,
    Kind,
    Node,
    anchor,
    drawn,
    folded,
    holding,
    marked,
)
from beijiang.tables import moment_of

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

DEPTHS = (1, 2, 3, 5, 10)
_PAGES = {
    Kind.ENTRY: "/console/catalog",
    Kind.MODEL: "/console/models",
    Kind.TRAINING_SET: "/console/training-sets",
    Kind.INDICATOR: "/console/figures",
    Kind.GRANT: "/console/grants",
    Kind.PUSH: "/console/pushes",
    Kind.APPLICATION: "/console/apps",
}
_TYPES = {"svg": "image/svg+xml", "csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of a graph says."""

    column: str
    direction: Direction
    depth: int
    at: str
    tables: bool
    fold: str
    """yes, no, or nothing: as the size of the graph wants it."""
    opened: tuple[str, ...]
    """Departments whose things are not folded."""

    @property
    def words(self) -> dict[str, str]:
        """Return the words of the address that are not as usual."""
        given = {
            "column": self.column,
            "direction": "" if self.direction is Direction.BOTH else self.direction.value,
            "depth": "" if self.depth == 3 else str(self.depth),  # noqa: PLR2004 - as the form has it
            "at": self.at,
            "tables": "yes" if self.tables else "",
            "fold": self.fold,
            "open": ",".join(self.opened),
        }
        return {name: word for name, word in given.items() if word}


def _asked(
    column: Annotated[str, Query(max_length=400)] = "",
    direction: Direction = Direction.BOTH,
    depth: Annotated[int, Query(ge=1, le=10)] = 3,
    at: Annotated[str, Query(max_length=40)] = "",
    tables: Annotated[str, Query(max_length=4)] = "",
    fold: Annotated[str, Query(max_length=4)] = "",
    opened: Annotated[str, Query(max_length=2000, alias="open")] = "",
) -> Asked:
    return Asked(column, direction, depth, at, bool(tables), fold, tuple(filter(None, opened.split(","))))


Question = Annotated[Asked, Depends(_asked)]
Words = Annotated[str, Query(max_length=700)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of lineage."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    zone = ZoneInfo(platform.settings.time_zone)

    def graph(who: Actor, name: str, asked: Asked) -> Graph:
        return platform.lineage.graph(
            who,
            name,
            asked.column,
            direction=asked.direction,
            depth=asked.depth,
            at=_moment(asked.at, zone),
            tables_only=asked.tables,
        )

    def shown(whole: Graph, asked: Asked, request: Request) -> Graph:
        """Fold a graph that was asked for so, or is too large to be read otherwise."""
        if asked.fold == "no" or (not asked.fold and len(whole.nodes) <= MANY):
            return whole
        names = {one.id: one.short for one in platform.access.organisations()}
        kinds = {kind.value: kind.text.in_language(language(request)) for kind in Kind}
        return folded(whole, lambda owner: names.get(owner) or kinds.get(owner, owner), asked.opened)

    @pages.get("/lineage/{name}")
    def page(
        request: Request, name: str, asked: Question, mark: Words = "", mark_column: Words = "", find: Words = ""
    ) -> HTMLResponse:
        who = person(request)
        whole = graph(who, name, asked)
        found = shown(whole, asked, request)
        hits = holding(found, find)
        here = f"/console/lineage/{quote(name, safe='')}"

        def link(node: Node, column: str) -> str:
            if column:
                return f"{here}?{urlencode({**asked.words, 'mark': node.id, 'mark_column': column})}#graph"
            if node.kind is Kind.GROUP:
                words = {**asked.words, "open": ",".join((*asked.opened, node.link))}
                return f"{here}?{urlencode(words)}#graph"
            return _address(node)

        node = next((one for one in found.nodes if one.id == mark and mark_column in one.columns), None)
        picture = drawn(
            found,
            language=language(request),
            colours=ON_THE_PAGE,
            link=link,
            mark=(mark, mark_column) if node is not None else ("", ""),
            found=[one.id for one in hits],
        )
        touched = None
        if node is not None and node.kind is Kind.TABLE:
            touched = platform.lineage.impact(who, node.name, mark_column)
        on = marked(found, mark, mark_column) if node is not None else None
        return frame.page(
            request,
            "lineage.html",
            graph=found,
            picture=Markup(picture),  # noqa: S704 - drawn here, every name in it escaped
            table=name,
            here=here,
            asked=asked,
            query=urlencode(asked.words),
            nodes={one.id: one for one in found.nodes},
            edges=[edge for edge in found.edges if on is None or edge in on],
            columns=[one.name for one in platform.tables.get(who, name).columns],
            depths=DEPTHS,
            directions=tuple(Direction),
            uses=USE_NAMES,
            address=_address,
            mark=node,
            whole=len(whole.nodes),
            hits=[(one, anchor(one)) for one in hits],
            find=find,
            reach=link,
            mark_column=mark_column,
            touched=touched,
        )

    @pages.get("/lineage/{name}/export")
    def export(request: Request, name: str, asked: Question, form: Words = "csv") -> Response:
        found = (
            shown(graph(person(request), name, asked), asked, request)
            if form == "svg"
            else graph(person(request), name, asked)
        )
        if form not in _TYPES:
            raise Invalid("格式须是 svg、csv 或 json。", "The format must be svg, csv or json.", code="unknown_format")
        head = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}-lineage.{form}"}
        if form == "json":
            return JSONResponse(found.to_json(), headers=head)
        text = drawn(found, language=language(request), colours=ON_PAPER) if form == "svg" else _as_csv(found)
        return Response(text, media_type=_TYPES[form], headers=head)

    return pages


def _moment(words: str, zone: ZoneInfo) -> datetime | None:
    return moment_of(words, zone) if words else None


def _address(node: Node) -> str:
    """Return the page of a node, if it has one."""
    if node.kind is Kind.TABLE:
        return f"/console/lineage/{quote(node.name, safe='')}"
    page = _PAGES.get(node.kind)
    return f"{page}/{quote(node.link, safe='')}" if page and node.link else ""


def _as_csv(graph: Graph) -> str:
    names: dict[str, Any] = {node.id: node.name or node.id for node in graph.nodes}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["source", "source_column", "use", "target", "target_column"])
    for edge in graph.edges:
        row = (names[edge.source], edge.source_column, edge.use, names[edge.target], edge.target_column)
        writer.writerow([guard_formula(word) for word in row])
    return "\ufeff" + out.getvalue()
