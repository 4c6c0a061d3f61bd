"""The short way to a route: the same route as by asking all of them, whatever the address."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match, Route

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


def test_every_route_is_found_by_its_address_in_the_same_order(app: FastAPI) -> None:
    directory = Directory(app.router)
    asked = 0
    for path in paths(app):
        for filling in ("x", "datasets", "1.csv", "é 中"):
            address = re.sub(r"\{\w+(?::\w+)?\}", filling, path)
            for method in METHODS:
                few = list(directory.router_for(address).routes)
                assert matching(few, address, method) == matching(list(app.router.routes), address, method), address
                asked += len(few)
    assert asked / len(paths(app)) / 4 / len(METHODS) < 40, "it asks few of them"


@given(st.data())
def test_made_up_addresses_are_answered_alike(app: FastAPI, data: st.DataObject) -> None:
    words = sorted({word for path in paths(app) for word in path.split("/")})
    chosen = st.lists(st.one_of(st.sampled_from(words), st.text(alphabet="/.%{}a中\n", max_size=4)), max_size=7)
    address = "/" + "/".join(data.draw(chosen))
    few = list(Directory(app.router).router_for(address).routes)
    for method in ("GET", "POST"):
        assert matching(few, address, method) == matching(list(app.router.routes), address, method)
