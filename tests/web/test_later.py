"""Routes that are made when somebody asks at them: the same routes as FastAPI makes at once, and found as fast."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from beijiang.app import create_app
from beijiang.build import build
from beijiang.settings import Settings
from beijiang.web import errors
from beijiang.web.later import LateRoute, routes_made_later


def limited(most: Annotated[int, Query(le=9)] = 5) -> int:
    return most


def add_endpoints(router: APIRouter) -> None:
    @router.get("/works/{number:int}", status_code=203, summary="One")
    def one(number: int, most: Annotated[int, Depends(limited)]) -> dict[str, int]:
        """Return one."""
        return {"number": number, "most": most}

    @router.api_route("/works", methods=["put", "DELETE"], include_in_schema=False)
    def change(words: dict[str, str]) -> dict[str, str]:
        return words


def app_of(*, late: bool) -> FastAPI:
    if late:
        with routes_made_later():
            router = APIRouter(prefix="/api", tags=["works"])
    else:
        router = APIRouter(prefix="/api", tags=["works"], responses=errors.DOCUMENTED)
    add_endpoints(router)
    app = FastAPI()
    app.router.routes.extend(router.routes)
    return app


def is_made(route: Any) -> bool:
    return "dependant" in vars(route)


def test_only_what_was_asked_at_is_made() -> None:
    app = app_of(late=True)
    one, change = (route for route in app.router.routes if isinstance(route, LateRoute))
    assert not is_made(one)
    with TestClient(app) as client:
        assert client.get("/api/works/7").json() == {"number": 7, "most": 5}
    assert is_made(one)
    assert not is_made(change)


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/api/works/7?most=3", None),
        ("GET", "/api/works/7?most=10", None),
        ("GET", "/api/works/x", None),
        ("POST", "/api/works", {"a": "b"}),
        ("PUT", "/api/works", {"a": "b"}),
        ("DELETE", "/api/works", ["a"]),
        ("GET", "/api/works", None),
        ("GET", "/openapi.json", None),
    ],
)
def test_they_answer_as_those_made_at_once(method: str, path: str, words: Any) -> None:
    told = []
    for late in (True, False):
        with TestClient(app_of(late=late)) as client:
            answer = client.request(method, path, json=words)
            told.append((answer.status_code, answer.content))
    assert told[0] == told[1]


def test_what_a_route_does_not_have_is_not_there_before_and_after() -> None:
    route = app_of(late=True).router.routes[-1]
    for _ in range(2):
        assert not hasattr(route, "no_such_thing")
    assert is_made(route)


def test_many_may_ask_first() -> None:
    route: Any = app_of(late=True).router.routes[-1]
    seen: list[Any] = []
    begin = threading.Barrier(8)

    def look() -> None:
        begin.wait()
        seen.append(route.dependant)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len({id(one) for one in seen}) == 1


def test_other_routers_are_as_they_were() -> None:
    with routes_made_later():
        pass
    with pytest.raises(ZeroDivisionError), routes_made_later():
        raise ZeroDivisionError
    assert APIRouter().route_class is APIRoute


def test_every_route_of_the_platform_is_late_and_can_be_made(tmp_path: Path) -> None:
    """A route that cannot be made fails here, where it failed at the start before."""
    platform = build(Settings.for_tests(tmp_path))
    routes = [route for route in create_app(platform).router.routes if isinstance(route, LateRoute)]
    assert len(routes) > 1300
    assert not [route.path for route in routes if is_made(route)], "something looks at every route at the start"
    for route in routes:
        plain = APIRoute(route.path, route.endpoint, **(route._options or {}))
        made = vars(route) if route.dependant else {}
        for name in ("name", "methods", "path_regex", "path_format", "unique_id", "description", "status_code"):
            assert made[name] == vars(plain)[name], (route.path, name)
        assert [field.alias for field in route.dependant.query_params] == [
            f.alias for f in plain.dependant.query_params
        ]
        assert {*made} == {*vars(plain), "_options"}
    platform.close()
