"""What a web service gives stands in the table, whatever its paging and its way of asking who is there."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from beijiang.ingest import SourceDraft, SyncDraft, SyncMode, Verdict
from beijiang.ingest.connectors.documents import MISSING, as_json, find, parse, steps, text_of
from beijiang.ingest.connectors.rest_exchange import exchange_headers, unpacked
from beijiang.kit import SYSTEM, BeijiangError, Invalid, NotFound, Refused
from beijiang.outbound import Target

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.ingest import Run

ORG = "education"
SECRET = "zebra-4711-Steppe"
COLUMNS = [
    {"name": "编号", "path": "id", "type": "integer"},
    {"name": "名称", "path": "/info/name"},
    {"name": "更新", "path": "updated", "type": "timestamp"},
]


def row(number: int, minute: int | None = None, name: str = "") -> dict[str, Any]:
    at = number if minute is None else minute
    return {
        "id": number,
        "info": {"name": name or f"学校{number}"},
        "updated": f"2026-01-{1 + at // 1440:02}T{at // 60 % 24:02}:{at % 60:02}:00+08:00",
    }


@dataclass
class Asked:
    """One request as the service sees it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Service:
    """A real HTTP server that holds some rows and answers as a test says."""

    answer: Callable[[Asked], Reply] = lambda _asked: (404, {})
    rows: list[dict[str, Any]] = field(default_factory=lambda: [row(n) for n in range(1, 26)])
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                return

            def do_GET(self) -> None:
                self._reply()

            def do_POST(self) -> None:
                self._reply()

            def _reply(self) -> None:
                parts = urlsplit(self.path)
                query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {k.lower(): v for k, v in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0))).decode()
                asked = Asked(parts.path, query, headers, body)
                service.asked.append(asked)
                status, content, *more = service.answer(asked)
                if status == 0:
                    self.close_connection = True
                    return
                data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
                self.send_response(status)
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def slice(self, start: int, size: int = 10) -> list[dict[str, Any]]:
        return self.rows[start : start + size]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


@dataclass
class Bureau:
    """The platform, and the one service that it reads."""

    platform: Platform
    service: Service

    def options(self, endpoint: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        whole = {
            "name": "schools",
            "path": "schools",
            "rows": "data",
            "columns": COLUMNS,
            "key": ["编号"],
            **(endpoint or {}),
        }
        return {"base_url": self.service.url, "endpoints": [whole], "retries": 0, **changes}

    def connect(self, endpoint: dict[str, Any] | None = None, **changes: Any) -> None:
        draft = SourceDraft(name="服务", kind="rest", org_id=ORG, options=self.options(endpoint, **changes))
        self.platform.sources.add(SYSTEM, draft)

    def take(self, **words: Any) -> None:
        self.platform.sources.take(SYSTEM, SyncDraft(source_id="服务", feed="schools", table="学校", **words))

    def attempt(self) -> Run:
        return self.platform.ingest.wait(SYSTEM, self.platform.sources.run(SYSTEM, "学校"))

    def run(self) -> Run:
        run = self.attempt()
        assert run.error is None, run.error
        return run

    def stops(self) -> dict[str, Any]:
        """Run, and return why it stops; nothing may have been committed."""
        run = self.attempt()
        assert run.error is not None
        return dict(run.error)

    def certificate(self, run: Run) -> Any:
        return self.platform.sources.certificate(SYSTEM, run.id)

    def held(self, columns: str = "*") -> list[dict[str, Any]]:
        return self.platform.sql.run(SYSTEM, f'SELECT {columns} FROM "学校" ORDER BY 1').rows.to_pylist()

    def is_empty(self) -> bool:
        try:
            self.platform.tables.get(SYSTEM, "学校")
        except NotFound:
            return True
        return False


@pytest.fixture
def bureau(platform: Platform, service: Service) -> Bureau:
    platform.first_start()
    platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=service.port, network="127.0.0.1/32"), "测试服务")
    return Bureau(platform, service)


# Paging


def by_page(service: Service) -> Callable[[Asked], Reply]:
    return lambda asked: (200, {"data": service.slice((int(asked.query["page"]) - 1) * 10)})


def by_offset(service: Service) -> Callable[[Asked], Reply]:
    return lambda asked: (
        200,
        {"data": service.slice(int(asked.query["skip"]), min(int(asked.query["limit"]), 7)), "n": len(service.rows)},
    )


def by_cursor(service: Service) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        start = int(base64.b64decode(asked.query.get("cursor", "MA==")))
        following = base64.b64encode(str(start + 10).encode()).decode() if start + 10 < len(service.rows) else None
        return 200, {"data": service.slice(start), "meta": {"next": following}}

    return answer


def by_link(service: Service) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        links = [f'<{service.url}/schools?from=0>; rel="first"; title="a, b"']
        if start + 10 < len(service.rows):
            links.append(f"</api/schools?from={start + 10}>; title=x; rel=next")
        return 200, {"data": service.slice(start)}, {"Link": ", ".join(links)}

    return answer


def by_next(service: Service) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("from", 0))
        more = start + 10 < len(service.rows)
        # As services behind a proxy do, it calls itself by another scheme and port.
        return 200, {
            "data": service.slice(start),
            "next": f"https://127.0.0.1/api/schools?from={start + 10}" if more else "",
        }

    return answer


def at_once(service: Service) -> Callable[[Asked], Reply]:
    return lambda _asked: (200, {"data": service.rows})


PAGINGS: dict[str, tuple[Callable[[Service], Callable[[Asked], Reply]], dict[str, Any]]] = {
    "none": (at_once, {"by": "none"}),
    "page": (by_page, {"by": "page"}),
    "offset": (by_offset, {"by": "offset", "parameter": "skip", "size": 10, "size_parameter": "limit", "total": "n"}),
    "cursor": (by_cursor, {"by": "cursor", "path": "meta.next"}),
    "link": (by_link, {"by": "link"}),
    "next": (by_next, {"by": "next", "path": "/next"}),
}


@pytest.mark.parametrize("paging", sorted(PAGINGS))
def test_every_page_arrives_once_and_a_second_reading_proves_it(bureau: Bureau, paging: str) -> None:
    make, words = PAGINGS[paging]
    bureau.service.answer = make(bureau.service)
    bureau.connect({"paging": words})
    bureau.take()
    run = bureau.run()
    proof = bureau.certificate(run)
    assert (run.report["read"], run.report["good"], run.report["bad"]) == (25, 25, 0)
    assert (proof.verdict, proof.body["counted_by"], proof.body["consistent"]) == (Verdict.EQUAL, "reread", False)
    assert [r["编号"] for r in bureau.held("编号")] == list(range(1, 26))
    assert bureau.held()[0] == {"编号": 1, "名称": "学校1", "更新": dt.datetime(2025, 12, 31, 16, 1, tzinfo=dt.UTC)}
    assert bureau.platform.sources.verify(SYSTEM, "学校").verdict is Verdict.EQUAL


def test_a_service_that_gives_fewer_rows_than_asked_for_is_read_to_its_end(bureau: Bureau) -> None:
    """A short page is no last page: the service has a maximum of its own."""
    bureau.service.answer = by_offset(bureau.service)
    bureau.connect({"paging": {"by": "offset", "parameter": "skip", "size": 10, "size_parameter": "limit"}})
    bureau.take()
    assert bureau.run().report["rows"] == 25
    assert {a.query["skip"] for a in bureau.service.asked} >= {"0", "7", "14", "21", "25"}


def test_a_row_lost_between_two_pages_is_seen_by_the_certificate(bureau: Bureau) -> None:
    """A row in front is deleted while pages are turned: all others move up, and one is skipped."""
    state = {"gone": False}

    def answer(asked: Asked) -> Reply:
        if asked.query["page"] == "2" and not state["gone"]:
            state["gone"] = True
            bureau.service.rows.pop(0)
        return by_page(bureau.service)(asked)

    bureau.service.answer = answer
    bureau.connect({"paging": {"by": "page"}})
    bureau.take()
    run = bureau.run()
    assert bureau.certificate(run).verdict is Verdict.DIFFERENT
    assert bureau.certificate(bureau.run()).verdict is Verdict.EQUAL


ENDLESS: list[tuple[dict[str, Any], Callable[[Asked], Reply], str]] = [
    ({"by": "page"}, lambda _a: (200, {"data": [row(1)]}), "same_page"),
    ({"by": "page"}, lambda a: (200, {"data": [row(int(a.query["page"]) % 3)]}), "same_page"),
    ({"by": "page", "max_pages": 20}, lambda a: (200, {"data": [row(int(a.query["page"]))]}), "cap"),
    ({"by": "cursor", "path": "c"}, lambda _a: (200, {"data": [], "c": "x"}), "same_mark"),
    ({"by": "link"}, lambda _a: (200, {"data": []}, {"Link": "</api/schools>; rel=next"}), "same_mark"),
    ({"by": "next", "path": "next"}, lambda a: (200, {"data": [], "next": "/api/schools?a=" + ("2" if a.query.get("a") == "1" else "1")}), "same_mark"),
]  # fmt: skip


@pytest.mark.threat("TM-29")
@pytest.mark.parametrize(("paging", "answer", "why"), ENDLESS)
def test_paging_that_does_not_end_is_stopped(bureau: Bureau, paging: dict[str, Any], answer: Any, why: str) -> None:
    bureau.service.answer = answer
    bureau.connect({"paging": paging})
    bureau.take()
    error = bureau.stops()
    assert (error["code"], error["detail"]["why"]) == ("endless_paging", why)
    assert bureau.is_empty()
    assert len(bureau.service.asked) <= 22


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest", "//evil.example/x", "file:///etc/passwd", "http://me:pw@127.0.0.1/x"]
)
def test_the_next_page_does_not_lead_to_another_host(bureau: Bureau, target: str) -> None:
    bureau.service.answer = lambda _a: (200, {"data": [row(1)], "next": target})
    bureau.connect({"paging": {"by": "next", "path": "next"}})
    bureau.take()
    assert bureau.stops()["code"] == "paging_leaves_service"


def test_a_total_that_is_not_reached_is_said(bureau: Bureau) -> None:
    bureau.service.answer = lambda a: (200, {"data": [row(1)] if a.query["page"] == "1" else [], "n": 3})
    bureau.connect({"paging": {"by": "page", "total": "n"}})
    bureau.take()
    error = bureau.stops()
    assert (error["code"], error["detail"]["came"], error["detail"]["told"]) == ("service_short", 1, 3)
    assert bureau.is_empty()


# Who asks


AUTHS: list[tuple[dict[str, Any], Callable[[Asked], bool]]] = [
    ({"auth": "key"}, lambda a: a.headers.get("x-api-key") == SECRET),
    ({"auth": "key", "key_name": "appkey", "key_in": "query"}, lambda a: a.query.get("appkey") == SECRET),
    ({"auth": "basic", "user": "读者"}, lambda a: base64.b64decode(a.headers.get("authorization", "")[6:]).decode() == f"读者:{SECRET}"),
    ({"auth": "bearer"}, lambda a: a.headers.get("authorization") == f"Bearer {SECRET}"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "good"), AUTHS)
@pytest.mark.parametrize("paging", ["page", "next"])
def test_the_service_is_shown_who_asks(bureau: Bureau, words: dict[str, Any], good: Any, paging: str) -> None:
    make, how = PAGINGS[paging]
    inner = make(bureau.service)
    bureau.service.answer = lambda asked: inner(asked) if good(asked) else (401, {})
    bureau.connect({"paging": how}, **words, secret=SECRET)
    bureau.take()
    assert bureau.run().report["rows"] == 25
    bureau.platform.sources.change(SYSTEM, "服务", {"secret": "wrong"})
    assert bureau.stops()["code"] == "source_login_failed"
    assert len(bureau.held()) == 25


@pytest.mark.parametrize("client_auth", ["basic", "body"])
def test_a_token_is_kept_for_the_run_and_renewed_when_it_is_refused(bureau: Bureau, client_auth: str) -> None:
    tokens: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/token":
            form = {k: v[0] for k, v in parse_qs(asked.body).items()}
            shown = (
                base64.b64decode(asked.headers.get("authorization", "")[6:]).decode()
                or f"{form.get('client_id')}:{form.get('client_secret')}"
            )
            if (form["grant_type"], form["scope"], shown) != ("client_credentials", "read", f"beijiang:{SECRET}"):
                return 401, {"error": "invalid_client"}
            tokens.append(f"token-{len(tokens)}")
            return 200, {"access_token": tokens[-1], "token_type": "Bearer", "expires_in": 3600}
        if asked.query["page"] == "2" and len(tokens) == 1:
            return 401, {}  # the first one is withdrawn in mid-paging
        return (
            by_page(bureau.service)(asked)
            if asked.headers.get("authorization") == f"Bearer {tokens[-1]}"
            else (401, {})
        )

    bureau.service.answer = answer
    token_url = f"http://127.0.0.1:{bureau.service.port}/token"
    bureau.connect(
        {"paging": {"by": "page"}},
        auth="oauth2",
        token_url=token_url,
        user="beijiang",
        secret=SECRET,
        scope="read",
        client_auth=client_auth,
    )
    bureau.take()
    assert bureau.run().report["rows"] == 25
    assert tokens == ["token-0", "token-1"]
    bureau.platform.sources.change(SYSTEM, "服务", {"secret": "wrong"})
    assert bureau.stops()["code"] == "source_login_failed"


def test_the_exchange_platforms_signature_is_the_known_one(bureau: Bureau) -> None:
    known = exchange_headers("demo-app-key-0001", "s_1200019900000_2022", "r-demo-0001", "1700000000000")
    assert known["gjgxjhpt_sign"] == "QP3PrBiVXmsfGPnUECkjE7X5oaYQYpVTtqiTd60plPk="

    def answer(asked: Asked) -> Reply:
        moment = asked.headers["gjgxjhpt_rtime"]
        signed = exchange_headers(SECRET, "s_1", "r_1", moment)
        fresh = abs(time.time() * 1000 - int(moment)) < 300_000
        good = fresh and all(asked.headers.get(n) == v for n, v in signed.items())
        return 200, {"code": "0", "data": bureau.service.rows} if good else {
            "code": "E-106",
            "data": None,
            "message": "x",
        }

    bureau.service.answer = answer
    bureau.connect({"ok": "code", "service": "s_1"}, auth="exchange", user="r_1", secret=SECRET)
    bureau.take()
    assert bureau.run().report["rows"] == 25
    bureau.platform.sources.change(SYSTEM, "服务", {"secret": "wrong"})
    error = bureau.stops()
    assert error["code"] == "service_not_ok"
    assert "E-106" in str(error)


@pytest.mark.parametrize("cipher", ["ecb", "cbc"])
def test_the_exchange_platforms_key_service_gives_keys_that_end(bureau: Bureau, cipher: str) -> None:
    """A key is asked for with the app key, opened, used until shortly before its end, and once more when it is refused."""
    given: list[str] = []
    refuse_first = True

    def answer(asked: Asked) -> Reply:
        nonlocal refuse_first
        moment = asked.headers["gjgxjhpt_rtime"]
        if asked.path.endswith("/key"):
            assert asked.headers["gjgxjhpt_sign"] == exchange_headers(SECRET, "s_1", "r_1", moment)["gjgxjhpt_sign"]
            given.append(f"signing-key-{len(given)}")
            end = str(int((time.time() + 3600) * 1000))
            return 200, {
                "code": "0",
                "data": {"secret": packed(given[-1], cipher), "secretEndTime": end},
                "message": "",
            }
        good = asked.headers["gjgxjhpt_sign"] == exchange_headers(given[-1], "s_1", "r_1", moment)["gjgxjhpt_sign"]
        if refuse_first or not good:  # the platform withdrew the first key
            refuse_first = False
            return 401, {}
        return by_page(bureau.service)(asked)

    bureau.service.answer = answer
    options = {"auth": "exchange", "user": "r_1", "key_url": f"{bureau.service.url}/key", "key_made_by": "md5"}
    bureau.connect({"service": "s_1", "paging": {"by": "page"}}, **options, key_cipher=cipher, secret=SECRET)
    bureau.take()
    assert bureau.run().report["rows"] == 25
    assert given == ["signing-key-0", "signing-key-1"], "one, and one more after the refusal, for all pages"
    bureau.platform.sources.change(SYSTEM, "服务", {"key_cipher": "cbc" if cipher == "ecb" else "ecb"})
    assert bureau.stops()["code"] == "exchange_key"


def packed(key: str, cipher: str) -> str:
    """Pack a signing key as a key service does."""
    data = key.encode() + bytes([16 - len(key) % 16] * (16 - len(key) % 16))
    made = hashlib.md5(SECRET.encode(), usedforsecurity=False).digest()
    start = b"0123456789abcdef"
    mode = modes.ECB() if cipher == "ecb" else modes.CBC(start)  # noqa: S305 - what the platform does
    sealer = Cipher(algorithms.AES(made), mode).encryptor()
    sealed = sealer.update(data) + sealer.finalize()
    return sealed.hex() if cipher == "ecb" else base64.b64encode(start + sealed).decode()


def test_what_javas_generator_makes_of_a_seed_opens_a_key() -> None:
    """Known answer: AES/ECB/PKCS5 under KeyGenerator(128) seeded through SHA1PRNG, SHA1(SHA1(seed)) cut to 16 bytes."""
    made = hashlib.sha1(hashlib.sha1(b"demo-app-key-0001", usedforsecurity=False).digest(), usedforsecurity=False)
    sealer = Cipher(algorithms.AES(made.digest()[:16]), modes.ECB()).encryptor()  # noqa: S305 - what the platform does
    sealed = sealer.update(b"opened" + bytes([10] * 10)) + sealer.finalize()
    assert (
        unpacked(base64.b64encode(sealed).decode(), "demo-app-key-0001", cipher="ecb", made_by="sha1prng") == "opened"
    )
    with pytest.raises(Invalid, match="key service"):
        unpacked(base64.b64encode(sealed).decode(), "another-app-key", cipher="ecb", made_by="itself")
    assert unpacked("plain", "demo-app-key-0001", cipher="none", made_by="itself") == "plain"


@pytest.mark.parametrize("option", ["token_url", "key_url", "base_url"])
def test_a_secret_does_not_follow_to_another_address(bureau: Bureau, option: str) -> None:
    bureau.connect(
        auth="oauth2", token_url=f"{bureau.service.url}/token", key_url=f"{bureau.service.url}/key", secret=SECRET
    )
    with pytest.raises(Invalid) as refused:
        bureau.platform.sources.change(SYSTEM, "服务", {option: "http://127.0.0.1:1/elsewhere"})
    assert refused.value.reason == "secrets_needed"


# What is new


@pytest.mark.parametrize("since_format", ["iso", "plain", "epoch", "epoch_ms"])
def test_an_incremental_run_brings_what_is_new_changed_or_late(bureau: Bureau, since_format: str) -> None:
    china = dt.timezone(dt.timedelta(hours=8))
    read: dict[str, Callable[[str], dt.datetime]] = {
        "iso": dt.datetime.fromisoformat,
        "plain": lambda text: dt.datetime.fromisoformat(text).replace(tzinfo=china),
        "epoch": lambda text: dt.datetime.fromtimestamp(int(text), china),
        "epoch_ms": lambda text: dt.datetime.fromtimestamp(int(text) / 1000, china),
    }

    def answer(asked: Asked) -> Reply:
        given = asked.query.get("since")
        start = read[since_format](given) if given else None
        fresh = [r for r in bureau.service.rows if start is None or dt.datetime.fromisoformat(r["updated"]) >= start]
        at = (int(asked.query["page"]) - 1) * 10
        return 200, {"data": fresh[at : at + 10]}

    bureau.service.answer = answer
    bureau.service.rows = [row(n) for n in range(1, 201)]
    bureau.connect({"paging": {"by": "page"}, "since": "since", "since_format": since_format})
    bureau.take(mode=SyncMode.INCREMENTAL, cursor="更新", overlap="600")
    run = bureau.run()
    assert (run.report["rows_added"], bureau.certificate(run).verdict) == (200, Verdict.EQUAL)
    bureau.service.rows += [row(901, 300), row(902, 195)]
    bureau.service.rows[4] = row(5, 301, "改名")
    run = bureau.run()
    assert run.report["read"] < 20, "the overlap and what is new, not everything"
    assert (run.report["rows_added"], run.report["rows_changed"], run.report["rows"]) == (2, 1, 202)
    assert bureau.certificate(run).verdict is Verdict.EQUAL
    run = bureau.run()
    assert (run.report["rows_added"], run.report["rows_changed"]) == (0, 0)
    assert bureau.platform.sources.verify(SYSTEM, "学校").verdict is Verdict.EQUAL


def test_a_service_that_knows_no_since_is_filtered_here_and_deletions_are_followed(bureau: Bureau) -> None:
    bureau.service.answer = by_page(bureau.service)
    bureau.connect({"paging": {"by": "page"}})
    bureau.take(mode=SyncMode.INCREMENTAL, cursor="更新", deletes=True)
    bureau.run()
    bureau.service.rows = [*bureau.service.rows[1:], row(77, 500), {**row(78), "updated": None}]
    run = bureau.run()
    assert (run.report["rows_added"], run.report["rows_removed"], run.report["rows"]) == (2, 1, 26)
    assert bureau.certificate(run).verdict is Verdict.EQUAL


def test_rows_that_come_while_a_run_reads_wait_for_the_next(bureau: Bureau) -> None:
    """Its second look would see more than its first: what lies beyond the first look's end is not in this part."""

    def answer(asked: Asked) -> Reply:
        reply = by_page(bureau.service)(asked)
        bureau.service.rows.append(row(1000 + len(bureau.service.rows), 600 + len(bureau.service.rows)))
        return reply

    bureau.service.answer = answer
    bureau.connect({"paging": {"by": "page", "max_pages": 50}})
    bureau.take(mode=SyncMode.INCREMENTAL, cursor="更新")
    run = bureau.run()
    assert bureau.certificate(run).verdict is Verdict.EQUAL
    bureau.service.answer = by_page(bureau.service)
    bureau.run()
    assert bureau.platform.sources.verify(SYSTEM, "学校").verdict is Verdict.EQUAL


# Columns


def test_columns_are_found_by_themselves_and_keep_every_character(bureau: Bureau) -> None:
    body = """{"data": [
        {"编号": "007", "面积/亩": 1.10, "a~b": 12345678901234567890123, "详情": {"级别": [1.50, true, null]}, "空": null},
        {"编号": "008", "面积/亩": 1e2, "备注": "\\ud83d 半个", "详情": "文字"}]}"""
    bureau.service.answer = lambda _a: (200, body.encode())
    bureau.connect({"columns": [], "key": []})
    feed = bureau.platform.sources.feed(SYSTEM, "服务", "schools")
    assert [c.name for c in feed.columns] == ["编号", "面积/亩", "a~b", "详情", "空", "备注"]
    bureau.take(key=("编号",))
    assert bureau.certificate(bureau.run()).verdict is Verdict.EQUAL
    assert bureau.held() == [
        {"编号": "007", "面积/亩": "1.10", "a~b": "12345678901234567890123", "详情": '{"级别":[1.50,true,null]}', "空": None, "备注": None},
        {"编号": "008", "面积/亩": "1e2", "a~b": None, "详情": "文字", "空": None, "备注": "\\ud83d 半个"},
    ]  # fmt: skip


def test_a_member_that_only_later_rows_have_is_not_lost_in_silence(bureau: Bureau) -> None:
    bureau.service.rows = [{"a": n} for n in range(15)] + [{"a": 99, "b": 1}]
    bureau.service.answer = by_page(bureau.service)
    bureau.connect({"columns": [], "key": [], "paging": {"by": "page"}})
    bureau.take(key=("a",))
    error = bureau.stops()
    assert (error["code"], error["detail"]["columns"]) == ("service_more_columns", ["b"])
    assert bureau.is_empty()


def test_a_declared_column_that_is_in_no_row_stops_the_run(bureau: Bureau) -> None:
    bureau.service.answer = at_once(bureau.service)
    bureau.connect()
    bureau.take()
    bureau.run()
    bureau.service.rows = [{**row(n), "info": {"title": "改"}} for n in range(1, 9)]
    error = bureau.stops()
    assert (error["code"], error["detail"]["columns"]) == ("source_column_gone", ["名称"])
    assert len(bureau.held()) == 25


def test_values_are_typed_strictly_and_what_does_not_fit_is_set_aside(bureau: Bureau) -> None:
    columns = [
        {"name": "k", "type": "integer"},
        {"name": "n", "type": "decimal", "precision": 6, "scale": 2},
        {"name": "t", "type": "timestamp"},
        {"name": "e", "type": "timestamp", "format": "epoch_ms", "optional": True},
        {"name": "d", "type": "date"},
        {"name": "b", "type": "boolean"},
    ]
    good = {"k": 1, "n": 1.5, "t": "2026-01-01 08:00:00", "e": 1767225600000, "d": "2026/1/2", "b": True}
    odd: list[dict[str, Any]] = [
        {"n": 1.555}, {"n": "12,3"}, {"k": 2.5}, {"k": None}, {"t": "昨天"}, {"d": "2026-01-01T08:00:00+08:00"}, {"d": "2026-02-30"}, {"b": "是"}, {"e": "x"},
        {"t": "2026-01-01 25:00:00"},
    ]  # fmt: skip
    fine: list[dict[str, Any]] = [
        {"n": 15e-1},
        {"t": "2026-01-01T00:00:00Z"},
        {"t": "2026-1-1 8:00:00"},
        {"t": "2026-01-01T08:00:00+0800"},
        {"b": "true"},
        {"d": "2026-01-02T00:00:00"},
    ]
    bureau.service.rows = [{**good, "k": n, **change} for n, change in enumerate([*fine * 8, *odd], start=10)]
    bureau.service.answer = at_once(bureau.service)
    bureau.connect({"columns": columns, "key": ["k"]})
    bureau.take()
    run = bureau.run()
    assert run.report["good"] == 8 * len(fine)
    assert run.report["bad"] == len(odd)
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    kept = {tuple(r.values()) for r in bureau.held("n, t, e, d, b")}
    assert kept == {(Decimal("1.50"), moment, moment, dt.date(2026, 1, 2), True)}
    assert bureau.certificate(run).verdict is Verdict.EXPLAINED


# When it goes wrong


def test_a_server_that_dies_in_mid_paging_leaves_nothing_and_the_next_run_brings_all(bureau: Bureau) -> None:
    bureau.service.answer = lambda asked: by_page(bureau.service)(asked) if asked.query["page"] < "3" else (0, None)
    bureau.connect({"paging": {"by": "page"}})
    bureau.take()
    error = bureau.stops()
    assert error["code"] == "outbound_unreachable"
    assert bureau.is_empty()
    bureau.service.answer = by_page(bureau.service)
    run = bureau.run()
    assert (run.report["rows"], bureau.certificate(run).verdict) == (25, Verdict.EQUAL)


@pytest.mark.parametrize("header", ["1", "date"])
def test_a_service_that_is_busy_is_left_alone_for_as_long_as_it_says(bureau: Bureau, header: str) -> None:
    """The service itself keeps the time: whoever comes too early is sent away for good."""
    until: list[float] = []
    early: list[float] = []

    def answer(asked: Asked) -> Reply:
        now = time.time()
        if asked.query["page"] == "2" and not until:
            whole = float(int(now) + 2)
            until.append(whole if header == "date" else now + 1)
            told = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(whole)) if header == "date" else header
            return 429, {}, {"Retry-After": told}
        if until and now < until[0] - 0.05:
            early.append(now)
        return by_page(bureau.service)(asked)

    bureau.service.answer = answer
    bureau.connect({"paging": {"by": "page"}}, retries=1)
    bureau.take()
    assert bureau.run().report["rows"] == 25
    assert (len(until), early) == (1, [])


def test_our_own_limit_on_requests_is_kept(bureau: Bureau) -> None:
    """A service that takes ten requests a second, and refuses for good where they come faster, is read to its end."""
    came: list[float] = []

    def answer(asked: Asked) -> Reply:
        came.append(time.monotonic())
        if len(came) > 3 and came[-1] - came[-4] < 0.2:
            return 400, {}
        return by_page(bureau.service)(asked)

    bureau.service.answer = answer
    bureau.connect({"paging": {"by": "page"}}, per_second=10)
    bureau.take()
    assert bureau.run().report["rows"] == 25


@pytest.mark.parametrize(
    ("reply", "code"),
    [((403, {}), "source_forbidden"), ((404, {}), "service_refuses"), ((400, {}), "service_refuses"), ((200, b"<html>"), "service_no_json"),
     ((200, {"error": "x"}), "service_no_rows"), ((200, {"data": {"a": 1}}), "service_no_rows"), ((200, {"data": ["x"]}), "service_no_rows"),
     ((200, b'{"data": ' + b"[" * 200_000), "service_no_json"), ((200, b'{"data": [{"id": NaN}]}'), "service_no_json"),
     ((200, b'{"data": [{"id": 1, "updated": null, "info": {"name": ' + b"[" * 600 + b"]" * 600 + b"}}]}"), "service_no_json"),
     ((302, b"", {"Location": "http://127.0.0.1:1/inner"}), "target_not_allowed"), ((200, b" " * 1_100_000), "outbound_too_large")],
)  # fmt: skip
def test_an_answer_that_brings_no_rows_is_no_empty_list(bureau: Bureau, reply: Reply, code: str) -> None:
    bureau.service.answer = at_once(bureau.service)
    bureau.connect(page_mib=1)
    bureau.take()
    bureau.run()
    bureau.service.answer = lambda _a: reply
    error = bureau.stops()
    assert error["code"] == code
    assert len(bureau.held()) == 25, "the table is as it was"


def test_a_service_that_stays_busy_is_said_to_be(bureau: Bureau) -> None:
    bureau.service.answer = lambda _a: (503, {}, {"Retry-After": "9999"})
    bureau.connect(retries=10)
    with pytest.raises(BeijiangError) as busy:
        bureau.platform.sources.feeds(SYSTEM, "服务")
    assert (busy.value.reason, busy.value.transient, busy.value.detail["retry_after"]) == ("service_busy", True, 9999)


def test_an_inner_service_is_not_reached_unless_it_is_opened(bureau: Bureau) -> None:
    bureau.service.answer = at_once(bureau.service)
    bureau.connect()
    assert [f.name for f in bureau.platform.sources.feeds(SYSTEM, "服务")] == ["schools"]
    bureau.platform.sources.close_target(SYSTEM, bureau.platform.sources.targets(SYSTEM)[0].id)
    asked = len(bureau.service.asked)
    with pytest.raises(Refused):
        bureau.platform.sources.feeds(SYSTEM, "服务")
    assert len(bureau.service.asked) == asked


@pytest.mark.parametrize(
    "words",
    [{"base_url": "ftp://a/"}, {"base_url": "http://me:pw@a/"}, {"base_url": ""}, {"auth": "oauth2"}, {"endpoints": []}, {"endpoints": "no json"},
     {"endpoints": [{"name": "a", "paging": {"by": "cursor"}}]}, {"endpoints": [{"name": "a", "paging": {"size": 5}}]}, {"time_zone": "Mars/Olympus"},
     {"endpoints": [{"name": "a", "columns": [{"name": "n", "type": "decimal"}]}]}, {"endpoints": [{"name": "a"}, {"name": "a"}]},
     {"endpoints": [{"name": "a", "columns": [{"name": "n"}], "key": ["m"]}]}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(bureau: Bureau, words: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        bureau.connect(**words)


def test_an_authority_that_is_none_is_refused_before_anything_is_asked(bureau: Bureau) -> None:
    bureau.connect(authority="no certificate")
    with pytest.raises(Invalid) as wrong:
        bureau.platform.sources.feeds(SYSTEM, "服务")
    assert (wrong.value.reason, bureau.service.asked) == ("outbound_bad_authority", [])


def test_end_points_may_be_given_as_text_as_the_terminal_does(bureau: Bureau) -> None:
    bureau.service.answer = at_once(bureau.service)
    given = bureau.options()
    bureau.connect(endpoints=json.dumps(given["endpoints"]))
    assert [c.name for c in bureau.platform.sources.feed(SYSTEM, "服务", "schools").columns] == ["编号", "名称", "更新"]
    with pytest.raises(NotFound):
        bureau.platform.sources.feed(SYSTEM, "服务", "other")


def test_discovered_columns_offer_no_cursor(bureau: Bureau) -> None:
    bureau.service.answer = at_once(bureau.service)
    bureau.connect({"columns": [], "key": []})
    with pytest.raises(Invalid) as none:
        bureau.take(mode=SyncMode.INCREMENTAL, key=("id",), cursor="updated")
    assert none.value.reason == "cursor_required"
    bureau.service.rows = []
    with pytest.raises(Invalid) as empty:
        bureau.platform.sources.feed(SYSTEM, "服务", "schools")
    assert empty.value.reason == "service_no_columns"


@pytest.mark.threat("TM-25")
@pytest.mark.parametrize(
    "words",
    [
        {"auth": "key"},
        {"auth": "key", "key_in": "query"},
        {"auth": "basic"},
        {"auth": "bearer"},
        {"auth": "oauth2"},
        {"auth": "exchange"},
    ],
)
def test_a_secret_is_found_nowhere(bureau: Bureau, words: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    platform = bureau.platform
    bureau.service.answer = lambda asked: (
        (200, {"access_token": SECRET + "-token", "data": bureau.service.rows}) if asked.path else (0, None)
    )
    if words["auth"] == "oauth2":
        words = {**words, "token_url": f"{bureau.service.url}/token"}
    bureau.connect(**words, secret=SECRET)
    bureau.take()
    run = bureau.run()
    said = []
    for status in (401, 403, 500, 302):
        bureau.service.answer = lambda _a, status=status: (
            status,
            {"you sent": SECRET},
            {"Location": "http://127.0.0.1:1/"},
        )  # type: ignore[misc]
        with pytest.raises(BeijiangError) as refused:
            platform.sources.feeds(SYSTEM, "服务")
        said += [str(refused.value), refused.value.text.zh, str(refused.value.detail)]
    with pytest.raises(BeijiangError) as malformed:
        platform.sources.change(SYSTEM, "服务", {"secret": {"a": SECRET}, "base_url": f"http://a:{SECRET}@b/"})
    said += [str(malformed.value), str(malformed.value.detail), str(run), str(bureau.certificate(run)), caplog.text]
    source = platform.sources.source(SYSTEM, "服务")
    said += [repr(source), str(source.to_json()), str(platform.sources.plan(SYSTEM, "学校").to_json())]
    encoded = [base64.b64encode(f":{SECRET}".encode()).decode(), SECRET]
    assert [text for text in said for word in encoded if word in text] == []
    kept = [p for p in Path(platform.settings.home).rglob("*") if p.is_file()]
    assert len(kept) > 5
    assert [p for p in kept for word in encoded if word.encode() in p.read_bytes()] == []
    assert source.secrets["secret"].startswith("bj1-")


# Documents


@pytest.mark.parametrize(
    ("path", "found"),
    [("", "whole"), ("a.b", "1"), ("/a/b", "1"), ("a.c.1", "3.0"), ("/a/c/1", "3.0"), ("/x~1y", "s"), ("/m~0n", "t"), ("/", "empty"), ("a.nothing", None), ("a.c.9", None), ("a.c.-1", None), ("a.b.c", None)],
)  # fmt: skip
def test_paths_lead_where_they_say(path: str, found: str | None) -> None:
    document = parse(b'{"a": {"b": 1, "c": [2, 3.0]}, "x/y": "s", "m~n": "t", "": "empty"}')
    value = find(document, steps(path))
    if path == "":
        assert value is document
    elif found is None:
        assert value is MISSING
    else:
        assert text_of(value) == found


@pytest.mark.parametrize(
    "text", ['{"a":[1.10,-0,1E5,true,null,"中\\"文"],"b":{}}', "[]", '"x"', "12345678901234567890.000"]
)
def test_json_is_written_as_it_was_read(text: str) -> None:
    assert as_json(parse(text.encode())) == text


def test_other_encodings_are_read_where_the_service_says_so() -> None:
    assert parse('"呼和浩特"'.encode("gb18030"), "application/json; charset=GB18030") == "呼和浩特"
    assert parse("\ufeff[]".encode()) == []
    for wrong in (b"\xff", b'"x"'):
        with pytest.raises(Invalid):
            parse(wrong, "application/json; charset=" + ("utf-8" if wrong == b"\xff" else "no-such"))
