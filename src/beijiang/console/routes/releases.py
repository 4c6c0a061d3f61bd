"""The release check on the page of a table: declared roles, reports, a check by hand, and a report to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse

from beijiang.console.routes.frame import Frame, person
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.build import Platform


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return what the section of the release check asks for."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/tables/{name}/release-check")
    def check(request: Request, name: str) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#release-check"

        def step() -> tuple[str, Text]:
            made = platform.releases.check(person(request), name)
            if all(report.passed for report in made):
                return back, Text("发布检查通过。", "The release check is passed.")
            return back, Text(
                "发布检查未通过，读者仍使用上一个合格版本。",
                "The release check failed; readers stay on the last good version.",
            )

        return frame.attempt(request, back, step)

    @pages.post("/tables/{name}/release-roles")
    def declare(
        request: Request,
        name: str,
        column: Annotated[list[str], Form()],
        role: Annotated[list[str], Form()],
        reason: Annotated[str, Form(max_length=1000)] = "",
    ) -> RedirectResponse:
        back = f"/console/tables/{quote(name)}#release-check"

        def step() -> tuple[str, Text]:
            given = {one: word for one, word in zip(column, role, strict=False) if word}
            platform.releases.declare(person(request), name, given, reason)
            return back, Text("声明已保存，请重新检查。", "The declaration is kept; check again.")

        return frame.attempt(request, back, step)

    @pages.get("/tables/{name}/release-reports/{report}.json")
    def report(request: Request, name: str, report: str) -> JSONResponse:
        found = platform.releases.report(person(request), name, report)
        return JSONResponse(
            found.to_json(), headers={"content-disposition": f'attachment; filename="release-report-{found.id}.json"'}
        )

    return pages
