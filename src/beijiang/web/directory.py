"""Which routes an address can belong to: by its first words, instead of asking hundreds of them in turn.

A route says what it begins with up to its first parameter. Those words are a tree; the way of a request through it passes every
route that could match, and only these are asked, in the order in which they were added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

__all__ = ["Directory"]


class _Place:
    """One word of addresses: the numbers of the routes whose words end here, and the words that follow."""

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.next: dict[str, _Place] = {}


class Directory:
    """Hand a request to the few routes of ``whole`` that its address can belong to. Routes are added before, not after.

    What is not an HTTP request, or stands under another application's address, goes to ``whole`` itself.
    """

    def __init__(self, whole: APIRouter) -> None:
        self._whole = whole
        self._routes = tuple(whole.routes)
        self._root = _Place()
        self._few: dict[tuple[int, ...], APIRouter] = {}
        for number, route in enumerate(self._routes):
            place = self._root
            for word in _first_words(route):
                place = place.next.setdefault(word, _Place())
            place.ends.append(number)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("root_path"):
            await self._whole.app(scope, receive, send)
            return
        scope.setdefault("router", self._whole)
        await self.router_for(scope["path"]).app(scope, receive, send)

    def router_for(self, path: str) -> APIRouter:
        """Return a router of the routes that ``path`` can belong to."""
        place, numbers = self._root, list(self._root.ends)
        for word in filter(None, path.split("/")):
            found = place.next.get(word)
            if found is None:
                break
            place = found
            numbers += place.ends
        key = tuple(sorted(numbers))
        few = self._few.get(key)
        if few is None:
            few = APIRouter(redirect_slashes=self._whole.redirect_slashes, default=self._whole.default)
            few.routes.extend(self._routes[number] for number in key)
            self._few[key] = few
        return few


def _first_words(route: BaseRoute) -> list[str]:
    """Return the words of a route's address before the first that is not the same for all; none if it has no address."""
    words: list[str] = []
    for word in filter(None, getattr(route, "path", "").split("/")):
        if "{" in word:
            break
        words.append(word)
    return words
