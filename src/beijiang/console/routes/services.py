"""Services of departments (服务接口): found, declared, tested, offered, watched, and tried under a grant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from beijiang.access import Permission
from beijiang.console.lists import service_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Said, Short, Word, names
from beijiang.exchange import (
    SERVICE_MOVES,
    ServiceDraft,
    ServiceMove,
    ServiceSpec,
    purposes,
)
from beijiang.kit import BeijiangError, Invalid, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.catalog import Entry
    from beijiang.exchange import Service, ServiceAnswer, ServiceView

HERE: Final = "/console/services"
Declared = Annotated[str, Form(max_length=100_000)]
Secret = Annotated[str, Form(max_length=8192)]
_TYPES: Final = {"N": "double", "I": "integer", "D": "date", "T": "timestamp", "L": "boolean"}
_STEPS: Final = (ServiceMove.OFFER, ServiceMove.PAUSE, ServiceMove.RESUME, ServiceMove.RETIRE)


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of services."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_lists(pages, frame, platform)
    _add_form(pages, frame, platform)
    _add_trial(pages, frame, platform)
    _add_one(pages, frame, platform)
    return pages


def _add_lists(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/services")
    def every(request: Request) -> Response:
        table = service_table(platform, person(request), names(platform))
        return listed(frame, platform, request, "services.html", table)


def _add_form(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    services = platform.offered

    def form(request: Request, resource: str, words: Mapping[str, Any], fault: Text | None = None) -> HTMLResponse:
        found = platform.catalog.get(person(request), resource)
        return frame.page(request, "service_edit.html", resource=found, fault=fault, **words)

    @pages.get("/services/new", response_model=None)
    def new(request: Request, resource: Word) -> HTMLResponse | RedirectResponse:
        who = person(request)
        known = services.behind(who, resource)
        if known is not None:
            return frame.after(request, f"{HERE}/{known.id}")
        found = platform.catalog.get(who, resource)
        platform.access.require(who, Permission.EXCHANGE_SERVICE_MANAGE, found.provider_id)
        words = {"name": found.entry.name, "purpose": "", "spec": _shown(_sketch(found.entry)), "service": None}
        return form(request, resource, words)

    @pages.get("/services/{service_id}/edit")
    def edit(request: Request, service_id: str) -> HTMLResponse:
        who = person(request)
        view = services.view(who, service_id)
        platform.access.require(who, Permission.EXCHANGE_SERVICE_MANAGE, view.service.provider_id)
        spec = view.versions[0].spec.model_dump(mode="json", exclude_defaults=True)
        one = view.service
        words = {"name": one.name, "purpose": one.purpose, "spec": _shown(spec), "service": one}
        return form(request, one.resource_id, words)

    @pages.post("/services/declare", response_model=None)
    def put(
        request: Request,
        resource: Short,
        name: Short,
        spec: Declared,
        purpose: Said = "",
        secret: Secret = "",
        service: Short = "",
    ) -> HTMLResponse | RedirectResponse:
        who = person(request)
        before = services.view(who, service).service if service else None
        words = {"name": name, "purpose": purpose, "spec": spec, "service": before}
        try:
            draft = ServiceDraft(resource_id=resource, name=name, purpose=purpose, spec=_spec(spec))
            if before is None:
                made = services.register(who, draft, secret)
            else:
                made = services.change(who, before.id, draft, secret or None)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return form(request, resource, words, error.text)
        told = Text("已保存，请测试一次真实调用。", "Kept; now test it by a real call.")
        return frame.after(request, f"{HERE}/{made.id}", told)


def _add_one(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    services = platform.offered

    def page(request: Request, service_id: str, **words: Any) -> HTMLResponse:
        view = services.view(person(request), service_id)
        possible = [move for move in _STEPS if view.may_manage and view.service.state in SERVICE_MOVES[move]]
        shown: dict[str, Any] = {"plan": None, "proof": None, "given": None, "fault": None, **words}
        spec = (view.versions[0] if view.may_manage else view.version).spec
        return frame.page(
            request,
            "service.html",
            view=view,
            s=view.service,
            spec=view.version.spec,
            newest=spec,
            moves=possible,
            names=names(platform),
            entry=_entry(platform, request, view.service),
            **shown,
        )

    @pages.get("/services/{service_id}")
    def one(request: Request, service_id: str) -> HTMLResponse:
        return page(request, service_id)

    @pages.get("/services/{service_id}/plan")
    def plan(request: Request, service_id: str, move: Annotated[ServiceMove, Query()]) -> HTMLResponse:
        return page(request, service_id, plan=services.plan(person(request), service_id, move))

    @pages.post("/services/{service_id}/test")
    async def test(request: Request, service_id: str) -> HTMLResponse:
        from starlette.concurrency import run_in_threadpool

        given = _values(dict(await request.form()))
        return await run_in_threadpool(_tested, request, service_id, given)

    def _tested(request: Request, service_id: str, given: Mapping[str, str]) -> HTMLResponse:
        try:
            proof = services.test(person(request), service_id, given)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return page(request, service_id, given=given, fault=error.text)
        return page(request, service_id, given=given, proof=proof)

    @pages.post("/services/{service_id}/move")
    def step(
        request: Request, service_id: str, move: Annotated[ServiceMove, Form()], words: Said = ""
    ) -> RedirectResponse:
        back = f"{HERE}/{service_id}"

        def done() -> tuple[str, Text]:
            who = person(request)
            if move is ServiceMove.OFFER:
                after = services.offer(who, service_id)
            else:
                verbs = {
                    ServiceMove.PAUSE: services.pause,
                    ServiceMove.RESUME: services.resume,
                    ServiceMove.RETIRE: services.retire,
                }
                if move not in verbs:
                    raise Invalid("没有这一步。", "There is no such step.", code="no_move")
                after = verbs[move](who, service_id, words)
            return back, Text(
                f"已办理，服务接口现为“{after.state.text.zh}”。", f"Done; the service is {after.state.text.en} now."
            )

        return frame.attempt(request, back, done)


def _add_trial(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    services = platform.offered

    def page(
        request: Request,
        view: ServiceView,
        given: Mapping[str, str],
        answer: ServiceAnswer | None = None,
        fault: Text | None = None,
        chosen: str = "",
    ) -> HTMLResponse:
        return frame.page(
            request,
            "service_try.html",
            chosen=chosen,
            view=view,
            s=view.service,
            spec=view.version.spec,
            given=given,
            answer=answer,
            fault=fault,
            purposes=purposes(),
            names=names(platform),
        )

    @pages.get("/services/{service_id}/try")
    def blank(request: Request, service_id: str) -> HTMLResponse:
        return page(request, services.view(person(request), service_id), {})

    @pages.post("/services/{service_id}/try")
    async def call(request: Request, service_id: str) -> HTMLResponse:
        from starlette.concurrency import run_in_threadpool

        sent = dict(await request.form())
        return await run_in_threadpool(_called, request, service_id, _values(sent), str(sent.get("grant", "")))

    def _called(request: Request, service_id: str, given: Mapping[str, str], grant: str) -> HTMLResponse:
        who = person(request)
        view = services.view(who, service_id)
        try:
            answer = services.call(who, service_id, given, grant=grant)
        except BeijiangError as error:
            if error.status == 401:  # noqa: PLR2004 - the status of who has not signed in
                raise
            return page(request, view, given, fault=error.text, chosen=grant)
        return page(request, view, given, answer, chosen=grant)


def _values(sent: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a form, whose fields begin with ``p-``."""
    return {
        name[2:]: value for name, value in sent.items() if name.startswith("p-") and isinstance(value, str) and value
    }


def _entry(platform: Platform, request: Request, service: Service) -> bool:
    return platform.access.allows(person(request), Permission.CATALOG_RESOURCE_READ, service.provider_id)


def _sketch(entry: Entry) -> dict[str, Any]:
    """Return a declaration to begin with: a field for each item of the entry."""
    fields = [
        {"column": item.column, "path": "", "type": _TYPES.get(item.type, "text"), "level": str(item.level or "L2")}
        for item in entry.items
    ]
    return {
        "base_url": "https://",
        "path": "/v1/query",
        "method": "GET",
        "parameters": [{"name": "q", "place": "query", "type": "text", "required": False}],
        "rows": "data.rows",
        "fields": fields,
        "auth": "none",
        "sample": {},
    }


def _shown(spec: Mapping[str, Any]) -> str:
    return json.dumps(spec, ensure_ascii=False, indent=2)


def _spec(text: str) -> ServiceSpec:
    """Read a declaration; what is wrong is said by place, never by value."""
    try:
        return ServiceSpec.model_validate(json.loads(text))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or '*'}: {e['msg']}" for e in error.errors()[:10])
        raise Invalid(f"声明有误：{wrong}", f"The declaration is wrong: {wrong}", code="bad_declaration") from None
    except ValueError:
        raise Invalid("声明不是 JSON。", "The declaration is no JSON.", code="bad_declaration") from None


__all__ = ["router"]
