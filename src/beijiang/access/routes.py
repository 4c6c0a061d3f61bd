"""The JSON API of access: the session, people, organisations and API keys."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beijiang.access.models import (
    ApiKey,
    KeyDraft,
    Organisation,
    OrganisationDraft,
    OrganisationKind,
    Person,
    PersonDraft,
    Role,
    SignedIn,
)
from beijiang.access.service import SESSION_COOKIE, Access
from beijiang.kit import Actor
from beijiang.web.bounds import Whole

__all__ = ["router"]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignInOrder(_Order):
    """A login and its password, or the one-time code of a new account."""

    name: str = Field(min_length=1, max_length=100)
    password: SecretStr = Field(max_length=300)


class PasswordOrder(_Order):
    """The present password (or one-time code) and the new one."""

    current: SecretStr = Field(max_length=300)
    new: SecretStr = Field(max_length=300)


class PersonOrder(_Order):
    """An account to be made."""

    login: str = Field(max_length=64)
    name: str = Field(max_length=64)
    org_id: str | None = Field(default=None, max_length=40)
    roles: list[Role] = Field(default=[], max_length=10)


class RolesOrder(_Order):
    """The roles that somebody shall have, in place of the present ones."""

    roles: list[Role] = Field(max_length=10)


class DisableOrder(_Order):
    """Why an account is closed."""

    reason: str = Field(min_length=1, max_length=1000)


class OrganisationOrder(_Order):
    """An organisation to be added."""

    name_zh: str = Field(max_length=100)
    name_en: str = Field(default="", max_length=200)
    kind: OrganisationKind = OrganisationKind.DEPARTMENT
    admin_tier: Whole = Field(default=1, strict=True)
    id: str | None = None
    short_zh: str | None = Field(default=None, max_length=100)
    uscc: str | None = Field(default=None, min_length=18, max_length=18)
    parent_id: str | None = None
    region_code: str | None = Field(default=None, max_length=12)
    region_scope: list[str] = Field(default=[], max_length=200)


class KeyOrder(_Order):
    """A key to be issued."""

    name: str = Field(max_length=100)
    scopes: list[str] = Field(max_length=100)
    days: Whole = Field(default=90, strict=True)


def router(access: Access) -> APIRouter:
    """Return the endpoints below ``/api/v1/session``, ``people``, ``organisations`` and ``keys``."""
    api = APIRouter(prefix="/api/v1", tags=["access"])
    _add_session(api, access)
    _add_people(api, access)
    _add_organisations(api, access)
    _add_keys(api, access)
    return api


def _add_session(api: APIRouter, access: Access) -> None:
    @api.get("/session", summary="Who the caller is")
    def who_am_i(request: Request) -> dict[str, Any]:
        token = request.cookies.get(SESSION_COOKIE)
        living = access.session(token) if token else None
        return {"actor": _shown(_actor(request)), "csrf": access.csrf(token) if token and living else None}

    @api.post("/session", summary="Sign in; the session comes as a cookie", status_code=201)
    def sign_in(request: Request, response: Response, order: SignInOrder) -> dict[str, Any]:
        old = request.cookies.get(SESSION_COOKIE)
        fresh = access.sign_in(order.name, order.password.get_secret_value(), _source(request), replaces=old)
        return _begin(response, fresh)

    @api.put("/session/password", summary="Set a new password; every other session of the caller ends")
    def change_password(request: Request, response: Response, order: PasswordOrder) -> dict[str, Any]:
        current, new = order.current.get_secret_value(), order.new.get_secret_value()
        return _begin(response, access.change_password(_actor(request), current, new))

    @api.delete("/session", summary="Sign out", status_code=204)
    def sign_out(request: Request, response: Response) -> None:
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            access.sign_out(token)
        response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _add_people(api: APIRouter, access: Access) -> None:
    @api.get("/people", summary="People whom the caller may see")
    def people(request: Request, org_id: str | None = None) -> dict[str, Any]:
        return {"people": [_person(person) for person in access.people(_actor(request), org_id)]}

    @api.post("/people", summary="Make an account; the one-time code is shown this once", status_code=201)
    def add_person(request: Request, order: PersonOrder) -> dict[str, Any]:
        draft = PersonDraft(login=order.login, name=order.name, org_id=order.org_id, roles=frozenset(order.roles))
        person, code = access.add_person(_actor(request), draft)
        return {"person": _person(person), "one_time_code": code}

    @api.get("/people/{person_id}", summary="One person")
    def person(request: Request, person_id: str) -> dict[str, Any]:
        return _person(access.person(_actor(request), person_id))

    @api.get("/people/{name}/explain", summary="Why somebody may or may not do something")
    def explain(
        request: Request, name: str, permission: Annotated[str, Query(max_length=100)], org_id: str | None = None
    ) -> dict[str, Any]:
        return access.explain(_actor(request), name, permission, org_id).to_json()

    @api.put("/people/{person_id}/roles", summary="Replace somebody's roles")
    def set_roles(request: Request, person_id: str, order: RolesOrder) -> dict[str, Any]:
        return _person(access.set_roles(_actor(request), person_id, frozenset(order.roles)))

    @api.post("/people/{person_id}/disable", summary="Close an account, its sessions and keys")
    def disable(request: Request, person_id: str, order: DisableOrder) -> dict[str, Any]:
        return _person(access.disable_person(_actor(request), person_id, order.reason))

    @api.post("/people/{person_id}/enable", summary="Open a closed account again")
    def enable(request: Request, person_id: str) -> dict[str, Any]:
        return _person(access.enable_person(_actor(request), person_id))

    @api.post("/people/{person_id}/reset", summary="Void password, sessions and keys; the code is shown this once")
    def reset(request: Request, person_id: str) -> dict[str, Any]:
        made = access.reset_person(_actor(request), person_id)
        return {"one_time_code": made.code, "keys_revoked": made.keys_revoked}


def _add_organisations(api: APIRouter, access: Access) -> None:
    @api.get("/organisations", summary="All organisations, parents before children")
    def organisations() -> dict[str, Any]:
        return {"organisations": [_organisation(one) for one in access.organisations()]}

    @api.get("/organisations/{org_id}", summary="One organisation")
    def organisation(org_id: str) -> dict[str, Any]:
        return _organisation(access.organisation(org_id))

    @api.post("/organisations", summary="Add an organisation", status_code=201)
    def add(request: Request, order: OrganisationOrder) -> dict[str, Any]:
        facts = order.model_dump() | {"region_scope": frozenset(order.region_scope)}
        return _organisation(access.add_organisation(_actor(request), OrganisationDraft(**facts)))


def _add_keys(api: APIRouter, access: Access) -> None:
    @api.get("/keys", summary="API keys: one's own, or all for those who manage them")
    def keys(request: Request, person_id: str | None = None) -> dict[str, Any]:
        return {"keys": [_key(key) for key in access.keys(_actor(request), person_id)]}

    @api.post("/keys", summary="Issue a key to oneself; the secret is shown this once", status_code=201)
    def issue(request: Request, order: KeyOrder) -> dict[str, Any]:
        draft = KeyDraft(name=order.name, scopes=frozenset(order.scopes), days=order.days)
        key, secret = access.issue_key(_actor(request), draft)
        return {"key": _key(key), "secret": secret}

    @api.delete("/keys/{key_id}", summary="Revoke a key at once")
    def revoke(request: Request, key_id: str) -> dict[str, Any]:
        return _key(access.revoke_key(_actor(request), key_id))


def _begin(response: Response, fresh: SignedIn) -> dict[str, Any]:
    """Hand the token to the browser where no script can read it; the one for forms goes into the answer."""
    response.set_cookie(SESSION_COOKIE, fresh.token, path="/", secure=True, httponly=True, samesite="lax")
    return {
        "actor": _shown(fresh.actor),
        "csrf": fresh.csrf,
        "must_set_password": fresh.session.must_set_password,
        "expires_at": fresh.session.expires_at.isoformat(),
    }


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _source(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _shown(actor: Actor) -> dict[str, Any]:
    return {
        "id": actor.id,
        "name": actor.name,
        "kind": str(actor.kind),
        "org_id": actor.org_id,
        "roles": sorted(actor.roles),
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
    }


def _person(person: Person) -> dict[str, Any]:
    return asdict(person) | {"roles": sorted(person.roles)}


def _organisation(one: Organisation) -> dict[str, Any]:
    return asdict(one) | {"region_scope": sorted(one.region_scope)}


def _key(key: ApiKey) -> dict[str, Any]:
    return asdict(key) | {"scopes": sorted(key.scopes)}
