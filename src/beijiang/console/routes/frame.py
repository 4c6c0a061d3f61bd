"""What all console pages share: the shell with the menu, messages that survive a redirect, mended forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from beijiang.console.words import word
from beijiang.kit import BeijiangError, Language, Text, Unauthenticated
from beijiang.opendata import printed
from beijiang.web import local_path

if TYPE_CHECKING:
    from beijiang.console.service import Console
    from beijiang.kit import Actor
    from beijiang.web import Pages

Seen = Annotated[str, Form(max_length=300)]
"""The token of what the page showed (``kit.Shown``), which comes back with a decision."""
FLASH = "bj_flash"
FLASH_LIMIT = 2000
SEE_OTHER = 303
DIGITS = 18
"""More than any number here has, and few enough for the database."""


class Frame:
    """Render console pages and finish their forms."""

    def __init__(self, console: Console, pages: Pages) -> None:
        self.console = console
        self._pages = pages

    def page(self, request: Request, template: str, /, **values: Any) -> HTMLResponse:
        """Return a page in the shell; a message left by the step before is shown once."""
        who = actor(request)
        shown = self._pages.render(
            request,
            f"console/{template}",
            menu=self.console.menu(who) if not who.is_anonymous else (),
            bell=self.console.bell(who) if not who.is_anonymous else 0,
            unread=self.console.unread(who) if not who.is_anonymous else None,
            flash_messages=_read_flash(request),
            word=word,
            **{"cell": self.cell(request), **values},
        )
        if FLASH in request.cookies and _is_navigation(request):
            shown.delete_cookie(FLASH, path="/console")
        return shown

    def cell(self, request: Request) -> Callable[[Any], str]:
        """Return what shows a value of a table in the language of the page."""
        return lambda value: printed(value, language(request))

    def fragment(self, request: Request, template: str, /, **values: Any) -> HTMLResponse:
        """Return a piece of a page for htmx."""
        return self._pages.render(request, f"console/{template}", word=word, **values)

    def after(self, request: Request, href: str, words: Text | None = None, level: str = "ok") -> RedirectResponse:
        """Send the browser on after a form, with a message."""
        answer = RedirectResponse(local_path(href, "/console"), SEE_OTHER)
        if words is not None:
            value = quote(json.dumps([level, words.in_language(language(request))], ensure_ascii=False)[:FLASH_LIMIT])
            answer.set_cookie(FLASH, value, max_age=60, path="/console", httponly=True, samesite="lax")
        return answer

    def attempt(self, request: Request, back: str, step: Callable[[], tuple[str, Text]]) -> RedirectResponse:
        """Do a step and go where it says; if the platform refuses, go back and say why."""
        try:
            href, words = step()
        except Unauthenticated:
            raise
        except BeijiangError as error:
            if error.status in {401, 404}:
                raise
            return self.after(request, back, error.text, "bad")
        return self.after(request, href, words)


def actor(request: Request) -> Actor:
    """Return who asks."""
    found: Actor = request.state.actor
    return found


def person(request: Request) -> Actor:
    """Return who asks, or ask the visitor to sign in."""
    found = actor(request)
    if found.is_anonymous:
        raise Unauthenticated("请先登录。", "Sign in first.")
    return found


def language(request: Request) -> Language:
    """Return the language of the request."""
    chosen: Language = request.state.language
    return chosen


def number(text: object, default: int = 0) -> int:
    """Read a number out of an address or a form, ``default`` for whatever else stands there."""
    words = str(text)
    return int(words) if words.isascii() and words.isdecimal() and len(words) <= DIGITS else default


def _is_navigation(request: Request) -> bool:
    """Tell whether a person will see the answer; a script that follows a redirect must not use up the message."""
    return request.headers.get("sec-fetch-mode", "navigate") == "navigate"


def _read_flash(request: Request) -> list[tuple[str, str]]:
    try:
        level, words = json.loads(unquote(request.cookies.get(FLASH, "")))
    except (ValueError, TypeError):
        return []
    return [(level, words)] if level in {"ok", "warn", "bad", "info"} and isinstance(words, str) else []
