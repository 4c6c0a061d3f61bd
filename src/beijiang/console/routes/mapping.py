"""The page of a table on which columns are mapped to data elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import Text
from beijiang.quality import LIKELY

if TYPE_CHECKING:
    from beijiang.build import Platform


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the mapping."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    mappings = platform.mappings

    @pages.get("/quality/{name}/mapping")
    def mapping(request: Request, name: str) -> HTMLResponse:
        who = person(request)
        info = platform.tables.get(who, name)
        may = platform.access.allows(who, Permission.QUALITY_RULE_MANAGE, info.org_id)
        found = mappings.columns(who, name, suggest=may)
        tongue = language(request)
        return frame.page(
            request,
            "quality_mapping.html",
            info=info,
            mapped=[view for view in found if view.mapped],
            others=[view for view in found if not view.mapped],
            measured=max((v.conformity.version for v in found if v.conformity), default=None),
            elements=[(e.id, e.name.in_language(tongue)) for e in platform.standards.data_elements()] if may else [],
            likely=LIKELY,
            may=may,
        )

    @pages.post("/quality/{name}/mapping")
    async def confirm(request: Request, name: str) -> RedirectResponse:
        form, back = await request.form(), _page(name)
        columns = [str(value)[:400] for value in form.getlist("column")]
        chosen = [str(value).strip()[:130] for value in form.getlist("element")]
        pairs = {column: element for column, element in zip(columns, chosen, strict=False) if element}
        rules = form.get("rules") == "yes"

        def step() -> tuple[str, Text]:
            who = person(request)
            made = mappings.confirm(who, name, pairs, str(form.get("reason") or ""), rules=rules)
            mappings.measure(who, name)
            return back, Text(f"{len(made)} 列已对应数据元。", f"{len(made)} columns are mapped.")

        return await run_in_threadpool(frame.attempt, request, back, step)

    @pages.post("/quality/{name}/mapping/refuse")
    def refuse(request: Request, name: str, pair: Annotated[str, Form(max_length=600)]) -> RedirectResponse:
        element, _, column = pair.partition("=")

        def step() -> tuple[str, Text]:
            mappings.refuse(person(request), name, column, element)
            words = Text(
                f"“{column}”不对应“{element}”，不再推荐。", f'"{column}" does not hold {element}; not suggested again.'
            )
            return _page(name), words

        return frame.attempt(request, _page(name), step)

    @pages.post("/quality/{name}/mapping/measure")
    def measure(request: Request, name: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            found = mappings.measure(person(request), name)
            return _page(name), Text(f"已测 {len(found)} 列。", f"{len(found)} columns measured.")

        return frame.attempt(request, _page(name), step)

    return pages


def _page(name: str) -> str:
    return f"/console/quality/{quote(name)}/mapping"
