"""What the public says, and who of the public wants an account: the desk of departments and of the data authority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.console.lists import voice_table
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Said, Short, Word, names
from beijiang.kit import Text
from beijiang.opendata import OUTCOMES, Outcome, RegistrationState, VoiceAnswer, VoiceQuery, WorkState

if TYPE_CHECKING:
    from beijiang.build import Platform

VOICES, MEMBERS = "/console/voices", "/console/members"
_Text = Annotated[str, Form(max_length=6000)]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_voices(pages, frame, platform)
    _add_members(pages, frame, platform)
    _add_works(pages, frame, platform)
    return pages


def _add_voices(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    voices = platform.voices

    def page(request: Request, voice: str, contact: str = "") -> HTMLResponse:
        view = voices.view(person(request), voice)
        return frame.page(
            request,
            "voice.html",
            view=view,
            v=view.voice,
            outcomes=OUTCOMES[view.voice.kind],
            orgs=[(one.id, one.short) for one in platform.access.organisations()],
            names=names(platform),
            contact=contact,
        )

    @pages.get("/voices")
    def desk(request: Request, show: Word = "open") -> Response:
        query = VoiceQuery(open_only=show == "open", mine=show == "mine")
        table = voice_table(platform, person(request), query, names(platform))
        return listed(frame, platform, request, "voices.html", table, show=show)

    @pages.get("/voices/{voice}")
    def one(request: Request, voice: str) -> HTMLResponse:
        return page(request, voice)

    @pages.post("/voices/{voice}/contact")
    def contact(request: Request, voice: str) -> HTMLResponse:
        return page(request, voice, voices.contact(person(request), voice) or "—")

    @pages.post("/voices/{voice}")
    def step(
        request: Request,
        voice: str,
        do: Annotated[str, Form(max_length=20)],
        words: _Text = "",
        outcome: Short = "",
        basis: Said = "",
        result: Short = "",
        org: Short = "",
    ) -> RedirectResponse:
        back = f"{VOICES}/{voice}"

        def take() -> tuple[str, Text]:
            who = person(request)
            if do == "answer" and outcome in set(Outcome):
                answer = VoiceAnswer(outcome=Outcome(outcome), words=words, basis=basis, result_id=result.strip())
                voices.answer(who, voice, answer)
                return back, Text("已公开答复。", "Answered in public.")
            if do == "dispatch":
                voices.dispatch(who, voice, org)
                return back, Text("已分派。", "Passed on.")
            if do == "decline":
                voices.decline(who, voice, words)
                return back, Text("已不予受理。", "Not taken up.")
            if do == "ticket":
                voices.open_ticket(who, voice)
                return back, Text("校核工单已开。", "A ticket is open.")
            if do == "hide":
                voices.hide(who, voice, words)
                return back, Text("已从公开页面隐藏。", "Taken from the public pages.")
            voices.show(who, voice)
            return back, Text("已恢复公开。", "Public again.")

        return frame.attempt(request, back, take)


def _add_members(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    registrations = platform.registrations

    def page(request: Request, state: str = "waiting", shown: str = "", contact: str = "") -> HTMLResponse:
        chosen = RegistrationState(state) if state in set(RegistrationState) else RegistrationState.WAITING
        found, count = registrations.registrations(person(request), chosen)
        return frame.page(
            request,
            "members.html",
            found=found,
            count=count,
            state=chosen,
            states=tuple(RegistrationState),
            due={one.id: registrations.due(one) for one in found},
            shown=shown,
            contact=contact,
        )

    @pages.get("/members")
    def members(request: Request, state: Word = "waiting") -> HTMLResponse:
        return page(request, state)

    @pages.post("/members/{registration}/contact")
    def contact(request: Request, registration: str) -> HTMLResponse:
        return page(request, shown=registration, contact=registrations.contact(person(request), registration))

    @pages.post("/members/{registration}")
    def decide(
        request: Request, registration: str, do: Annotated[str, Form(max_length=20)], reason: Said = ""
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            if do == "admit":
                made = registrations.admit(person(request), registration)
                return MEMBERS, Text(f"{made.login} 已开通。", f"{made.login} may sign in.")
            registrations.refuse(person(request), registration, reason)
            return MEMBERS, Text("已退回，申请人可看到理由。", "Refused; the person reads the reason.")

        return frame.attempt(request, MEMBERS, take)


def _add_works(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    keepings = platform.keepings

    @pages.get("/works")
    def works(request: Request, state: Word = "waiting") -> HTMLResponse:
        chosen = WorkState(state) if state in set(WorkState) else WorkState.WAITING
        found = keepings.handed_in(person(request), chosen)
        return frame.page(request, "works.html", works=found, state=chosen, states=tuple(WorkState))

    @pages.post("/works/{work}")
    def decide(
        request: Request, work: str, do: Annotated[str, Form(max_length=20)], reason: Said = "", seen: Seen = ""
    ) -> RedirectResponse:
        def take() -> tuple[str, Text]:
            keepings.decide(person(request), work, shown=do == "show", reason=reason, seen=seen)
            return "/console/works", Text("已办理。", "Done.")

        return frame.attempt(request, "/console/works", take)
