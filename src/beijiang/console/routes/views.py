"""Views of lists that a person keeps: made and removed at the list itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from beijiang.console.routes.frame import Frame, person
from beijiang.desk import ViewDraft
from beijiang.kit import Invalid, Text
from beijiang.web import local_path

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["router"]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the forms."""
    pages = APIRouter(prefix="/console", include_in_schema=False)

    @pages.post("/views")
    def keep(
        request: Request,
        list_key: Annotated[str, Form(alias="list", max_length=40, pattern=r"^[a-z_]+$")],
        name: Annotated[str, Form(max_length=60)],
        query: Annotated[str, Form(max_length=2000)] = "",
        back: Annotated[str, Form(max_length=2500)] = "/console",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if not name.strip():
                raise Invalid("请给视图起个名字。", "Give the view a name.", code="no_name")
            view = platform.desk.keep(person(request), ViewDraft(list=list_key, name=name, query=query))
            return back, Text(f"已存为视图“{view.name}”。", f'Kept as the view "{view.name}".')

        return frame.attempt(request, local_path(back, "/console"), step)

    @pages.post("/views/{view_id}/remove")
    def remove(
        request: Request, view_id: str, back: Annotated[str, Form(max_length=2500)] = "/console"
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.desk.remove(person(request), view_id)
            return back, Text("视图已删去。", "The view is removed.")

        return frame.attempt(request, local_path(back, "/console"), step)

    return pages
