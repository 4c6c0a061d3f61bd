"""Serving copies (服务副本) in the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.sharing import Said, Short
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform

SERVING = "/console/serving"


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    servings = platform.servings

    @pages.get("/serving")
    def listed(request: Request) -> HTMLResponse:
        return frame.page(request, "serving.html", views=servings.views(person(request)))

    @pages.post("/serving")
    def put(request: Request, table: Short, columns: Said = "", do: Short = "ask") -> RedirectResponse:
        who = person(request)

        def step() -> tuple[str, Text]:
            if do == "end":
                servings.end(who, table)
                return SERVING, Text("已停用，文件已删除。", "Ended; the files are removed.")
            if do == "refresh":
                servings.refresh(who, table)
            else:
                wanted = columns.replace("，", ",").replace("、", ",").split(",")
                servings.ask(who, table.strip(), [name.strip() for name in wanted if name.strip()])
            return SERVING, Text("正在后台建立，完成后即可使用。", "They are being made in the background.")

        return frame.attempt(request, SERVING, step)

    return pages
