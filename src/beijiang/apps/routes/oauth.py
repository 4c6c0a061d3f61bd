"""The end-points of OAuth 2.0 and OpenID Connect, and the pages on which people agree and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from beijiang.access import SCOPES, SESSION_COOKIE
from beijiang.apps.models import IDENTITY_SCOPES, ProtocolAnswer, ProtocolCall
from beijiang.kit import Actor, Invalid, Text
from beijiang.web import form_may_go_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from beijiang.access import Access
    from beijiang.apps.service import SignOn
    from beijiang.web import Pages

__all__ = ["PROTOCOL_PATHS", "oauth", "protocol_error"]

PROTOCOL_PATHS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/userinfo", "/oauth/jwks")
"""Where applications ask by themselves; no cookie and no key of the platform counts there."""

SEE_OTHER = 303
_RETURNED = "signed_in"
"""Says that the person just signed in for this request; never part of what an application asks."""
_WORDS = dict(IDENTITY_SCOPES) | {str(scope): scope.text for scope in SCOPES}
_FIELDS_MOST = 30


def protocol_error(status: int, body: dict[str, Any], error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of an error as RFC 6749 has them."""
    del error
    code = {401: "invalid_token", 429: "slow_down"}.get(status, "invalid_request" if status < 500 else "server_error")  # noqa: PLR2004
    return status if status in {401, 429} or status >= 500 else 400, {"error": code, "error_description": body["code"]}  # noqa: PLR2004


def oauth(service: SignOn, access: Access, site: Pages) -> APIRouter:
    """Return the end-points under ``/oauth`` and the two addresses of discovery."""
    routes = APIRouter(tags=["sign-on"])
    _add_published(routes, service)
    _add_machines(routes, service)
    _add_pages(routes, service, access, site)
    _add_leaving(routes, service, access, site)
    return routes


def _add_published(routes: APIRouter, service: SignOn) -> None:
    @routes.get("/.well-known/openid-configuration", summary="Where sign-on is, for client libraries")
    def discovery() -> dict[str, Any]:
        return dict(service.discovery())

    @routes.get("/.well-known/oauth-authorization-server", summary="The same, under the name of RFC 8414")
    def metadata() -> dict[str, Any]:
        return dict(service.discovery())

    @routes.get("/oauth/jwks", summary="The public keys of identity tokens")
    def keys() -> JSONResponse:
        return JSONResponse({"keys": service.keys.published()}, headers={"Cache-Control": "public, max-age=300"})


def _add_machines(routes: APIRouter, service: SignOn) -> None:
    """Add what the discovery document describes: its answers and errors have the shape of the RFCs, not ours."""

    async def answered(request: Request, step: Callable[[ProtocolCall], ProtocolAnswer]) -> Response:
        call = await _posted(request)
        answer = await run_in_threadpool(step, call)
        head = {**answer.headers, "Cache-Control": "no-store"}
        head.pop("Content-Type", None)
        return JSONResponse(dict(answer.body), status_code=answer.status, headers=head)

    @routes.post("/oauth/token", include_in_schema=False)
    async def token(request: Request) -> Response:
        return await answered(request, service.token)

    @routes.post("/oauth/revoke", include_in_schema=False)
    async def revoke(request: Request) -> Response:
        return await answered(request, service.revocation)

    @routes.post("/oauth/introspect", include_in_schema=False)
    async def introspect(request: Request) -> Response:
        return await answered(request, service.introspection)

    def told(secret: str) -> JSONResponse:
        return JSONResponse(dict(service.userinfo(secret)), headers={"Cache-Control": "no-store"})

    @routes.get("/oauth/userinfo", include_in_schema=False)
    def userinfo(request: Request) -> JSONResponse:
        return told(_bearer(request))

    @routes.post("/oauth/userinfo", include_in_schema=False)
    async def userinfo_posted(request: Request) -> JSONResponse:
        """Answer a POST too (OpenID Connect Core 5.3.1), with the token in the header or, of a form, in its body (RFC 6750, 2.2)."""
        secret = _bearer(request)
        if not request.headers.get("authorization") and "content-type" in request.headers:
            secret = (await _posted(request)).value("access_token")
        return await run_in_threadpool(told, secret)


def _add_pages(routes: APIRouter, service: SignOn, access: Access, site: Pages) -> None:
    @routes.get("/oauth/authorize", include_in_schema=False)
    def authorize(request: Request) -> Response:
        pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in {_RETURNED, "lang"}]
        call, returned = ProtocolCall(method="GET", fields=pairs), _RETURNED in request.query_params
        found = service.ask(_actor(request), call, _signed_in_at(request, access), returned=returned)
        if found.sign_in:
            back = f"/oauth/authorize?{urlencode([*pairs, (_RETURNED, '1')])}"
            return RedirectResponse(f"/console/sign-in?next={quote(back, safe='')}", SEE_OTHER)
        if found.location and returned:  # a form brought the browser here, and its page lets it go to no other site
            return _fresh(site.render(request, "apps/passing.html", location=found.location))
        if found.location:
            return _fresh(RedirectResponse(found.location, SEE_OTHER))
        assert found.client is not None  # noqa: S101 - what is neither sent on nor signed in is asked
        owner = access.organisation(found.client.org_id)
        page = site.render(
            request,
            "apps/consent.html",
            client=found.client,
            owner=Text(owner.name_zh, owner.name_en or owner.name_zh) if owner else Text("", ""),
            host=urlsplit(found.redirect_uri).netloc,
            identity=[_WORDS[one] for one in found.scopes if one in IDENTITY_SCOPES],
            rights=[_WORDS[one] for one in found.scopes if one not in IDENTITY_SCOPES],
            shown=found.shown,
        )
        page.headers.update(form_may_go_to(found.redirect_uri))
        return _fresh(page)

    @routes.post("/oauth/authorize", include_in_schema=False)
    async def decide(request: Request) -> Response:
        call = await _posted(request)
        shown, allow = call.value("shown"), call.value("do") == "allow"
        location = await run_in_threadpool(
            lambda: service.decide(_actor(request), shown, _signed_in_at(request, access), allow=allow)
        )
        return _fresh(RedirectResponse(location, SEE_OTHER))


def _add_leaving(routes: APIRouter, service: SignOn, access: Access, site: Pages) -> None:
    def left(request: Request, hint: str, client_id: str, after: str, state: str, *, out: bool) -> Response:
        leaving = service.leaving(hint, client_id, after)
        token = request.cookies.get(SESSION_COOKIE)
        if _actor(request).is_anonymous or out:
            if token and out:
                access.sign_out(token)
            mark = "&" if "?" in leaving.after else "?"
            onward = f"{leaving.after}{mark}{urlencode({'state': state})}" if state else leaving.after
            answer = RedirectResponse(onward if leaving.after else "/", SEE_OTHER)
            if out:
                answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
            return answer
        fields = {"id_token_hint": hint, "client_id": client_id, "post_logout_redirect_uri": after, "state": state}
        page = site.render(request, "apps/leave.html", client=leaving.client, fields=fields)
        if leaving.after:
            page.headers.update(form_may_go_to(leaving.after))
        return _fresh(page)

    @routes.get("/oauth/logout", include_in_schema=False)
    def ask(
        request: Request,
        id_token_hint: str = "",
        client_id: str = "",
        post_logout_redirect_uri: str = "",
        state: str = "",
    ) -> Response:
        return left(request, id_token_hint, client_id, post_logout_redirect_uri, state, out=False)

    @routes.post("/oauth/logout", include_in_schema=False)
    def leave(
        request: Request,
        id_token_hint: Annotated[str, Form(max_length=8000)] = "",
        client_id: Annotated[str, Form(max_length=100)] = "",
        post_logout_redirect_uri: Annotated[str, Form(max_length=1000)] = "",
        state: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        return left(request, id_token_hint, client_id, post_logout_redirect_uri, state, out=True)


def _bearer(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


async def _posted(request: Request) -> ProtocolCall:
    """Read a form; the protocol knows no other body."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Invalid(
            "请以 application/x-www-form-urlencoded 提交。",
            "Send the parameters as application/x-www-form-urlencoded.",
            code="form_needed",
        )
    form = await request.form(max_fields=_FIELDS_MOST)
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    if len({name for name, _ in fields}) != len(fields):
        raise Invalid("有参数重复出现。", "A parameter was sent twice.", code="repeated_parameter")
    return ProtocolCall(method="POST", fields=fields, authorization=request.headers.get("authorization", ""))


def _signed_in_at(request: Request, access: Access) -> datetime | None:
    token = request.cookies.get(SESSION_COOKIE)
    session = access.session(token) if token else None
    return None if session is None else session.created_at


def _fresh(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor
