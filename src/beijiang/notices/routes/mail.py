"""The JSON API of one's own mail address, and of how mail is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.kit import Actor, Language

if TYPE_CHECKING:
    from beijiang.notices.models.mail import MailAddress
    from beijiang.notices.service import Mail

__all__ = ["router"]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AddressOrder(_Order):
    """Where one wants mail, and in which language."""

    address: str = Field(max_length=254)
    language: Language | None = None


class CodeOrder(_Order):
    """The code that was sent to the address."""

    code: str = Field(max_length=20)


class PasswordOrder(_Order):
    """The password of the mail account; an empty one forgets it."""

    password: str = Field(max_length=500)


class TrialOrder(_Order):
    """Where a test goes."""

    to: str = Field(max_length=254)


def router(service: Mail) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["notices"])

    @routes.get("/notices/address", summary="One's own mail address, and whether it was proved")
    def address(request: Request) -> dict[str, Any]:
        return _shown(service, service.address(_actor(request)))

    @routes.put("/notices/address", summary="Name one's mail address; a code is sent there")
    def set_address(request: Request, order: AddressOrder) -> dict[str, Any]:
        language = order.language or request.state.language
        return _shown(service, service.set_address(_actor(request), order.address, language))

    @routes.post("/notices/address/code", summary="Prove one's mail address by its code")
    def prove(request: Request, order: CodeOrder) -> dict[str, Any]:
        service.prove_address(_actor(request), order.code)
        return _shown(service, service.address(_actor(request)))

    @routes.delete("/notices/address", summary="Forget one's mail address", status_code=204)
    def drop(request: Request) -> None:
        service.drop_address(_actor(request))

    @routes.get("/notices/mail", summary="How mail is set up, and what waits")
    def standing(request: Request) -> dict[str, Any]:
        return service.standing(_actor(request))

    @routes.put("/notices/mail/password", summary="Seal the password of the mail account", status_code=204)
    def password(request: Request, order: PasswordOrder) -> None:
        service.set_password(_actor(request), order.password)

    @routes.post("/notices/mail/test", summary="Send a test now", status_code=204)
    def trial(request: Request, order: TrialOrder) -> None:
        service.try_out(_actor(request), order.to)

    return routes


def _shown(service: Mail, found: MailAddress | None) -> dict[str, Any]:
    return {
        "set_up": service.is_set_up,
        "address": None if found is None else found.address,
        "language": None if found is None else found.language.value,
        "proved": found is not None and found.verified_at is not None,
    }


def _actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found
