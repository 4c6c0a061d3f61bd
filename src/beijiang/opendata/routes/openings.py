"""Conditional opening on the portal: the conditions and the form of an application, what became of it, and what is published."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from beijiang.exchange import ApplicationDraft, Item, Way, every_purpose, opening_purposes
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.opendata.routes.api import actor
from beijiang.opendata.routes.citizens import SEE_OTHER
from beijiang.protection import Handling

if TYPE_CHECKING:
    from beijiang.exchange import Openings
    from beijiang.opendata.service import OpenData
    from beijiang.web import Pages

__all__ = ["pages"]

_Line = Annotated[str, Form(max_length=300)]
_Words = Annotated[str, Form(max_length=2000)]
_Many = Annotated[list[str], Form()]
_Find = Annotated[str, Query(max_length=40)]
DAYS = 180


def pages(openings: Openings, opendata: OpenData, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)
    _add_form(routes, openings, opendata, site)
    _add_own(routes, openings, site)

    @routes.get("/applications")
    def outcomes(request: Request, dataset: _Find = "") -> Response:
        found = openings.outcomes(actor(request), dataset)
        title = opendata.dataset(actor(request), dataset).title if dataset else ""
        return site.render(
            request, "opendata/outcomes.html", found=found, dataset=dataset, title=title, purposes=every_purpose()
        )

    return routes


def _add_form(routes: APIRouter, openings: Openings, opendata: OpenData, site: Pages) -> None:
    def form(request: Request, dataset_id: str, again: str = "", fault: Text | None = None, **given: Any) -> Response:
        who = actor(request)
        held = openings.conditions(who, dataset_id)
        dataset = opendata.entry(who, dataset_id)
        before = openings.application(who, again).request if again else None
        page = site.render(
            request,
            "opendata/apply.html",
            ds=dataset,
            held=held,
            offered=openings.offered_items(who, dataset_id),
            purposes=opening_purposes(),
            applicant=openings.who(who),
            today=openings.today,
            until=openings.today + timedelta(days=DAYS),
            before=before,
            given=given,
            fault=fault,
        )
        page.status_code = 200 if fault is None else 422
        return page

    @routes.get("/datasets/{dataset_id}/apply")
    def ask(request: Request, dataset_id: str, again: _Find = "") -> Response:
        return form(request, dataset_id, again)

    @routes.post("/datasets/{dataset_id}/apply")
    def apply(
        request: Request,
        dataset_id: str,
        column: _Many = [],  # noqa: B006 - FastAPI copies it
        way: _Many = [],  # noqa: B006
        since: _Line = "",
        until: _Line = "",
        purpose: _Line = "",
        use: _Words = "",
        products: _Words = "",
        measures: _Words = "",
        agreed: _Line = "",
        again: _Line = "",
        words: _Words = "",
    ) -> Response:
        who = actor(request)
        given = {"column": column, "way": way, "since": since, "until": until, "purpose": purpose, "use": use}
        try:
            levels = openings.offered_items(who, dataset_id)
            draft = ApplicationDraft(
                resource_id=dataset_id,
                items=tuple(Item(c, Handling.AS_IS if levels.get(c) == "L1" else Handling.MASKED) for c in column),
                ways=frozenset(Way(one) for one in way if one in set(Way)),
                since=_day(since, openings.today),
                until=_day(until, openings.today + timedelta(days=DAYS)),
                purpose=purpose,
                use=use,
                products=products,
                measures=measures,
                agreed=agreed,
            )
            done = openings.supply(who, again, draft, words or "—") if again else openings.apply(who, draft)
        except BeijiangError as error:
            if error.status in {401, 404}:
                raise
            return form(request, dataset_id, again, error.text, **given, products=products, measures=measures)
        return RedirectResponse(f"/my/applications/{quote(done.id)}", SEE_OTHER)


def _add_own(routes: APIRouter, openings: Openings, site: Pages) -> None:
    def shown(request: Request, application: str, fault: Text | None = None) -> Response:
        view = openings.application(actor(request), application)
        page = site.render(
            request, "opendata/application.html", view=view, r=view.request, purposes=every_purpose(), fault=fault
        )
        page.status_code = 200 if fault is None else 422
        return page

    @routes.get("/my/applications/{application}")
    def one(request: Request, application: str) -> Response:
        if actor(request).is_anonymous:
            return RedirectResponse("/console/sign-in?next=/my", SEE_OTHER)
        return shown(request, application)

    @routes.post("/my/applications/{application}")
    def step(request: Request, application: str, do: _Line = "", words: _Words = "") -> Response:
        verbs = {"withdraw": openings.withdraw, "appeal": openings.appeal, "give_up": openings.give_up}
        try:
            if do not in verbs:
                raise Invalid("没有这个步骤。", "There is no such step.", code="unknown_step")
            verbs[do](actor(request), application, words)
        except BeijiangError as error:
            if error.status in {401, 404}:
                raise
            return shown(request, application, error.text)
        return RedirectResponse(f"/my/applications/{quote(application)}", SEE_OTHER)


def _day(text: str, otherwise: date) -> date:
    if not text.strip():
        return otherwise
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(f"“{text[:20]}”不是日期。", f'"{text[:20]}" is not a day.', code="bad_day") from None
