"""People and organisations: the system administrator makes accounts, the security administrator gives roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from beijiang.access import Permission, PersonDraft, Role
from beijiang.console.lists import people_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of people."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    access = platform.access

    def shown(request: Request, code: str = "", code_for: str = "", keys_revoked: int | None = None) -> Response:
        who = person(request)
        organisations = access.organisations()
        names = {o.id: o.short for o in organisations}
        return listed(
            frame,
            platform,
            request,
            "people.html",
            people_table(platform, who, names),
            organisations=organisations,
            roles=tuple(Role),
            may_manage=access.allows(who, Permission.ACCESS_PERSON_MANAGE),
            may_assign=access.allows(who, Permission.ACCESS_ROLE_ASSIGN),
            code=code,
            code_for=code_for,
            keys_revoked=keys_revoked,
        )

    @pages.get("/people")
    def people(request: Request) -> Response:
        return shown(request)

    @pages.post("/people", response_model=None)
    def add(
        request: Request,
        login: Annotated[str, Form(max_length=100)],
        name: Annotated[str, Form(max_length=100)],
        org_id: Annotated[str, Form(max_length=64)] = "",
    ) -> Response:
        try:
            made, code = access.add_person(person(request), PersonDraft(login=login, name=name, org_id=org_id or None))
        except BeijiangError as error:
            return frame.after(request, "/console/people", error.text, "bad")
        return shown(request, code, made.login)

    @pages.post("/people/{person_id}/roles")
    def roles(
        request: Request,
        person_id: str,
        role: Annotated[list[Role], Form()] = [],  # noqa: B006  # FastAPI copies it
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            changed = access.set_roles(person(request), person_id, frozenset(role))
            return "/console/people", Text(f"{changed.name} 的角色已更新。", f"The roles of {changed.name} are set.")

        return frame.attempt(request, "/console/people", step)

    @pages.post("/people/{person_id}/disable")
    def disable(request: Request, person_id: str, reason: Annotated[str, Form(max_length=1000)]) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            access.disable_person(person(request), person_id, reason)
            return "/console/people", Text(
                "账号已停用，登录与密钥即刻失效。", "The account is closed, with its sessions and keys."
            )

        return frame.attempt(request, "/console/people", step)

    @pages.post("/people/{person_id}/reset", response_model=None)
    def reset(request: Request, person_id: str) -> Response:
        try:
            made = access.reset_person(person(request), person_id)
        except BeijiangError as error:
            return frame.after(request, "/console/people", error.text, "bad")
        return shown(request, made.code, access.person(person(request), person_id).login, made.keys_revoked)

    return pages
