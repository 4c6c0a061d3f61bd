"""Pushes (主动推送): destinations of one's department, planned before they are registered, and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import Permission
from beijiang.console.lists import push_table
from beijiang.console.routes.frame import Frame, language, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Said, Short, Word, names
from beijiang.console.routes.sources import fields_of, options_of
from beijiang.exchange import GrantQuery, GrantState, PushDraft, PushMode, PushQuery, Way
from beijiang.ingest import Timing, TimingKind
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.build import Platform

PUSHES = "/console/pushes"
_RELEASE = "release"
_TIMINGS = (
    (_RELEASE, Text("每个新版本", "every new version")),
    (TimingKind.WORKING_DAYS.value, Text("每个工作日", "every working day")),
    (TimingKind.DAILY.value, Text("每天", "every day")),
    (TimingKind.CRON.value, Text("cron 表达式（专家）", "cron expression (experts)")),
)


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_list(pages, frame, platform)
    _add_new(pages, frame, platform)
    _add_one(pages, frame, platform)
    return pages


def _add_list(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    pushes = platform.pushes

    @pages.get("/pushes")
    def every(request: Request) -> Response:
        who = person(request)
        may = platform.access.allows(who, Permission.EXCHANGE_REQUEST_MAKE, who.org_id)
        grants, _ = platform.exchange.grants(who, GrantQuery(state=GrantState.ACTIVE, org_id=who.org_id))
        return listed(
            frame,
            platform,
            request,
            "pushes.html",
            push_table(platform, who, PushQuery(), names(platform)),
            dead=pushes.dead(who),
            grants=[one for one in grants if may and Way.PUSH in one.terms.ways],
        )


def _add_new(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    pushes = platform.pushes

    def page(request: Request, words: dict[str, str], plan: Any = None, fault: Text | None = None) -> HTMLResponse:
        who = person(request)
        kinds = pushes.kinds(who)
        chosen = next((k for k in kinds if k["kind"] == words.get("kind")), kinds[0])
        return frame.page(
            request,
            "push_new.html",
            words=words,
            grant=platform.exchange.grant(who, words.get("grant", "")).grant,
            kinds=kinds,
            chosen=chosen,
            fields=fields_of(chosen),
            modes=[(mode.value, mode.text.in_language(language(request))) for mode in PushMode],
            timings=[(kind, text.in_language(language(request))) for kind, text in _TIMINGS],
            plan=plan,
            fault=fault,
        )

    @pages.get("/push")
    def new(request: Request, grant: Word, kind: Word = "postgresql") -> HTMLResponse:
        return page(request, {"grant": grant, "kind": kind})

    @pages.post("/push", response_model=None)
    async def put(request: Request) -> HTMLResponse | RedirectResponse:
        form = await request.form()
        words = {name: str(value) for name, value in form.items()}

        def step() -> HTMLResponse | RedirectResponse:
            try:
                if words.get("do") != "add":
                    return page(request, words, pushes.plan(person(request), _draft(words)))
                made = pushes.add(person(request), _draft(words))
                told = Text(
                    "已登记，口令已加密保存；首次推送马上开始。",
                    "Registered, and its secrets are sealed; the first delivery begins at once.",
                )
                return frame.after(request, f"{PUSHES}/{made.id}", told)
            except BeijiangError as error:
                if error.status in {401, 403, 404}:
                    raise
                return page(request, words, fault=error.text)

        return await run_in_threadpool(step)


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    pushes = platform.pushes

    @pages.get("/pushes/{push}")
    def one(request: Request, push: str) -> HTMLResponse:
        view = pushes.view(person(request), push)
        return frame.page(
            request, "push.html", view=view, p=view.push, called=pushes.called(view.push.kind), names=names(platform)
        )

    @pages.post("/pushes/{push}")
    def move(
        request: Request, push: str, do: Annotated[str, Form(max_length=20)], words: Said = "", delivery: Short = ""
    ) -> RedirectResponse:
        who, back = person(request), f"{PUSHES}/{quote(push)}"
        moves: dict[str, Callable[[], Any]] = {
            "pause": lambda: pushes.pause(who, push, words),
            "resume": lambda: pushes.resume(who, push),
            "end": lambda: pushes.end(who, push, words),
            "now": lambda: pushes.now(who, push),
            "whole": lambda: pushes.now(who, push, whole=True),
            "replay": lambda: pushes.replay(who, delivery),
            "drop": lambda: pushes.drop(who, delivery, words),
        }

        def step() -> tuple[str, Text]:
            moves.get(do, lambda: None)()
            return back, Text("已办理。", "Done.")

        return frame.attempt(request, back, step)


def _draft(words: dict[str, str]) -> PushDraft:
    mode = words.get("mode", "")
    return PushDraft(
        grant_id=words.get("grant", ""),
        name=words.get("name", ""),
        kind=words.get("kind", ""),
        target=words.get("target", ""),
        options=options_of(words),
        mode=PushMode(mode) if mode in set(PushMode) else PushMode.CHANGES,
        timing=_timing(words),
    )


def _timing(words: dict[str, str]) -> Timing | None:
    kind, when = words.get("timing", _RELEASE), words.get("when", "").strip()
    if kind == TimingKind.CRON.value:
        return Timing(kind=TimingKind.CRON, cron=when)
    if kind in {TimingKind.DAILY.value, TimingKind.WORKING_DAYS.value}:
        at = tuple(part for part in when.replace("，", ",").replace("：", ":").replace(" ", "").split(",") if part)
        return Timing(kind=TimingKind(kind), at=at)
    return None


__all__ = ["router"]
