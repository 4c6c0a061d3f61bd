"""The JSON API: end-points of applications, and the steps of their life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from beijiang.apps.models import ZIP_BYTES, AudienceKind, pack, unpack
from beijiang.apps.plain import grant_facts
from beijiang.kit import Actor, Text
from beijiang.web.bounds import Whole
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.apps.models import App, AppVersion
    from beijiang.apps.service import Apps, Checked

__all__ = ["ADDRESS", "router"]

ADDRESS = "/api/v1/apps"
"""Also where a bundle is handed in."""


class ReviewOrder(BaseModel):
    """A decision on a version."""

    model_config = ConfigDict(extra="forbid")

    approve: bool
    own_grants: bool = False
    """Allow the version to read under grants of its department."""
    note: str = Field(min_length=1, max_length=1000)


class ReleaseOrder(BaseModel):
    """To whom a version is released: ids of departments, logins of people, nothing for the public."""

    model_config = ConfigDict(extra="forbid")

    to: AudienceKind
    names: list[str] = Field(default=[], max_length=200)


class AudienceOrder(ReleaseOrder):
    """To whom the version in use goes from now on, and why."""

    reason: str = Field(min_length=1, max_length=1000)


class ReasonOrder(BaseModel):
    """Why; kept in the evidence."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


class SwitchOrder(ReasonOrder):
    """Off, or on again."""

    off: bool


def router(service: Apps) -> APIRouter:
    """Return the endpoints under ``/api/v1/apps``."""
    routes = APIRouter(prefix=ADDRESS, tags=["apps"])

    @routes.get("", summary="The applications that are released to you, and those that you have to do with")
    def all_(request: Request) -> dict[str, Any]:
        who = _actor(request)
        return {
            "store": [_offered(app, list(bundle.manifest.resources)) for app, bundle in service.store(who)],
            "apps": [_app(one) for one in service.apps(who)],
        }

    @routes.post("/check", summary="Check a bundle (zip); nothing is kept")
    def check(request: Request, file: UploadFile) -> dict[str, Any]:
        return _checked(service.check(_actor(request), unpack(file.file.read(ZIP_BYTES + 1))))

    @routes.post("", status_code=201, summary="Submit a bundle (zip) for review")
    def submit(request: Request, file: UploadFile) -> dict[str, Any]:
        app, version = service.submit_zip(_actor(request), file.file.read(ZIP_BYTES + 1))
        return {"app": app.id, "version": _version(version)}

    @routes.get("/{app}", summary="An application and its versions")
    def one(request: Request, app: str) -> dict[str, Any]:
        found, versions = service.app(_actor(request), app)
        return {**_app(found), "versions": [_version(version) for version in versions]}

    @routes.get("/{app}/usage", summary="How an application was used in the last 30 days, in coarse numbers")
    def usage(request: Request, app: str) -> dict[str, Any]:
        return {"days": [day.to_json() for day in service.usage(_actor(request), app)]}

    @routes.get("/{app}/data/{end}", summary="The answer of an end-point of an application, as you may see it")
    def data(request: Request, app: str, end: str, lang: Annotated[str, Query(max_length=10)] = "") -> dict[str, Any]:
        del lang  # which words an error is told in is the web kit's matter
        asked = {name: value for name, value in request.query_params.items() if name != "lang"}
        bundle, found = service.data(_actor(request), app, end, asked, whence(request))
        return {
            "app": app,
            "summary": _words(bundle.api[end].summary),
            "columns": list(found.columns),
            "rows": [{name: plain_value(value) for name, value in row.items()} for row in found.rows],
            "truncated": found.truncated,
            "masked": list(found.masked),
            "in_doubt": list(found.in_doubt),
            "grade": found.grade,
            "as_of": None if found.as_of is None else found.as_of.isoformat(),
            "receipt": found.receipt,
        }

    _add_steps(routes, service)
    return routes


def _add_steps(routes: APIRouter, service: Apps) -> None:
    @routes.get("/{app}/versions/{number}/bundle", summary="The files of a version, as a zip")
    def bundle(request: Request, app: str, number: Whole) -> Response:
        content = pack(service.files(_actor(request), app, number))
        head = {"Content-Disposition": 'attachment; filename="bundle.zip"'}
        return Response(content, media_type="application/zip", headers=head)

    @routes.post("/{app}/versions/{number}/review", summary="Approve a version or send it back")
    def review(request: Request, app: str, number: Whole, order: ReviewOrder) -> dict[str, Any]:
        who = _actor(request)
        found = service.review(who, app, number, approve=order.approve, note=order.note, own_grants=order.own_grants)
        return _version(found)

    @routes.get("/{app}/versions/{number}/grants", summary="What the grants open under which a version reads")
    def grants(request: Request, app: str, number: Whole) -> dict[str, Any]:
        return {"grants": [grant_facts(one) for one in service.opens(_actor(request), app, number)]}

    @routes.post("/{app}/versions/{number}/release", summary="Release an approved version")
    def release(request: Request, app: str, number: Whole, order: ReleaseOrder) -> dict[str, Any]:
        return _app(service.release(_actor(request), app, number, order.to, order.names))

    @routes.post("/{app}/versions/{number}/audience", summary="Give the version in use to other readers")
    def audience(request: Request, app: str, number: Whole, order: AudienceOrder) -> dict[str, Any]:
        return _app(service.audience(_actor(request), app, number, order.to, order.names, reason=order.reason))

    @routes.post("/{app}/versions/{number}/rollback", summary="Go back to a version that was released before")
    def rollback(request: Request, app: str, number: Whole, order: ReasonOrder) -> dict[str, Any]:
        return _app(service.rollback(_actor(request), app, number, order.reason))

    @routes.post("/{app}/switch", summary="Switch an application off, or on again")
    def switch(request: Request, app: str, order: SwitchOrder) -> dict[str, Any]:
        return _app(service.switch(_actor(request), app, off=order.off, reason=order.reason))


def whence(request: Request) -> str:
    """Return where a visitor comes from, to tell visitors apart."""
    return request.client.host if request.client else "unknown"


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _offered(app: App, resources: list[str]) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": _words(app.name),
        "purpose": _words(app.purpose),
        "owner": app.org_id,
        "version": app.current,
        "resources": resources,
    }


def _app(app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": _words(app.name),
        "purpose": _words(app.purpose),
        "owner": app.org_id,
        "version": app.current,
        "release": None if app.release is None else {"to": app.release.kind.value, "names": list(app.release.names)},
        "off": app.off,
        "off_reason": app.off_reason,
    }


def _version(version: AppVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "label": version.label,
        "sha256": version.digest,
        "state": version.state.value,
        "by": version.by,
        "at": version.at.isoformat(),
        "decided_by": version.decided_by,
        "note": version.note,
        "released_at": None if version.released_at is None else version.released_at.isoformat(),
        "checks": [check.to_json() for check in version.checks],
    }


def _checked(checked: Checked) -> dict[str, Any]:
    return {
        "good": checked.good,
        "checks": [one.to_json() for one in checked.checks],
        "faults": [one.to_json() for one in checked.faults],
    }
