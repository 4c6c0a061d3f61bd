"""A small portal that answers under the address that it names in its links, for clients that others wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

import clients
from beijiang.app import create_app
from beijiang.build import build
from beijiang.settings import Settings
from beijiang.worker import address_of, listen
from waiting import until

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from features_portal import spread
from interop_region import Region, region_of

from opendata.conftest import Portal, add_departments, as_csv, filled

if TYPE_CHECKING:
    from beijiang.build import Platform

Run = Callable[..., Any]


def open_served(folder: Path) -> Portal:
    listener = listen("127.0.0.1", 0)
    address = address_of(listener)
    platform = build(Settings.for_tests(folder, public_url=address))
    add_departments(platform)
    server = serve(platform, listener)
    return Portal(platform, httpx.Client(base_url=address, timeout=300), server, folder, {}, [])


def serve(platform: Platform, listener: Any) -> uvicorn.Server:
    server = uvicorn.Server(uvicorn.Config(create_app(platform), log_level="warning", access_log=False))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    until(lambda: server.started)
    return server


def stocked(portal: Portal) -> Portal:
    """Fill the portal, with a set of every type of column and one that lies in regions besides."""
    filled(portal)
    head = ["编号", "登记时间", "开工日期", "投资额", "已完工", "说明"]
    rows = [
        [str(i), f"2026-0{1 + i % 9}-1{i % 9} 0{i % 9}:30:00", f"2025-0{1 + i % 9}-0{1 + i % 9}", f"{i}.50", "是" if i % 2 else "否",
         "" if i % 3 == 0 else f'第{i}期，"扩建"\n二期']
        for i in range(40)
    ]  # fmt: skip
    places = [[f"图书馆{i}", city, str(i)] for i, city in enumerate(["呼和浩特市", "包头市", "赤峰市"] * 4)]
    with portal.working():
        portal.take_in("重点项目", "market", "项目.csv", as_csv(head, rows))
        portal.ids["works"] = portal.publish(
            "重点项目",
            region_code="150100",
            time_span="2020年1月至2025年12月",
            keywords=("项目", "<script>&\"'"),
            update_cycle="4",
        )
        portal.take_in("公共图书馆", "forest", "图书馆.csv", as_csv(["名称", "盟市", "藏书"], places))
        portal.ids["libraries"] = portal.publish("公共图书馆", licence="ODbL-1.0", categories=("201001",))
    return portal


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    opened = stocked(open_served(tmp_path_factory.mktemp("served")))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def lands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with sets that lie on the map; the tests of one module may change it."""
    opened = spread(filled(open_served(tmp_path_factory.mktemp("lands"))))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with departments and nothing else; the tests of one module may fill it."""
    opened = open_served(tmp_path_factory.mktemp("bare"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def python() -> Path:
    return clients.python()


@pytest.fixture
def client(python: Path, tmp_path: Path) -> Run:
    """Run lines in the environment of the public clients; they print their result as JSON after RESULT."""

    def run(lines: str, *words: str) -> Any:
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environment |= {"HOME": str(tmp_path), "CROISSANT_CACHE": str(tmp_path / "cache")}
        done = subprocess.run(
            [str(python), "-c", lines, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
            env=environment,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return json.loads(done.stdout.rpartition("RESULT")[2])

    return run


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_of(tmp_path_factory.mktemp("region")) as served:
        yield served
