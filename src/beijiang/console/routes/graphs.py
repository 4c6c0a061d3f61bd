"""Graphs of enterprises: find a party, see its chains, controller and related parties drawn, and take the answer along."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import BeijiangError, Invalid
from beijiang.mining import ON_THE_PAGE, Asked, GraphFile, Party, Question, Related, Relation, Shown, drawn, per_cent
from beijiang.web import content_disposition

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.kit import Actor

BACK = "/console/graphs"
OF_ONE = (Question.UP, Question.DOWN, Question.CONTROLLER, Question.RELATED, Question.PATH)
OF_ALL = (Question.CIRCLES, Question.ADDRESSES, Question.PHONES, Question.COMMUNITIES)
TYPES = {
    GraphFile.SVG: "image/svg+xml",
    GraphFile.CSV: "text/csv; charset=utf-8",
    GraphFile.GRAPHML: "application/graphml+xml",
}
Word = Annotated[str, Query(max_length=200)]
Number = Annotated[str, Query(max_length=7)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of graphs."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    graphs = platform.graphs

    @pages.get("/graphs", response_model=None)
    def listed(request: Request, every: Word = "") -> HTMLResponse | RedirectResponse:
        found = graphs.graphs(person(request))
        if len(found) == 1 and not every:
            return RedirectResponse(f"{BACK}/{found[0].id}", 303)
        may = platform.access.allows(person(request), Permission.MINING_GRAPH_MANAGE, person(request).org_id)
        names = {o.id: o.short for o in platform.access.organisations()}
        return frame.page(request, "graphs.html", found=found, names=names, may=may)

    @pages.get("/graphs/{graph}")
    def page(
        request: Request,
        graph: str,
        q: Word = "",
        ask: Word = "up",
        party: Word = "",
        to: Word = "",
        at: Word = "",
        number: Number = "",
    ) -> HTMLResponse:
        who, here = person(request), f"{BACK}/{graph}"
        declared = graphs.graph(who, graph)
        values: dict[str, Any] = {"shown": None, "fault": None, "picture": "", "found": None, "summary": None}
        asked = None
        try:
            asked = _asked(ask, party, to, at, number)
            values["summary"] = graphs.summary(who, graph)
            if q:
                values["found"] = graphs.find(who, graph, q)
            if asked.question in OF_ALL or (party and (to or asked.question is not Question.PATH)):
                shown = graphs.answer(who, graph, asked)
                values |= {"shown": shown, "picture": _picture(request, shown, here, at)}
        except BeijiangError as error:
            if error.status in {401, 403} or (error.status == 404 and not party):  # noqa: PLR2004
                raise
            values["fault"] = error.text
        words = {"ask": ask, "party": party, "to": to, "at": at, "number": number}
        return frame.page(
            request,
            "graph.html",
            graph=declared,
            here=here,
            q=q,
            asked=asked,
            of_one=OF_ONE,
            of_all=OF_ALL,
            words_=words,
            query=urlencode({name: word for name, word in words.items() if word}),
            at=at,
            per_cent=per_cent,
            may=platform.access.allows(who, Permission.MINING_GRAPH_MANAGE, declared.org_id),
            why_words={one.value: one.text for one in Related},
            refs=lambda **more: f"{here}?{urlencode({k: v for k, v in {'at': at, **more}.items() if v})}",
            **values,
        )

    @pages.get("/graphs/{graph}/export")
    def export(
        request: Request,
        graph: str,
        ask: Word = "up",
        party: Word = "",
        to: Word = "",
        at: Word = "",
        number: Number = "",
        form: Word = "csv",
    ) -> Response:
        who: Actor = person(request)
        kind = next((one for one in TYPES if one.value == form), None)
        if kind is None:
            raise Invalid(
                "格式须是 svg、csv 或 graphml。", "The format must be svg, csv or graphml.", code="unknown_format"
            )
        name, text, _ = graphs.file(who, graph, _asked(ask, party, to, at, number), kind, language(request))
        return Response(text, media_type=TYPES[kind], headers={"Content-Disposition": content_disposition(name)})

    return pages


def _asked(ask: str, party: str, to: str, at: str, number: str) -> Asked:
    question = next((one for one in Question if one.value == ask), None)
    if question is None:
        raise Invalid("没有这种问题。", "There is no such question.", code="graph_question")
    try:
        day = date.fromisoformat(at) if at else None
    except ValueError:
        raise Invalid("日期须形如 2026-10-31。", "A day looks like 2026-10-31.", code="graph_day") from None
    place = int(number) if number.isascii() and number.isdecimal() else None
    by = tuple(Relation) if question is Question.PATH else ()
    return Asked(question=question, party=party, to=to, at=day, number=place, by=by)


def _picture(request: Request, shown: Shown, here: str, at: str) -> str:
    if not shown.edges and shown.question in {"circles", "communities", "meeting-places"}:
        return ""

    def link(party: Party) -> str:
        if party.kind.value in {"address", "phone"}:
            return ""
        return f"{here}?{urlencode({k: v for k, v in {'ask': 'up', 'party': party.ref, 'at': at}.items() if v})}"

    made = drawn(shown, language=language(request), colours=ON_THE_PAGE, link=link)
    return Markup(made)  # noqa: S704 - drawn by us, every name in it escaped
