"""Signing in and out, the first password, one's own keys, and the home page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import SCOPES, SESSION_COOKIE, KeyDraft, Permission
from beijiang.console.duties import ending_keys
from beijiang.console.routes.frame import SEE_OTHER, Frame, actor, person
from beijiang.kit import BeijiangError, Text
from beijiang.web import local_path

if TYPE_CHECKING:
    from beijiang.access import SignedIn
    from beijiang.build import Platform
    from beijiang.kit import Actor

_OPEN = (Permission.OPENDATA_DATASET_READ, Permission.PROTECTION_ROWS_READ_OPEN)
KEY_USES: Final[dict[str, tuple[Text, tuple[Permission, ...]]]] = {
    "open": (Text("读取开放数据", "Read open data"), _OPEN),
    "granted": (
        Text("读取开放的和授权给我的数据", "Read open data, and what I am granted"),
        (*_OPEN, Permission.PROTECTION_ROWS_READ_GRANTED),
    ),
    "query": (
        Text("用 SQL 查询我能读的数据", "Ask by SQL of what I may read"),
        (
            *_OPEN,
            Permission.PROTECTION_ROWS_READ_GRANTED,
            Permission.PROTECTION_ROWS_READ_OWN,
            Permission.PROTECTION_SQL_RUN,
        ),
    ),
    "publish": (
        Text("编目并交数据（CKAN 客户端）", "Keep entries and hand in rows (CKAN clients)"),
        (
            Permission.OPENDATA_DATASET_READ,
            Permission.CATALOG_RESOURCE_READ,
            Permission.CATALOG_RESOURCE_REGISTER,
            Permission.CATALOG_RESOURCE_EDIT,
            Permission.CATALOG_RESOURCE_WITHDRAW,
            Permission.INGEST_FILE_LAND,
            Permission.INGEST_RUN_SUBMIT,
            Permission.JOBS_JOB_SUBMIT,
        ),
    ),
}
"""What keys are made for, and what each of them then needs; offered to whoever may do all of it."""


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of the signed-in person."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_session(pages, frame, platform)
    _add_account(pages, frame, platform)

    @pages.get("")
    def home(request: Request) -> HTMLResponse:
        who = person(request)
        if "set_up_pending" in who.roles:
            return frame.page(request, "password.html", first=True)
        organisation = platform.access.organisation(who.org_id) if who.org_id else None
        return frame.page(request, "home.html", home=frame.console.home(who), organisation=organisation)

    @pages.get("/health")
    def health(request: Request) -> HTMLResponse:
        platform.access.require(person(request), Permission.PLATFORM_HEALTH_READ)
        return frame.page(request, "health.html", findings=platform.health.examine())

    return pages


def _add_session(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/sign-in")
    def form(request: Request, next: str = "/console") -> HTMLResponse:  # noqa: A002  # the word in the address
        return frame.page(request, "sign_in.html", target=local_path(next, "/console"), login="", fault="")

    @pages.post("/sign-in", response_model=None)
    def sign_in(
        request: Request,
        login: Annotated[str, Form(max_length=200)],
        password: Annotated[str, Form(max_length=1000)],
        target: Annotated[str, Form()] = "/console",
    ) -> HTMLResponse | RedirectResponse:
        source = request.client.host if request.client else "unknown"
        try:
            fresh = platform.access.sign_in(login, password, source, replaces=request.cookies.get(SESSION_COOKIE))
        except BeijiangError as error:
            page = frame.page(
                request, "sign_in.html", target=local_path(target, "/console"), login=login, fault=error.text
            )
            page.status_code = error.status
            return page
        href = "/console/password" if fresh.session.must_set_password else local_path(target, "/console")
        return keep_session(RedirectResponse(href, SEE_OTHER), fresh)

    @pages.post("/sign-out")
    def sign_out(request: Request) -> RedirectResponse:
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            platform.access.sign_out(token)
        answer = RedirectResponse("/", SEE_OTHER)
        answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer


def _add_account(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/password")
    def password_form(request: Request) -> HTMLResponse:
        return frame.page(request, "password.html", first="set_up_pending" in person(request).roles)

    @pages.post("/password")
    def change(
        request: Request, current: Annotated[str, Form(max_length=1000)], new: Annotated[str, Form(max_length=1000)]
    ) -> RedirectResponse:
        try:
            fresh = platform.access.change_password(person(request), current, new)
        except BeijiangError as error:
            return frame.after(request, "/console/password", error.text, "bad")
        words = Text("口令已更新，其他登录都已退出。", "The password is set; every other session has ended.")
        answer = frame.after(request, "/console", words)
        keep_session(answer, fresh)
        return answer

    def keys_page(request: Request, who: Actor, secret: str = "", *, soon: bool = False) -> HTMLResponse:
        held = [scope for scope in SCOPES if platform.access.allows(who, scope, who.org_id)]
        uses = {name: use for name, use in KEY_USES.items() if set(use[1]) <= set(held)}
        mine = platform.access.keys(who, who.id)
        shown = ending_keys(platform, mine) if soon else mine
        return frame.page(request, "keys.html", keys=shown, uses=uses, scopes=held, secret=secret, soon=soon)

    @pages.get("/keys")
    def keys(request: Request, ending: Annotated[str, Query(max_length=20)] = "") -> HTMLResponse:
        return keys_page(request, person(request), soon=ending == "soon")

    @pages.post("/keys", response_model=None)
    def issue(
        request: Request,
        name: Annotated[str, Form(max_length=100)],
        days: Annotated[int, Form(ge=1, le=366)] = 90,
        use: Annotated[str, Form(max_length=20)] = "open",
        scope: Annotated[list[str] | None, Form(max_length=len(SCOPES))] = None,
    ) -> HTMLResponse | RedirectResponse:
        who = person(request)
        scopes = KEY_USES[use][1] if use in KEY_USES else scope or ()
        try:
            _, secret = platform.access.issue_key(who, KeyDraft(name=name, scopes=frozenset(scopes), days=days))
        except BeijiangError as error:
            return frame.after(request, "/console/keys", error.text, "bad")
        return keys_page(request, who, secret)

    @pages.post("/keys/{key_id}/revoke")
    def revoke(request: Request, key_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.access.revoke_key(actor(request), key_id)
            return "/console/keys", Text("密钥已吊销，立即失效。", "The key is revoked as of now.")

        return frame.attempt(request, "/console/keys", step)


def keep_session(answer: RedirectResponse, fresh: SignedIn) -> RedirectResponse:
    """Hand the session to the browser where no script can read it."""
    seconds = int((fresh.session.expires_at - fresh.session.created_at) / timedelta(seconds=1))
    answer.set_cookie(
        SESSION_COOKIE, fresh.token, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer
