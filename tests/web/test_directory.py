"""The short way to a route: the same route as by asking all of them, whatever the address."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match, Mount, Route

from beijiang.app import create_app
from beijiang.build import build
from beijiang.settings import Settings
from beijiang.web.directory import Directory

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("directory")))
    yield create_app(platform)
    platform.close()


def matching(routes: list[BaseRoute], path: str, method: str) -> list[tuple[BaseRoute, Match]]:
    """Return what a router goes by: every route that answers at all, in order."""
    scope = {"type": "http", "path": path, "method": method, "root_path": "", "path_params": {}}
    found = ((route, route.matches(dict(scope))[0]) for route in routes)
    return [(route, match) for route, match in found if match is not Match.NONE]


def paths(app: FastAPI) -> list[str]:
    return [route.path for route in app.router.routes if isinstance(route, Route)]


def addresses(app: FastAPI) -> list[str]:
    """Return an address or more for every route; most routes without parameters have one."""
    fillings = ("x", "datasets", "1.csv", "é 中")
    return sorted({re.sub(r"\{\w+(?::\w+)?\}", filling, path) for path in paths(app) for filling in fillings})


def test_every_route_is_found_by_its_address_in_the_same_order(app: FastAPI) -> None:
    """Of all routes, those whose pattern fits are asked with each method; that the others never answer is the next test."""
    directory = Directory(app.router)
    routes = [route for route in app.router.routes if isinstance(route, Route | Mount)]
    assert routes == app.router.routes
    patterns = [(route, route.path_regex) for route in routes]
    asked, every = 0, addresses(app)
    for address in every:
        few = list(directory.router_for(address).routes)
        fitting: list[BaseRoute] = [route for route, pattern in patterns if pattern.match(address)]
        for method in METHODS:
            assert matching(few, address, method) == matching(fitting, address, method), address
            asked += len(few)
    assert len(every) > 3000
    assert asked / len(every) / len(METHODS) < 40, "it asks few of them"


def test_no_route_answers_where_its_pattern_does_not_fit(app: FastAPI) -> None:
    """Whatever the method: so the test before leaves nobody out."""
    every = addresses(app)
    some = every[::85]
    for route in app.router.routes:
        assert isinstance(route, Route | Mount)
        elsewhere = [address for address in some if not route.path_regex.match(address)]
        assert elsewhere, route.path
        for address in elsewhere:
            for method in METHODS:
                assert not matching([route], address, method), (route.path, address, method)
    for address in some:
        for method in METHODS:
            few = list(Directory(app.router).router_for(address).routes)
            assert matching(few, address, method) == matching(list(app.router.routes), address, method), address


@given(st.data())
def test_made_up_addresses_are_answered_alike(app: FastAPI, data: st.DataObject) -> None:
    words = sorted({word for path in paths(app) for word in path.split("/")})
    chosen = st.lists(st.one_of(st.sampled_from(words), st.text(alphabet="/.%{}a中\n", max_size=4)), max_size=7)
    address = "/" + "/".join(data.draw(chosen))
    few = list(Directory(app.router).router_for(address).routes)
    for method in ("GET", "POST"):
        assert matching(few, address, method) == matching(list(app.router.routes), address, method)
