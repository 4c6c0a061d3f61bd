"""Routes that FastAPI makes when somebody first asks at them: of more than a thousand, a process answers at few.

To make a route is to read its endpoint's signature and to build a validator for each of its fields, about a millisecond. A
late route knows its address, its methods and its endpoint, which is all that finding it takes; the rest is made, once,
when the first of its other attributes is read.
"""

from __future__ import annotations

import contextlib
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from beijiang.web import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LateRoute", "routes_made_later"]

_ADDRESS = frozenset({"path_regex", "path_format", "param_convertors"})
_compiled = cache(compile_path)
_making = threading.RLock()


class LateRoute(APIRoute):
    """A route that is made whole by the first look at anything but its address, its methods and its endpoint.

    What every endpoint says of errors it says itself: a router or an application that said it would make every route again.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.methods = {method.upper() for method in options.get("methods") or ["GET"]}
        self._options: dict[str, Any] | None = options

    def __getattr__(self, name: str) -> Any:
        """Return what is not there yet, having made it."""
        with _making:
            if name in _ADDRESS:
                self.path_regex, self.path_format, self.param_convertors = _compiled(self.path)
            elif self.__dict__.get("_options") is not None:
                options, self._options = self._options or {}, None
                options["responses"] = {**errors.DOCUMENTED, **(options.get("responses") or {})}
                super().__init__(self.path, self.endpoint, **options)
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(name=name, obj=self) from None


@contextlib.contextmanager
def routes_made_later() -> Iterator[None]:
    """Let the routers that are made meanwhile, and name no class of routes, make late ones.

    FastAPI has one place for that: the router's own default. Without it, each domain would have to name the class.
    """
    defaults = APIRouter.__init__.__kwdefaults__ or {}
    usual = defaults["route_class"]
    defaults["route_class"] = LateRoute
    try:
        yield
    finally:
        defaults["route_class"] = usual
