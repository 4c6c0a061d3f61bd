"""A catalog of somebody else's: a real HTTP server that speaks CKAN, serves files, and fails as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from beijiang.build import Platform, build
from beijiang.ingest import HarvestRun, SourceDraft
from beijiang.kit import SYSTEM
from beijiang.outbound import Target
from beijiang.settings import Settings

ORG = "education"


def package(number: int, **changes: Any) -> dict[str, Any]:
    """Return a package as CKAN gives it."""
    return {
        "id": f"pkg-{number:05}",
        "name": f"school-{number}",
        "title": f"学校名录 {number}",
        "notes": f"第 {number} 批学校，<b>含</b>地址。",
        "license_id": "cc-by",
        "license_title": "Creative Commons Attribution",
        "maintainer": "教育厅信息中心",
        "organization": {"name": "jyt", "title": "自治区教育厅"},
        "groups": [{"name": "edu", "title": "教育"}],
        "tags": [{"name": "学校"}, {"name": "教育"}],
        "extras": [{"key": "frequency", "value": "annual"}, {"key": "spatial-text", "value": "呼和浩特市"}],
        "resources": [
            {"id": f"r{number}", "name": "名录", "format": "CSV", "url": f"http://127.0.0.1:1/files/{number}.csv"},
            {"id": f"x{number}", "name": "坏的", "format": "HTML", "url": "javascript:alert(1)"},
        ],
        **changes,
    }


Reply = tuple[int, bytes, dict[str, str]]


@dataclass
class Portal:
    """A catalog with some packages; ``fault`` may answer a request in its own way."""

    packages: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, Reply] = field(default_factory=dict)
    fault: Callable[[str, dict[str, str]], Reply | None] | None = None
    count: int | None = None
    """What it says it has; None tells the truth."""
    old: bool = False
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                return

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
                headers = {k.lower(): v for k, v in self.headers.items()}
                portal.asked.append((parts.path, query, headers))
                status, body, more = portal.answer(parts.path, query, headers)
                if status == 0:  # cut in mid-page
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body) + 100))
                    self.end_headers()
                    self.wfile.write(body)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **more}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Reply:
        if self.fault is not None and (reply := self.fault(path, query)) is not None:
            return reply
        if path in self.files:
            status, body, more = self.files[path]
            if more.get("ETag") and headers.get("if-none-match") == more["ETag"]:
                return 304, b"", more
            return status, body, more
        if path == "/api/3/action/package_search" and not self.old:
            begin, rows = int(query.get("start", 0)), int(query.get("rows", 10))
            count = len(self.packages) if self.count is None else self.count
            return ok({"count": count, "results": self.packages[begin : begin + rows]})
        if path == "/api/3/action/current_package_list_with_resources" and self.old:
            begin, rows = int(query.get("offset", 0)), int(query.get("limit", 10))
            return ok([{"package": p} for p in self.packages[begin : begin + rows]])
        return 404, b'"Bad request: Action name not known"', {}

    def reset(self) -> None:
        self.packages, self.files, self.fault, self.count, self.old, self.asked = [], {}, None, None, False, []

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def ok(result: Any) -> Reply:
    return 200, json.dumps({"success": True, "result": result}, ensure_ascii=False).encode(), {}


@dataclass
class Bureau:
    """The platform, and the catalog that it harvests."""

    platform: Platform
    portal: Portal
    made: int = 0

    def source(self, kind: str = "ckan", **options: Any) -> str:
        """Register a source of its own for each test, and return its name."""
        self.made += 1
        name = f"目录{self.made}"
        given = {"url": self.portal.url, "retries": 0, **({"page": 10} if kind == "ckan" else {}), **options}
        self.platform.sources.add(SYSTEM, SourceDraft(name=name, kind=kind, org_id=ORG, options=given))
        return name

    def harvest(self, source: str, **words: Any) -> HarvestRun:
        harvests = self.platform.harvests
        return harvests.wait(SYSTEM, harvests.run(SYSTEM, source, **words))

    def counts(self, source: str, **words: Any) -> dict[str, int]:
        run = self.harvest(source, **words)
        assert run.error is None, run.error
        return {name: count for name, count in run.counts.items() if count}


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, portal: Portal) -> Iterator[Bureau]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("harvest"), public_url="https://testserver"))
    built.first_start()
    built.sources.allow(SYSTEM, Target(host="127.0.0.1", port=portal.port, network="127.0.0.0/8"), "测试目录")
    built.jobs.start_worker()
    yield Bureau(built, portal)
    built.jobs.stop()
    built.close()


@pytest.fixture
def bureau(whole: Bureau, portal: Portal) -> Bureau:
    portal.reset()
    return whole


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
