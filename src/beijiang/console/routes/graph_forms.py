"""Declaring a graph on a page: which tables, which of their columns say what, what it would be made of, and then for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import BeijiangError, Text
from beijiang.mining import GraphDraft, Holdings, Subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.mining import RelationGraph
    from beijiang.tables import GovernedColumn

HERE: Final = "/console/graphs-new"
BACK: Final = "/console/graphs"
_Word = Annotated[str, Query(max_length=200)]
_Field = tuple[str, Text, bool, tuple[str, ...]]
SUBJECTS: Final[tuple[_Field, ...]] = (
    ("key", Text("统一社会信用代码", "Credit code"), True, ("统一社会信用代码", "信用代码")),
    ("name", Text("企业名称", "Name of the enterprise"), True, ("企业名称", "名称")),
    ("representative", Text("法定代表人姓名", "Legal representative"), False, ("法定代表人_姓名", "法定代表人")),
    (
        "representative_key",
        Text("法定代表人证件号码", "Identity number of the representative"),
        False,
        ("法定代表人_证件号码", "法定代表人证件号码"),
    ),
    ("address", Text("地址", "Address"), False, ("地址", "住所")),
    ("phone", Text("电话", "Telephone"), False, ("联系电话", "电话")),
)
HOLDINGS: Final[tuple[_Field, ...]] = (
    (
        "held",
        Text("被投资企业的信用代码", "Credit code of the enterprise that is held"),
        True,
        ("被投资企业统一社会信用代码",),
    ),
    ("share", Text("持股比例（%）", "Share in per cent"), True, ("持股比例", "出资比例")),
    ("holder_firm", Text("股东的信用代码", "Credit code of the holder"), False, ("股东统一社会信用代码",)),
    ("holder_person", Text("股东的证件号码", "Identity number of the holder"), False, ("股东证件号码",)),
    ("holder_name", Text("股东名称", "Name of the holder"), False, ("股东名称", "股东姓名")),
    ("held_name", Text("被投资企业名称", "Name of the enterprise that is held"), False, ("被投资企业名称",)),
    ("since", Text("起始日期", "First day"), False, ("起始日期",)),
    ("until", Text("退出日期", "Day of giving up"), False, ("退出日期",)),
)
"""What a column may say: its word, whether it is needed, and how such columns are often called."""


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the form of graphs."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    graphs = platform.graphs

    def columns(who: Actor, table: str) -> Sequence[GovernedColumn]:
        return platform.workbench.columns(who, table).columns if table else ()

    def form(request: Request, words: Mapping[str, str], fault: Text | None = None, trial: Any = None) -> HTMLResponse:
        who = person(request)
        platform.access.require(who, Permission.MINING_GRAPH_MANAGE, who.org_id)
        tables = (words.get("subjects", ""), words.get("holdings", ""))
        whose, held = (columns(who, table) for table in tables) if all(tables) else ((), ())
        return frame.page(
            request,
            "graph_new.html",
            said=words,
            tables=platform.workbench.tables(who),
            parts=(
                ("s", Text("企业表", "Table of enterprises"), tables[0], SUBJECTS, whose),
                ("h", Text("持股表", "Table of holdings"), tables[1], HOLDINGS, held),
            ),
            chosen=all(tables),
            guess=_guess,
            fault=fault,
            trial=trial,
        )

    @pages.get("/graphs-new")
    def new(request: Request, subjects: _Word = "", holdings: _Word = "", graph: _Word = "") -> HTMLResponse:
        if graph:
            return form(request, _words(graphs.graph(person(request), graph)))
        return form(request, {"subjects": subjects, "holdings": holdings})

    @pages.post("/graphs-new")
    async def declare(request: Request) -> Response:
        said = await request.form()
        words = {name: str(value)[:1000].strip() for name, value in said.items()}
        return await run_in_threadpool(attempt, request, words)

    def attempt(request: Request, words: dict[str, str]) -> Response:
        """Try or declare; what was said stays in the form where something has to be mended."""
        who, draft = person(request), _draft(words)
        try:
            if words.get("step") != "save":
                return form(request, words, trial=graphs.try_out(who, draft))
            changed = words.get("graph", "")
            made = graphs.change(who, changed, draft) if changed else graphs.declare(who, draft)
        except BeijiangError as error:
            if error.status in {401, 404} or (error.status == 403 and error.reason != "graph_key_masked"):  # noqa: PLR2004
                raise
            return form(request, words, fault=error.text)
        good = Text("关系图已修改，旧版保留。", "The graph is changed; earlier revisions stay.")
        return frame.after(
            request, f"{BACK}/{made.id}", good if changed else Text("关系图已声明。", "The graph is declared.")
        )

    @pages.post("/graphs/{graph}/remove")
    def remove(request: Request, graph: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            graphs.remove(person(request), graph)
            return f"{BACK}?{urlencode({'every': 1})}", Text("关系图已停用。", "The graph is out of use.")

        return frame.attempt(request, BACK, step)

    return pages


def _draft(words: Mapping[str, str]) -> GraphDraft:
    def part(sign: str, fields: Sequence[_Field]) -> dict[str, str]:
        return {name: words.get(f"{sign}_{name}", "") for name, *_ in fields}

    return GraphDraft(
        name=words.get("name", ""),
        description=words.get("description", ""),
        shared=words.get("shared") == "yes",
        subjects=Subjects(table=words.get("subjects", ""), **part("s", SUBJECTS)),
        holdings=Holdings(table=words.get("holdings", ""), **part("h", HOLDINGS)),
    )


def _words(found: RelationGraph) -> dict[str, str]:
    """Return a declaration as its form says it."""
    draft = found.draft
    words = {"graph": found.id, "name": draft.name, "description": draft.description}
    words |= {
        "shared": "yes" if draft.shared else "",
        "subjects": draft.subjects.table,
        "holdings": draft.holdings.table,
    }
    words |= {f"s_{name}": getattr(draft.subjects, name) for name, *_ in SUBJECTS}
    return words | {f"h_{name}": getattr(draft.holdings, name) for name, *_ in HOLDINGS}


def _guess(field: _Field, columns: Sequence[GovernedColumn]) -> str:
    """Return the column that is called as such columns often are; the whole name first, then an end of it."""
    names = [one.name for one in columns]
    for word in field[3]:
        found = next((one for one in names if one == word), "") or next(
            (one for one in names if one.endswith(word)), ""
        )
        if found:
            return found
    return ""
