"""What the public says: its pages, and the API for visitors, members and those who answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from beijiang.kit import BeijiangError, NotFound, Text
from beijiang.opendata.routes.api import actor
from beijiang.opendata.routes.citizens import SEE_OTHER, ReasonOrder, source
from beijiang.opendata.voices import Outcome, PublicVoice, VoiceAnswer, VoiceDraft, VoiceKind, VoiceQuery, VoiceView

if TYPE_CHECKING:
    from beijiang.opendata.hearing import Voices
    from beijiang.opendata.service import OpenData
    from beijiang.web import Pages

__all__ = ["api", "pages"]

_Find = Annotated[str, Query(max_length=200)]
_Page = Annotated[int, Query(ge=1, le=10_000)]
_Line = Annotated[str, Form(max_length=300)]
_Words = Annotated[str, Form(max_length=6000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VoiceOrder(_Order):
    """What somebody says; a visitor's needs a ``ticket`` from ``/api/v1/portal/ticket``, some seconds before."""

    kind: VoiceKind
    words: str = Field(max_length=6000)
    dataset_id: str = Field(default="", max_length=40)
    title: str = Field(default="", max_length=300)
    contact: str = Field(default="", max_length=200)
    ticket: str = Field(default="", max_length=200)


class CodeOrder(_Order):
    """The code that was shown once; a member who is signed in needs none."""

    code: str = Field(default="", max_length=100)


class SupportOrder(_Order):
    """Whether one needs it too."""

    on: bool = True


class DispatchOrder(_Order):
    """Who shall answer."""

    org_id: str = Field(max_length=60)


class VoiceAnswerOrder(_Order):
    """The public answer."""

    outcome: Outcome
    words: str = Field(max_length=6000)
    basis: str = Field(default="", max_length=600)
    result_id: str = Field(default="", max_length=40)

    def answer(self) -> VoiceAnswer:
        """Return it as the service takes it."""
        return VoiceAnswer(outcome=self.outcome, words=self.words, basis=self.basis, result_id=self.result_id)


class TicketOrder(_Order):
    """Which columns are in doubt."""

    columns: list[str] = Field(default=[], max_length=50)


def api(voices: Voices) -> APIRouter:
    """Return the endpoints under ``/api/v1/portal/voices``."""
    routes = APIRouter(prefix="/api/v1/portal/voices", tags=["portal"])
    _add_public_api(routes, voices)
    _add_desk_api(routes, voices)
    return routes


def _add_public_api(routes: APIRouter, voices: Voices) -> None:
    @routes.get("", summary="What the public said and asked for, with the answers; newest first")
    def heard(
        request: Request, kind: VoiceKind | None = None, dataset_id: _Find = "", q: _Find = "", page: _Page = 1
    ) -> dict[str, Any]:
        query = VoiceQuery(kind=kind, dataset_id=dataset_id, words=q.strip(), page=page)
        found, count = voices.heard(actor(request), query)
        return {"count": count, "page": page, "voices": [_public(one) for one in found]}

    @routes.post("", status_code=201, summary="Correct, suggest, complain, or ask for data")
    def say(request: Request, order: VoiceOrder) -> dict[str, Any]:
        voices.parts.doorman.admit(actor(request), source(request), order.ticket, "")
        draft = VoiceDraft(**order.model_dump(exclude={"ticket"}))
        made = voices.raise_(actor(request), draft)
        return {"id": made.voice.id, "code": made.code, "state": made.voice.state.value}

    @routes.get("/desk", summary="What your department has to answer")
    def desk(
        request: Request,
        kind: VoiceKind | None = None,
        q: _Find = "",
        page: _Page = 1,
        *,
        open: bool = True,  # noqa: A002
    ) -> dict[str, Any]:
        query = VoiceQuery(kind=kind, words=q.strip(), open_only=open, page=page)
        found, count = voices.desk(actor(request), query)
        return {"count": count, "page": page, "voices": [_view(one) for one in found]}

    @routes.get("/own", summary="What you said")
    def own(request: Request) -> dict[str, Any]:
        return {"voices": [_view(one) for one in voices.own(actor(request))]}

    @routes.get("/{voice}", summary="One that is public")
    def one(request: Request, voice: str) -> dict[str, Any]:
        return _public(voices.one(actor(request), voice))

    @routes.post("/{voice}/follow", summary="Your own, public or not")
    def follow(request: Request, voice: str, order: CodeOrder) -> dict[str, Any]:
        return _view(voices.follow(actor(request), voice, order.code))

    @routes.post("/{voice}/withdraw", summary="Take your own back")
    def withdraw(request: Request, voice: str, order: CodeOrder) -> dict[str, str]:
        return {"state": voices.withdraw(actor(request), voice, order.code).state.value}

    @routes.post("/{voice}/support", summary="Say that you need it too")
    def support(request: Request, voice: str, order: SupportOrder) -> dict[str, int]:
        return {"supporters": voices.support(actor(request), voice, on=order.on)}


def _add_desk_api(routes: APIRouter, voices: Voices) -> None:
    @routes.post("/{voice}/dispatch", summary="Pass it to the department that shall answer")
    def dispatch(request: Request, voice: str, order: DispatchOrder) -> dict[str, str]:
        return {"state": voices.dispatch(actor(request), voice, order.org_id).state.value}

    @routes.post("/{voice}/answer", summary="Answer in public")
    def answer(request: Request, voice: str, order: VoiceAnswerOrder) -> dict[str, str]:
        return {"state": voices.answer(actor(request), voice, order.answer()).state.value}

    @routes.post("/{voice}/decline", summary="Not take it up, with a reason")
    def decline(request: Request, voice: str, order: ReasonOrder) -> dict[str, str]:
        return {"state": voices.decline(actor(request), voice, order.reason).state.value}

    @routes.post("/{voice}/hide", summary="Take it from the public pages, with a reason")
    def hide(request: Request, voice: str, order: ReasonOrder) -> dict[str, bool]:
        return {"hidden": voices.hide(actor(request), voice, order.reason).hidden}

    @routes.post("/{voice}/show", summary="Give it back to the public pages")
    def show(request: Request, voice: str) -> dict[str, bool]:
        return {"hidden": voices.show(actor(request), voice).hidden}

    @routes.post("/{voice}/ticket", summary="Make a ticket of quality of a correction")
    def ticket(request: Request, voice: str, order: TicketOrder) -> dict[str, str]:
        return {"ticket": voices.open_ticket(actor(request), voice, order.columns).ticket_id}


def pages(voices: Voices, opendata: OpenData, site: Pages) -> APIRouter:
    """Return the pages."""
    routes = APIRouter(include_in_schema=False)
    _add_reading(routes, voices, opendata, site)
    _add_saying(routes, voices, opendata, site)
    return routes


def _add_reading(routes: APIRouter, voices: Voices, opendata: OpenData, site: Pages) -> None:
    @routes.get("/voices")
    def heard(request: Request, kind: _Find = "", dataset: _Find = "", q: _Find = "", page: _Page = 1) -> Response:
        chosen = VoiceKind(kind) if kind in set(VoiceKind) else None
        query = VoiceQuery(kind=chosen, dataset_id=dataset, words=q.strip()[:100], page=page)
        found, count = voices.heard(actor(request), query)
        return site.render(
            request,
            "opendata/voices.html",
            voices=found,
            count=count,
            query=query,
            kinds=tuple(VoiceKind),
            dataset=dataset,
            names=opendata.names(actor(request)),
        )

    @routes.get("/voices/follow")
    def ask(request: Request) -> Response:
        return site.render(request, "opendata/voice_follow.html", view=None, fault=None, number="", code="")

    @routes.post("/voices/follow")
    def follow(request: Request, number: _Line = "", code: _Line = "", do: _Line = "") -> Response:
        view, fault = None, None
        try:
            if do == "withdraw":
                voices.withdraw(actor(request), number.strip(), code)
            view = voices.follow(actor(request), number.strip(), code)
        except BeijiangError as error:
            fault = error.text
        page = site.render(
            request, "opendata/voice_follow.html", view=view, fault=fault, number=number, code=code if view else ""
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    @routes.get("/voices/{voice}")
    def one(request: Request, voice: str) -> Response:
        found = voices.one(actor(request), voice)
        return site.render(request, "opendata/voice.html", v=found, names=opendata.names(actor(request)))

    @routes.post("/voices/{voice}/support")
    def support(request: Request, voice: str, on: _Line = "yes") -> Response:
        if actor(request).is_anonymous:
            return RedirectResponse(f"/console/sign-in?next=/voices/{voices.one(actor(request), voice).id}", SEE_OTHER)
        voices.support(actor(request), voice, on=on == "yes")
        return RedirectResponse(f"/voices/{voices.one(actor(request), voice).id}", SEE_OTHER)


def _add_saying(routes: APIRouter, voices: Voices, opendata: OpenData, site: Pages) -> None:
    def form(request: Request, given: VoiceDraft, fault: Text | None = None, status: int = 200) -> Response:
        who, wanted = actor(request), given.kind is VoiceKind.REQUEST and not given.dataset_id
        page = site.render(
            request,
            "opendata/voice_new.html",
            given=given,
            fault=fault,
            ticket=voices.parts.doorman.ticket(),
            kinds=tuple(VoiceKind),
            named=opendata.dataset(who, given.dataset_id) if given.dataset_id else None,
            matches=voices.matches(who, given.title) if wanted and given.title else (),
        )
        page.status_code = status
        return page

    @routes.get("/voice")
    def new(request: Request, kind: _Find = "", dataset: _Find = "", title: _Find = "") -> Response:
        chosen = VoiceKind(kind) if kind in set(VoiceKind) else VoiceKind.REQUEST
        return form(request, VoiceDraft(kind=chosen, words="", dataset_id=dataset, title=title.strip()[:80]))

    @routes.post("/voice")
    def say(
        request: Request,
        kind: _Line = "",
        dataset: _Line = "",
        title: _Line = "",
        words: _Words = "",
        contact: _Line = "",
        ticket: _Line = "",
        website: _Line = "",
    ) -> Response:
        chosen = VoiceKind(kind) if kind in set(VoiceKind) else VoiceKind.REQUEST
        draft = VoiceDraft(kind=chosen, words=words, dataset_id=dataset, title=title, contact=contact)
        try:
            voices.parts.doorman.admit(actor(request), source(request), ticket, website)
            made = voices.raise_(actor(request), draft)
        except NotFound:
            raise
        except BeijiangError as error:
            return form(request, draft, error.text, error.status)
        page = site.render(
            request, "opendata/voice_said.html", made=made, voice=made.voice, code=made.code, due=voices.due(made.voice)
        )
        page.headers["Cache-Control"] = "no-store"
        return page


def _public(one: PublicVoice) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "dataset_id": one.dataset_id or None,
        "dataset_title": one.dataset_title or None,
        "org_id": one.org_id,
        "title": one.title,
        "words": one.words,
        "outcome": None if one.outcome is None else one.outcome.value,
        "answer": one.answer,
        "basis": one.basis,
        "result_id": one.result_id or None,
        "asked_on": one.created_at.isoformat(),
        "answered_on": None if one.ended_at is None else one.ended_at.isoformat(),
        "working_days": one.days,
        "due": None if one.due is None else one.due.due.isoformat(),
        "supporters": one.supporters,
    }


def _view(one: VoiceView) -> dict[str, Any]:
    voice = one.voice
    return {
        "id": voice.id,
        "kind": voice.kind.value,
        "state": voice.state.value,
        "dataset_id": voice.dataset_id or None,
        "org_id": voice.org_id or None,
        "title": voice.title,
        "words": voice.words,
        "outcome": None if voice.outcome is None else voice.outcome.value,
        "answer": voice.answer,
        "basis": voice.basis,
        "hidden": voice.hidden,
        "hidden_reason": voice.hidden_reason,
        "ticket_id": voice.ticket_id or None,
        "due": None if one.due is None else {"due": one.due.due.isoformat(), "state": one.due.state.value},
        "supporters": one.supporters,
        "created_at": voice.created_at.isoformat(),
        "revision": voice.revision,
    }
