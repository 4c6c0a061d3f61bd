"""What is done about the time of a request from its page: more of it, with consent; and standing still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from beijiang.console.routes.frame import Frame, number, person
from beijiang.console.routes.sharing import HERE, Said, Short
from beijiang.kit import Text
from beijiang.standards import PauseReason

if TYPE_CHECKING:
    from beijiang.build import Platform

__all__ = ["router"]


def router(frame: Frame, platform: Platform) -> APIRouter:
    """Return the steps of a request's time."""
    pages = APIRouter(prefix="/console", include_in_schema=False)
    exchange = platform.exchange

    @pages.post("/sharing/requests/{request_id}/time")
    def time(
        request: Request,
        request_id: str,
        do: Annotated[Literal["extend", "agree", "deny", "pause", "resume"], Form()],
        words: Said = "",
        days: Short = "",
        revision: Short = "",
        reason: Annotated[PauseReason, Form()] = PauseReason.THIRD_PARTY,
    ) -> RedirectResponse:
        back = f"{HERE}/requests/{quote(request_id)}"

        def step() -> tuple[str, Text]:
            who = person(request)
            if do == "extend":
                exchange.extend(who, request_id, number(days), words)
            elif do == "pause":
                exchange.pause(who, request_id, reason, words)
            elif do == "resume":
                exchange.resume_time(who, request_id, words)
            else:
                seen = number(revision)
                exchange.answer_extension(who, request_id, words, agree=do == "agree", revision=seen)
            return back, _DONE[do]

        return frame.attempt(request, back, step)

    return pages


_DONE = {
    "extend": Text("已办理；须数据局同意的，等其答复。", "Done; where the data authority has to consent, it answers."),
    "agree": Text("已同意延长。", "The time is extended."),
    "deny": Text("已答复不同意延长。", "It is answered that the time is not extended."),
    "pause": Text("时限已中止。", "The time stands still."),
    "resume": Text("时限恢复计算。", "The time runs on."),
}
