"""Suggested rules of a table: take, change, decline, and the rows that would break one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.console.routes.frame import Frame, person
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["add_suggestions"]


def add_suggestions(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    """Add the pages of suggestions to those of quality."""

    @pages.get("/quality/{name}/suggest")
    def suggest(request: Request, name: str) -> HTMLResponse:
        who, quality = person(request), platform.quality
        return frame.page(
            request,
            "quality_suggest.html",
            info=platform.tables.get(who, name),
            seen=quality.suggestions(who, name),
            declined=quality.declined(who, name),
        )

    @pages.post("/quality/{name}/suggest")
    def accept(
        request: Request,
        name: str,
        take: Annotated[list[str] | None, Form()] = None,
        step: Annotated[str, Form(max_length=10)] = "take",
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/quality/{quote(name)}"

        def taken() -> tuple[str, Text]:
            made = platform.quality.accept(person(request), name, take or ())
            return back, Text(
                f"{len(made)} 条规则已生效，点“立即检查”看结果。",
                f"{len(made)} rules are in force; press Check now for results.",
            )

        def declined() -> tuple[str, Text]:
            made = platform.quality.decline(person(request), name, take or (), reason)
            return f"{back}/suggest", Text(
                f"已谢绝 {len(made)} 条，不再推荐。", f"{len(made)} declined; not suggested again."
            )

        return frame.attempt(request, f"{back}/suggest", declined if step == "decline" else taken)

    @pages.post("/quality/{name}/suggest/{subject}/again")
    def again(request: Request, name: str, subject: str) -> RedirectResponse:
        back = f"/console/quality/{quote(name)}/suggest"

        def step() -> tuple[str, Text]:
            platform.quality.offer_again(person(request), name, subject)
            return back, Text("已恢复推荐。", "It may be suggested again.")

        return frame.attempt(request, back, step)

    @pages.get("/quality/{name}/suggest/{key}")
    def breaking(request: Request, name: str, key: str) -> HTMLResponse:
        who = person(request)
        found = platform.quality.breaking(who, name, key)
        judged = found.suggestion.draft.columns
        columns = sorted(found.governed.columns, key=lambda one: one.name not in judged)
        info = platform.tables.get(who, name)
        return frame.page(request, "quality_breaking.html", info=info, found=found, key=key, columns=columns)
