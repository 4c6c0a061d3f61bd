"""Recalls (召回), disputes (异议) and ratings (评价): what comes after a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from beijiang.access import Permission
from beijiang.console.lists import dispute_table
from beijiang.console.routes.frame import Frame, person
from beijiang.console.routes.listed import listed
from beijiang.console.routes.sharing import Many, Said, Short, Word, names
from beijiang.exchange import (
    DISPUTE_MOVES,
    STARS,
    DisputeDraft,
    DisputeKind,
    DisputeMove,
    DisputeQuery,
    Kept,
    Outcome,
    RecallDraft,
    RecallQuery,
    Remedy,
)
from beijiang.kit import HOW_MANY, BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.build import Platform

RECALLS, DISPUTES, RATINGS = "/console/recalls", "/console/disputes", "/console/ratings"


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the pages."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    _add_recalls(pages, frame, platform)
    _add_new_recall(pages, frame, platform)
    _add_disputes(pages, frame, platform)
    _add_ratings(pages, frame, platform)
    return pages


def _add_recalls(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    recalls = platform.recalls

    @pages.get("/recalls")
    def listed(request: Request, q: Word = "", show: Word = "") -> HTMLResponse:
        who = person(request)
        waiting = frozenset(duty.recall_id for duty in recalls.waiting(who))
        found, count = recalls.recalls(who, RecallQuery(words=q.strip(), ids=waiting if show == "mine" else None))
        return frame.page(
            request, "recalls.html", recalls=found, count=count, waiting=waiting, q=q, show=show, names=names(platform)
        )

    @pages.get("/recalls/{recall}")
    def one(request: Request, recall: str) -> HTMLResponse:
        view = recalls.view(person(request), recall)
        return frame.page(request, "recall.html", view=view, r=view.recall, names=names(platform), kinds=tuple(Kept))

    @pages.post("/recalls/{recall}")
    def answer(
        request: Request,
        recall: str,
        org: Annotated[str, Form(max_length=60)],
        do: Annotated[str, Form(max_length=20)],
        words: Said = "",
    ) -> RedirectResponse:
        back = f"{RECALLS}/{recall}"

        def step() -> tuple[str, Text]:
            if do == "excuse":
                recalls.excuse(person(request), recall, org, words)
                return back, Text("已免除。", "Excused.")
            recalls.confirm(person(request), recall, org, Kept(do), words)
            return back, Text("已确认，感谢配合。", "Confirmed, thank you.")

        return frame.attempt(request, back, step)


def _add_new_recall(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    recalls = platform.recalls

    def page(request: Request, draft: RecallDraft, fault: Text | None = None, *, planned: bool = False) -> HTMLResponse:
        who = person(request)
        found = platform.catalog.get(who, draft.resource_id)
        return frame.page(
            request,
            "recall_new.html",
            draft=draft,
            entry=found.entry,
            versions=recalls.versions(who, draft.resource_id),
            plan=recalls.plan(who, draft) if planned else None,
            remedies=tuple(Remedy),
            names=names(platform),
            fault=fault,
        )

    @pages.get("/recall")
    def new(request: Request, resource: Word) -> HTMLResponse:
        return page(request, RecallDraft(resource_id=resource, versions=(), reason="", remedy=Remedy.DELETE))

    @pages.post("/recall", response_model=None)
    def put(
        request: Request,
        resource: Short,
        version: Many = [],  # noqa: B006
        reason: Said = "",
        remedy: Short = Remedy.DELETE.value,
        do: Short = "plan",
    ) -> HTMLResponse | RedirectResponse:
        draft = RecallDraft(
            resource_id=resource,
            versions=tuple(int(one) for one in version if one.isdecimal()),
            reason=reason,
            remedy=Remedy(remedy) if remedy in set(Remedy) else Remedy.DELETE,
        )
        try:
            if do == "recall":
                made = recalls.recall(person(request), draft)
                told = Text(
                    "已召回：下一次访问起不再提供，接收方已收到通知。",
                    "Recalled: not served from the next access on; receivers are told.",
                )
                return frame.after(request, f"{RECALLS}/{made.id}", told)
            return page(request, draft, planned=True)
        except BeijiangError as error:
            if error.status in {401, 403, 404}:
                raise
            return page(request, draft, error.text)


def _add_disputes(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    disputes = platform.disputes

    @pages.get("/disputes")
    def every(request: Request, show: Word = "") -> Response:
        who = person(request)
        waiting = disputes.dispute_part(who, DisputeQuery(mine=True), HOW_MANY).found
        shown = show or ("mine" if waiting else "open")
        query = DisputeQuery(open_only=shown == "open", mine=shown == "mine")
        table = dispute_table(platform, who, query, names(platform))
        return listed(frame, platform, request, "disputes.html", table, waiting=waiting, show=shown)

    @pages.get("/dispute")
    def new(request: Request, kind: DisputeKind, subject: Word, name: Word = "") -> HTMLResponse:
        platform.access.require(person(request), Permission.EXCHANGE_REQUEST_MAKE, person(request).org_id)
        try:
            terms = disputes.terms(person(request), kind, subject.strip())
        except BeijiangError:  # raising it says why it cannot be
            terms = None
        kinds = tuple(DisputeKind)
        return frame.page(request, "dispute_new.html", kind=kind, kinds=kinds, subject=subject, name=name, terms=terms)

    @pages.post("/dispute")
    def put(
        request: Request, kind: Annotated[DisputeKind, Form()], subject: Short, words: Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            made = disputes.raise_(person(request), DisputeDraft(kind=kind, subject=subject.strip(), words=words))
            return f"{DISPUTES}/{made.id}", Text(
                "已提出，对方部门须按期答复。", "Raised; the other department has to answer in time."
            )

        return frame.attempt(request, f"/console/dispute?kind={kind.value}&subject={subject}", step)

    @pages.get("/disputes/{dispute}")
    def one(request: Request, dispute: str) -> HTMLResponse:
        view = disputes.view(person(request), dispute)
        return frame.page(
            request,
            "dispute.html",
            view=view,
            d=view.dispute,
            specs=DISPUTE_MOVES,
            outcomes=tuple(Outcome),
            names=names(platform),
        )

    @pages.post("/disputes/{dispute}")
    def move(
        request: Request,
        dispute: str,
        move: Annotated[DisputeMove, Form()],
        words: Said = "",
        outcome: Short = "",
        basis: Said = "",
    ) -> RedirectResponse:
        back = f"{DISPUTES}/{dispute}"

        def step() -> tuple[str, Text]:
            chosen = Outcome(outcome) if outcome in set(Outcome) else None
            after = disputes.move(person(request), dispute, move, words, outcome=chosen, basis=basis)
            return back, Text(
                f"已办理，异议现为“{after.state.text.zh}”。", f"Done; the dispute is now: {after.state.text.en}."
            )

        return frame.attempt(request, back, step)


def _add_ratings(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    book = platform.ratings

    @pages.get("/ratings/{resource}")
    def of(request: Request, resource: str) -> HTMLResponse:
        who = person(request)
        found = platform.catalog.published(who, resource)
        return frame.page(
            request,
            "ratings.html",
            book=book.of(who, resource),
            entry=found.version.entry,
            stars=tuple(reversed(STARS)),
            names=names(platform),
        )

    @pages.post("/ratings/{resource}")
    def put(
        request: Request,
        resource: str,
        stars: Annotated[int, Form()] = 0,
        org: Short = "",
        words: Said = "",
    ) -> RedirectResponse:
        back = f"{RATINGS}/{resource}"

        def step() -> tuple[str, Text]:
            if org:
                book.answer(person(request), resource, org, words)
                return back, Text("已答复。", "Answered.")
            book.rate(person(request), resource, stars, words)
            return back, Text("已评价，提供部门会看到。", "Rated; the provider will see it.")

        return frame.attempt(request, back, step)


__all__ = ["router"]
