"""The steps of an application's life that readers take part in: versions on trial, and ratings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from beijiang.apps import CanaryKind, CanaryTo
from beijiang.console.routes.frame import Frame, Seen, person
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.platform import Platform

__all__ = ["add_life"]

_Said = Annotated[str, Form(max_length=1000)]
_Names = Annotated[str, Form(max_length=8000)]
_PARTERS: Final = str.maketrans("，、", ",,")


def add_life(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    """Add the forms of the page of an application."""
    _add_trials(pages, frame, platform)
    _add_ratings(pages, frame, platform)


def _add_trials(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    trials = platform.app_canaries

    @pages.post("/apps/{app}/versions/{number}/canary")
    def begin(
        request: Request,
        app: str,
        number: int,
        to: Annotated[CanaryKind, Form()],
        names: _Names = "",
        percent: Annotated[int, Form()] = 0,
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            wanted = CanaryTo(kind=to, names=names.translate(_PARTERS).split(","), percent=percent)
            trials.begin(person(request), app, number, wanted)
            return _page(app), Text(f"第 {number} 版开始试发。", f"Version {number} is on trial.")

        return frame.attempt(request, _page(app), step)

    @pages.post("/apps/{app}/canary")
    def end(
        request: Request, app: str, do: Annotated[str, Form(max_length=10)], reason: _Said = "", seen: Seen = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if do == "promote":
                found = trials.promote(person(request), app, reason, seen=seen)
                return _page(app), Text(
                    f"第 {found.current} 版已转正。", f"Version {found.current} goes to all readers."
                )
            found = trials.withdraw(person(request), app, reason)
            return _page(app), Text(
                f"已撤回，都用第 {found.current} 版。", f"Withdrawn; all readers have version {found.current}."
            )

        return frame.attempt(request, _page(app), step)


def _add_ratings(pages: APIRouter, frame: Frame, platform: Platform) -> None:
    ratings = platform.app_ratings

    @pages.post("/apps/{app}/ratings/{rating}")
    def rating(
        request: Request, app: str, rating: str, do: Annotated[str, Form(max_length=10)], words: _Said = ""
    ) -> RedirectResponse:
        def step() -> tuple[str, Text]:
            if do == "answer":
                ratings.answer(person(request), app, rating, words)
                return _page(app), Text("已回复。", "Answered.")
            if do == "hide":
                ratings.hide(person(request), app, rating, words)
                return _page(app), Text("已隐藏，理由已记录。", "Hidden; the reason is recorded.")
            ratings.show(person(request), app, rating)
            return _page(app), Text("已恢复显示。", "Shown again.")

        return frame.attempt(request, _page(app), step)


def _page(app: str) -> str:
    return f"/console/apps/{quote(app)}"
