"""Hosted applications (应用承载): what one's department built or one has to decide on, each with its versions and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import Permission
from beijiang.apps import (
    ZIP_BYTES,
    AudienceKind,
    CanaryKind,
    VersionState,
    coarse,
    page_facts,
    wall_text,
)
from beijiang.console.routes.app_life import add_life
from beijiang.console.routes.frame import Frame, language, person
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.apps import App
    from beijiang.kit import Actor
    from beijiang.platform import Platform

HERE: Final = "/console/apps"
_Said = Annotated[str, Form(max_length=1000)]
_Names = Annotated[str, Form(max_length=8000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of hosted applications."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_reading(pages, frame, platform)
    _add_steps(pages, frame, platform)
    _add_jobs(pages, frame, platform)
    add_life(pages, frame, platform)
    _add_server(pages, frame, platform)
    return pages


def _rights(platform: Platform, who: Actor, app: App | None = None) -> dict[str, bool]:
    allows, org = platform.access.allows, who.org_id if app is None else app.org_id
    return {
        "build": allows(who, Permission.APPS_APP_BUILD, org),
        "review": allows(who, Permission.APPS_APP_REVIEW, org),
        "release": allows(who, Permission.APPS_APP_RELEASE, org),
    }


def _add_reading(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/apps")
    def list_(request: Request) -> HTMLResponse:
        who = person(request)
        found = platform.apps.apps(who)
        waiting = {app.id: platform.apps.app(who, app.id)[1][0] for app in found}
        names = {one.id: one.short for one in platform.access.organisations()}
        may = _rights(platform, who)
        costs = platform.apps.costs(who) if may["review"] else None
        return frame.page(request, "apps.html", found=found, newest=waiting, names=names, may=may, costs=costs)

    @pages.get("/apps/{app}")
    def one(request: Request, app: str) -> HTMLResponse:
        who = person(request)
        found, versions = platform.apps.app(who, app)
        return frame.page(
            request,
            "app.html",
            app=found,
            versions=versions,
            departments=[(one.id, one.short) for one in platform.access.organisations()],
            may=_rights(platform, who, found),
            states=VersionState,
            audiences=AudienceKind,
            jobs=platform.app_jobs.standing(who, app),
            opens={
                v.number: platform.apps.opens(who, app, v.number)
                for v in versions
                if "own_grants" in v.files["app.toml"]
            },
            filled=platform.app_jobs.fills(who, app),
            trial=platform.app_canaries.comparison(who, app),
            trials=CanaryKind,
            said=platform.app_ratings.of(who, app),
            usage=platform.apps.usage(who, app),
            coarse=coarse,
            server=platform.app_servers.standing(who, app),
            has_server=any(name.startswith("server/") for one in versions[:1] for name in one.files),
            wall_text=wall_text,
        )

    @pages.get("/apps/{app}/alerts")
    def alerts(request: Request, app: str) -> HTMLResponse:
        found = platform.app_jobs.alerts(person(request), app)
        return frame.page(request, "app_alerts.html", app=app, found=found)

    @pages.get("/apps/{app}/versions/{number}/{page}")
    def preview(request: Request, app: str, number: int, page: str) -> HTMLResponse:
        asked = {name: value for name, value in request.query_params.items() if name != "lang"}
        view = platform.apps.preview(person(request), app, number, "" if page == "-" else page, asked)
        base = f"{HERE}/{quote(app)}/versions/{number}"
        return frame.page(request, "app_preview.html", **page_facts(view, language(request), base, costs=True))


def _add_steps(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    apps = platform.apps

    @pages.post("/apps")
    def submit(request: Request, file: UploadFile) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            app, version = apps.submit_zip(person(request), file.file.read(ZIP_BYTES + 1))
            words = Text(
                f"已通过自动检查，第 {version.number} 版等待审核。",
                f"The checks passed; version {version.number} waits for review.",
            )
            return f"{HERE}/{quote(app.id)}", words

        return frame.attempt(request, HERE, step)

    @pages.post("/apps/{app}/versions/{number}/review")
    def review(
        request: Request,
        app: str,
        number: int,
        do: Annotated[str, Form(max_length=10)],
        note: _Said = "",
        own: Annotated[str, Form(max_length=3)] = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            who, approve = person(request), do == "approve"
            found = apps.review(who, app, number, approve=approve, note=note, own_grants=own == "yes")
            return _page(app), Text(
                f"第 {number} 版：{found.state.text.zh}。", f"Version {number}: {found.state.text.en}."
            )

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/versions/{number}/release")
    def release(
        request: Request, app: str, number: int, to: Annotated[AudienceKind, Form()], names: _Names = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            apps.release(person(request), app, number, to, _named(names))
            return _page(app), Text(f"第 {number} 版已发布。", f"Version {number} is released.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/versions/{number}/audience")
    def audience(
        request: Request,
        app: str,
        number: int,
        to: Annotated[AudienceKind, Form()],
        names: _Names = "",
        reason: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            apps.audience(person(request), app, number, to, _named(names), reason=reason)
            return _page(app), Text("发布范围已改，下一次访问即生效。", "Changed; the next request meets it.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/versions/{number}/rollback")
    def rollback(request: Request, app: str, number: int, reason: _Said = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            apps.rollback(person(request), app, number, reason)
            return _page(app), Text(f"已回退到第 {number} 版。", f"Back at version {number}.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/switch")
    def switch(
        request: Request, app: str, do: Annotated[str, Form(max_length=10)], reason: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            found = apps.switch(person(request), app, off=do == "off", reason=reason)
            off = Text("应用已停用，下一次访问即生效。", "The application is off; the next request meets it.")
            return _page(app), off if found.off else Text("应用已启用。", "The application is on.")

        return frame.attempt(request, _page(app), step)


def _add_jobs(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/apps/{app}/jobs/{job}/run")
    def run(request: Request, app: str, job: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.app_jobs.run(person(request), app, job)
            return _page(app), Text("作业已排队。", "The job is queued.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/versions/{number}/fill")
    def fill(request: Request, app: str, number: int) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.app_jobs.fill(person(request), app, number)
            return _page(app), Text(
                "作业已排队，算完即可发布。", "Queued; the version can be released when they are done."
            )

        return frame.attempt(request, _page(app), step)


def _add_server(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/apps/{app}/server/restart")
    def restart(request: Request, app: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.app_servers.restart(person(request), app)
            return _page(app), Text("下一次访问时重新启动。", "It begins anew at the next request.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/server/stop")
    def stop(request: Request, app: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.app_servers.hold(person(request), app, reason)
            return _page(app), Text("服务已停止；页面不受影响。", "It is stopped; the pages go on.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/server/start")
    def start(request: Request, app: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.app_servers.let_run(person(request), app)
            return _page(app), Text("下一次访问时启动。", "It begins at the next request.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/server/clear")
    def clear(request: Request, app: str, reason: Annotated[str, Form(max_length=1000)] = "") -> RedirectResponse:
        def step() -> tuple[str, Text]:
            held = platform.app_servers.clear(person(request), app, reason)
            return _page(app), Text(
                f"工作目录已清空（{held.entries:,} 个文件和目录），下一次访问时重新启动。",
                f"Its folder is emptied ({held.entries:,} files and folders); it begins anew at the next request.",
            )

        return frame.attempt(request, _page(app), step)


def _named(names: str) -> list[str]:
    return names.replace("，", ",").replace("、", ",").split(",")


def _page(app: str) -> str:
    return f"{HERE}/{quote(app)}"
