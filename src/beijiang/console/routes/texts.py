"""Documents: the list with keeping one, one document with what is in it, two side by side, and the classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import BeijiangError, Text
from beijiang.mining import DocumentDraft, KeywordWay

if TYPE_CHECKING:
    from beijiang.build import Platform

HERE: Final = "/console/texts"
TABS: Final = ("text", "keywords", "alike", "mentions", "tasks")
SHOWN: Final = 20_000
"""Characters of a text on a page."""
_Word = Annotated[str, Form(max_length=300)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of documents."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    texts = platform.texts

    @pages.get("/texts")
    def documents(request: Request, q: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
        who = person(request)
        found = texts.documents(who, q)
        may = platform.access.allows(who, Permission.MINING_TEXT_KEEP, who.org_id or "")
        return frame.page(request, "texts.html", found=found, words_=q, may_keep=may)

    @pages.get("/texts-classes")
    def classes(request: Request) -> HTMLResponse:
        who = person(request)
        named = {one.id: one for one in texts.documents(who)}
        try:
            found, fault = texts.classes(who), None
        except BeijiangError as error:
            if error.status in {401, 403}:
                raise
            found, fault = None, error.text
        return frame.page(request, "texts_classes.html", found=found, fault=fault, named=named)

    @pages.get("/texts/{document}")
    def one(request: Request, document: str, tab: str = "text", way: KeywordWay = KeywordWay.TFIDF) -> HTMLResponse:
        who = person(request)
        shown = tab if tab in TABS else "text"
        found = texts.document(who, document)
        ways = [(one.value, one.text.in_language(language(request))) for one in KeywordWay]
        looks: dict[str, Callable[[], dict[str, Any]]] = {
            "text": lambda: {"whole": texts.text(who, document)},
            "keywords": lambda: {"keys": texts.keywords(who, document, way), "ways": ways, "way": way.value},
            "alike": lambda: {"near": texts.alike(who, document)},
            "mentions": lambda: {"mentions": texts.mentions(who, document)[0]},
            "tasks": lambda: {"plan": texts.tasks(who, document)},
        }
        allows = platform.access.allows
        return frame.page(
            request,
            "texts_one.html",
            one=found,
            tab=shown,
            most=SHOWN,
            may_keep=allows(who, Permission.MINING_TEXT_KEEP, found.org_id),
            may_plan=allows(who, Permission.ASSESS_PLAN_MANAGE),
            **looks[shown](),
        )

    @pages.get("/texts/{document}/compare/{other}")
    def compare(request: Request, document: str, other: str) -> HTMLResponse:
        who = person(request)
        passages, grade = texts.compare(who, document, other)
        sides = texts.document(who, document), texts.document(who, other)
        return frame.page(request, "texts_compare.html", passages=passages, grade=grade, here=sides[0], there=sides[1])

    _add_steps(pages, frame, platform)
    return pages


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    texts = platform.texts

    @pages.post("/texts")
    def add(
        request: Request, file: UploadFile, title: _Word = "", grade: _Word = "", label: _Word = ""
    ) -> RedirectResponse:
        who = person(request)

        def step() -> tuple[str, Text]:
            draft = DocumentDraft(name=file.filename or "", title=title, grade=grade, label=label)
            made = texts.add(who, who.org_id or "", draft, file.file)
            return f"{HERE}/{made.id}", Text(f"已收存，级别 {made.grade}。", f"Kept, graded {made.grade}.")

        return frame.attempt(request, HERE, step)

    @pages.post("/texts/{document}/label")
    def label(request: Request, document: str, label: Annotated[str, Form(max_length=100)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            texts.label(person(request), document, label)
            return f"{HERE}/{document}", Text("类别已更新。", "The class is set.")

        return frame.attempt(request, f"{HERE}/{document}", step)

    @pages.post("/texts/{document}/remove")
    def remove(request: Request, document: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            texts.remove(person(request), document)
            return HERE, Text("文档已移除。", "The document is removed.")

        return frame.attempt(request, f"{HERE}/{document}", step)
