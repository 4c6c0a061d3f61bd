"""Applications written elsewhere (外部应用): registered, reviewed, subscribed, watched; and what one agreed to oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.access import SCOPES, Permission
from beijiang.apps import IDENTITY_SCOPES, ClientDraft, ClientKind, ClientState, FarewellState, Plan, SubscriptionState
from beijiang.console.duties import clients_waiting
from beijiang.console.routes.frame import Frame, person
from beijiang.kit import BeijiangError, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.apps import Client, Use
    from beijiang.kit import Actor
    from beijiang.platform import Platform

HERE: Final = "/console/clients"
_Said = Annotated[str, Form(max_length=1000)]
_Lines = Annotated[str, Form(max_length=12_000)]
_WORDS = dict(IDENTITY_SCOPES) | {str(s): s.text for s in SCOPES}


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages of applications written elsewhere."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_reading(pages, frame, platform)
    _add_registering(pages, frame, platform)
    _add_deciding(pages, frame, platform)
    _add_subscribing(pages, frame, platform)
    _add_consents(pages, frame, platform)
    _add_health(pages, frame, platform)
    return pages


def _rights(platform: Platform, who: Actor, client: Client | None = None) -> dict[str, bool]:
    allows, org = platform.access.allows, who.org_id if client is None else client.org_id
    return {
        "register": allows(who, Permission.APPS_CLIENT_REGISTER, org),
        "review": allows(who, Permission.APPS_CLIENT_REVIEW),
    }


def _add_reading(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/clients")
    def list_(request: Request, show: Annotated[str, Query(max_length=20)] = "") -> HTMLResponse:
        who = person(request)
        names = {one.id: one.short for one in platform.access.organisations()}
        found = platform.clients.clients(who)
        if show == "waiting":
            found = clients_waiting(found)
        rights = _rights(platform, who)
        return frame.page(request, "clients.html", found=found, names=names, show=show, may=rights, **_choices())

    @pages.get("/clients/{client_id}")
    def one(request: Request, client_id: str) -> HTMLResponse:
        return _page(frame, platform, request, client_id)


def _page(frame: Frame, platform: Platform, request: Request, client_id: str, secret: str = "") -> HTMLResponse:
    who = person(request)
    found, living = platform.clients.client(who, client_id)
    use = platform.subscriptions.use(who, client_id)
    farewells, told = platform.clients.farewells(who, client_id)
    days = _by_day(use, ZoneInfo(platform.settings.time_zone))
    return frame.page(
        request,
        "client.html",
        client=found,
        secrets=living,
        secret=secret,
        farewells=farewells,
        told=[(state.text, told[state]) for state in FarewellState if state in told],
        subscriptions=platform.subscriptions.subscriptions(who, client_id),
        days=days,
        answered=[one.calls - one.errors - one.refused for _, one in days],
        failed=[one.errors for _, one in days],
        refused=[one.refused for _, one in days],
        apis=_by_api(use),
        may=_rights(platform, who, found),
        issuer=platform.sign_on.issuer,
        address=platform.relay.address(found),
        health=platform.app_health.health(who, client_id),
        waiting=SubscriptionState.ASKED,
        **_choices(),
    )


def _add_registering(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    def draft(form: dict[str, Any]) -> ClientDraft:
        return ClientDraft(
            name=form["name"],
            purpose=form["purpose"],
            kind=form["kind"],
            redirect_uris=_lines(form["redirect_uris"]),
            after_uris=_lines(form["after_uris"]),
            logout_uri=form["logout_uri"].strip(),
            scopes=frozenset(form["scope"]),
            machine=form["machine"] == "yes",
            upstream=form["upstream"].strip(),
            label=form["label"].strip(),
            health_path=form["health_path"].strip() or "/",
        )

    @pages.post("/clients")
    def register(
        request: Request,
        name: Annotated[str, Form(max_length=100)],
        purpose: _Said,
        kind: Annotated[ClientKind, Form()] = ClientKind.CONFIDENTIAL,
        redirect_uris: _Lines = "",
        after_uris: _Lines = "",
        logout_uri: Annotated[str, Form(max_length=500)] = "",
        scope: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        machine: Annotated[str, Form(max_length=3)] = "",
        upstream: Annotated[str, Form(max_length=500)] = "",
        label: Annotated[str, Form(max_length=40)] = "",
        health_path: Annotated[str, Form(max_length=200)] = "/",
    ) -> RedirectResponse:
        form = dict(locals())

        def step() -> tuple[str, Text]:
            made = platform.clients.register(person(request), draft(form))
            return _at(made.id), Text("已登记，等待大数据局审核。", "It is registered, and waits for review.")

        return frame.attempt(request, HERE, step)

    @pages.post("/clients/{client_id}")
    def change(
        request: Request,
        client_id: str,
        name: Annotated[str, Form(max_length=100)],
        purpose: _Said,
        kind: Annotated[ClientKind, Form()],
        redirect_uris: _Lines = "",
        after_uris: _Lines = "",
        logout_uri: Annotated[str, Form(max_length=500)] = "",
        scope: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
        machine: Annotated[str, Form(max_length=3)] = "",
        upstream: Annotated[str, Form(max_length=500)] = "",
        label: Annotated[str, Form(max_length=40)] = "",
        health_path: Annotated[str, Form(max_length=200)] = "/",
    ) -> RedirectResponse:
        form = dict(locals())

        def step() -> tuple[str, Text]:
            platform.clients.change(person(request), client_id, draft(form))
            words = Text(
                "变更已提交；审核通过前仍按原登记运行。",
                "The change waits for review; until then the facts in force stay.",
            )
            return _at(client_id), words

        return frame.attempt(request, _at(client_id), step)

    @pages.post("/clients/{client_id}/secret", response_model=None)
    def secret(request: Request, client_id: str) -> HTMLResponse | RedirectResponse:
        try:
            _, text = platform.clients.new_secret(person(request), client_id)
        except BeijiangError as error:
            return frame.after(request, _at(client_id), error.text, "bad")
        return _page(frame, platform, request, client_id, text)

    @pages.post("/clients/{client_id}/end-secrets")
    def end(request: Request, client_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            ended = platform.clients.end_secrets(person(request), client_id)
            return _at(client_id), Text(f"已作废 {ended} 个密钥。", f"{ended} secrets are ended.")

        return frame.attempt(request, _at(client_id), step)


def _add_deciding(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/clients/{client_id}/review")
    def review(
        request: Request, client_id: str, do: Annotated[str, Form(max_length=10)], note: _Said = "", seen: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.clients.review(person(request), client_id, approve=do == "approve", note=note, seen=seen)
            return _at(client_id), Text("已办理。", "It is decided.")

        return frame.attempt(request, _at(client_id), step)

    @pages.post("/clients/{client_id}/switch")
    def switch(
        request: Request, client_id: str, do: Annotated[str, Form(max_length=10)], reason: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            found = platform.clients.switch(person(request), client_id, off=do == "off", reason=reason)
            return _at(client_id), Text(f"应用：{found.state.text.zh}。", f"The application: {found.state.text.en}.")

        return frame.attempt(request, _at(client_id), step)


def _add_health(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/clients/{client_id}/health")
    def check(request: Request, client_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            found = platform.app_health.check(person(request), client_id)
            return _at(client_id), Text(f"检查结果：{found.state.text.zh}。", f"It {found.state.text.en}.")

        return frame.attempt(request, _at(client_id), step)


def _add_subscribing(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.post("/clients/{client_id}/subscriptions")
    def subscribe(
        request: Request,
        client_id: str,
        api: Annotated[str, Form(max_length=200)],
        plan: Annotated[Plan, Form()] = Plan.TRIAL,
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = platform.subscriptions.ask(person(request), client_id, api.strip(), plan)
            return _at(client_id), Text(f"订阅：{made.state.text.zh}。", f"The subscription: {made.state.text.en}.")

        return frame.attempt(request, _at(client_id), step)

    @pages.post("/clients/{client_id}/subscriptions/{subscription_id}")
    def decide(
        request: Request,
        client_id: str,
        subscription_id: str,
        do: Annotated[str, Form(max_length=10)],
        note: _Said = "",
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if do == "end":
                found = platform.subscriptions.end(person(request), subscription_id)
            else:
                found = platform.subscriptions.decide(
                    person(request), subscription_id, approve=do == "approve", note=note
                )
            return _at(client_id), Text(f"订阅：{found.state.text.zh}。", f"The subscription: {found.state.text.en}.")

        return frame.attempt(request, _at(client_id), step)


def _add_consents(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    @pages.get("/consents")
    def consents(request: Request) -> HTMLResponse:
        names = {one.id: one.short for one in platform.access.organisations()}
        found = platform.sign_on.consents(person(request))
        return frame.page(request, "consents.html", found=found, names=names, scope_words=_WORDS)

    @pages.post("/consents/{client_id}/back")
    def back(request: Request, client_id: str) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            platform.sign_on.take_back(person(request), client_id)
            words = Text(
                "已收回，应用立即失去对您账号的使用。", "It is taken back; the application lost its hold as of now."
            )
            return "/console/consents", words

        return frame.attempt(request, "/console/consents", step)


def _choices() -> dict[str, Any]:
    return {"kinds": ClientKind, "states": ClientState, "plans": Plan, "scope_words": _WORDS}


def _by_day(use: Sequence[Use], zone: ZoneInfo) -> list[tuple[str, Use]]:
    """Take the hours of each day together, in order."""
    days: dict[str, Use] = {}
    for one in use:
        day = one.hour.astimezone(zone).date().isoformat()
        days[day] = days[day].plus(one) if day in days else one
    return sorted(days.items())


def _by_api(use: Sequence[Use]) -> list[Use]:
    found: dict[str, Use] = {}
    for one in use:
        found[one.api] = found[one.api].plus(one) if one.api in found else one
    return sorted(found.values(), key=lambda one: -one.calls)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _at(client_id: str) -> str:
    return f"{HERE}/{quote(client_id)}"
