"""One's own notices: read, marked, led from, and how one wants to hear of each kind. Members of the public have them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.console.lists import notice_table
from beijiang.console.menu import NOTICES
from beijiang.console.routes.frame import SEE_OTHER, Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.kit import Text
from beijiang.notices import NoticeKind, NoticeQuery, Way

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["router"]

CHOICES = f"{NOTICES}/choices"
_Word = Annotated[str, Query(max_length=40)]
_Field = Annotated[str, Form(max_length=40)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    service, mail = platform.notices, platform.mail

    @pages.get("/notices")
    def notices(request: Request, kind: _Word = "", show: _Word = "") -> Response:
        who = person(request)
        query = NoticeQuery(kind=_kind(kind), unread_only=show == "unread")
        return listed(
            frame,
            platform,
            request,
            "notices.html",
            notice_table(platform, who, query),
            query=query,
            kinds=[*NoticeKind],
            unread_kinds=service.unread(who),
        )

    @pages.get("/notices/choices")
    def choices(request: Request) -> HTMLResponse:
        who = person(request)
        return frame.page(
            request,
            "notice_choices.html",
            choices=service.choices(who),
            ways=[*Way],
            set_up=mail.is_set_up,
            address=mail.address(who),
        )

    @pages.post("/notices/address")
    def set_address(
        request: Request,
        do: _Field = "",
        address: Annotated[str, Form(max_length=254)] = "",
        code: _Field = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who = person(request)
            if do == "prove":
                mail.prove_address(who, code)
                return CHOICES, Text("邮箱已验证。", "The address is proved.")
            if do == "forget":
                mail.drop_address(who)
                return CHOICES, Text("邮箱已删去。", "The address is forgotten.")
            mail.set_address(who, address, language(request))
            return CHOICES, Text("验证码已发往该邮箱，请填写。", "A code goes to that address; enter it here.")

        return frame.attempt(request, CHOICES, step)

    @pages.get("/unsubscribe/{person_id}/{kind}/{signed}")
    def ask_to_end(request: Request, person_id: str, kind: str, signed: str) -> HTMLResponse:
        del person_id, kind, signed  # programs that look at every link in a mail change and learn nothing
        return frame.page(request, "unsubscribe.html", ended=None)

    @pages.post("/unsubscribe/{person_id}/{kind}/{signed}")
    def end(request: Request, person_id: str, kind: str, signed: str) -> HTMLResponse:
        return frame.page(request, "unsubscribe.html", ended=mail.end_by_link(person_id, kind, signed))

    @pages.post("/notices/choices")
    async def choose(request: Request) -> RedirectResponse:
        given = await request.form()
        chosen = {kind: Way(str(given[kind])) for kind in NoticeKind if str(given.get(kind)) in set(Way)}

        def step() -> tuple[str, Text]:
            service.choose(person(request), chosen)
            return CHOICES, Text("已保存。", "Saved.")

        return await run_in_threadpool(frame.attempt, request, CHOICES, step)

    @pages.post("/notices/read")
    def read_all(request: Request, kind: _Field = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            done = service.read_all(person(request), _kind(kind))
            return NOTICES, Text(f"已将 {done} 条标为已读。", f"{done} marked as read.")

        return frame.attempt(request, NOTICES, step)

    @pages.get("/notices/{notice_id}/open")
    def opened(request: Request, notice_id: str) -> RedirectResponse:
        shown = service.open(person(request), notice_id)
        return RedirectResponse(NOTICES if shown.seen is None else shown.seen.href, SEE_OTHER)

    return pages


def _kind(word: str) -> NoticeKind | None:
    return NoticeKind(word) if word in set(NoticeKind) else None
