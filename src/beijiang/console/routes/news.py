"""The desk of news: write in both languages, publish, withdraw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.console.routes.sharing import Said
from beijiang.kit import Text
from beijiang.opendata import NewsDraft

if TYPE_CHECKING:
    from beijiang.build import Platform

DESK = "/console/news"
_Line = Annotated[str, Form(max_length=300)]
_Body = Annotated[str, Form(max_length=20_000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages, newsroom = APIRouter(prefix="/console", include_in_schema=False), platform.newsroom

    @pages.get("/news")
    def desk(request: Request) -> HTMLResponse:
        return frame.page(request, "news.html", news=newsroom.desk(person(request)))

    @pages.post("/news")
    def write(
        request: Request,
        title_zh: _Line = "",
        title_en: _Line = "",
        body_zh: _Body = "",
        body_en: _Body = "",
        news: _Line = "",
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            draft = NewsDraft(title=Text(title_zh, title_en), body=Text(body_zh, body_en))
            newsroom.write(person(request), draft, news)
            return DESK, Text("已保存。", "Saved.")

        return frame.attempt(request, DESK, take)

    @pages.post("/news/{news}")
    def move(
        request: Request, news: str, do: Annotated[str, Form(max_length=20)], reason: Said = "", seen: Seen = ""
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            if do == "publish":
                newsroom.publish(person(request), news, seen=seen)
                return DESK, Text("已发布。", "Published.")
            newsroom.withdraw(person(request), news, reason)
            return DESK, Text("已撤下。", "Withdrawn.")

        return frame.attempt(request, DESK, take)

    return pages
