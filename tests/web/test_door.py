"""Headers on every answer, one error shape, who may send a change, how large it may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from beijiang import access
from beijiang.web.security import SESSION_COOKIE

TOKEN_A, TOKEN_B = (hashlib.sha256(f"csrf:tok-{who}".encode()).hexdigest() for who in "ab")
SIGNED_IN = {"Cookie": f"{SESSION_COOKIE}=tok-a"}
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
SAME = {"Origin": "https://data.example", "Sec-Fetch-Site": "same-origin"}
FORM = "application/x-www-form-urlencoded"
BY_PROGRAM = {"Authorization": "Bearer bj_good"}

ANSWERS = [
    ("GET", "/api/v1/me", 200),
    ("GET", "/page", 200),
    ("GET", "/missing", 404),
    ("GET", "/api/v1/missing", 404),
    ("GET", "/health/missing", 404),
    ("GET", "/static/missing.js", 404),
    ("PUT", "/api/v1/me", 405),
    ("POST", "/api/v1/orders", 422),
    ("GET", "/api/v1/fail/boom", 500),
    ("GET", "/fail/boom", 500),
    ("GET", "/fail/busy", 503),
    ("GET", "/fail/denied", 403),
    ("GET", "/api/v1/fail/conflict", 409),
    ("GET", "/api/v1/fail/often", 429),
    ("GET", "/fail/signin", 401),
    ("GET", "/openapi.json", 200),
]


@pytest.mark.parametrize("headers", [{}, BROWSER, SIGNED_IN, {**SIGNED_IN, **BROWSER, **SAME, "X-CSRF-Token": TOKEN_A}])
@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_is_protected(
    client: httpx.Client, method: str, path: str, status: int, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers=headers)
    if method != "GET" and headers == SIGNED_IN:
        status = 403  # a cookie without its token gets no further
    assert answer.status_code == status
    policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Referrer-Policy"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert len(answer.headers["X-Request-ID"]) == 16
    if status >= 400 or "Cookie" in headers:
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("method", "path", "status"), [row for row in ANSWERS if row[2] >= 400])
def test_errors_have_one_shape_for_programs(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "detail", "request_id"}
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert error["code"].isascii()
    assert error["message"]
    assert isinstance(error["detail"], dict)


def test_a_page_of_the_api_answers_json_to_a_browser_too(client: httpx.Client) -> None:
    assert client.get("/api/v1/missing", headers=BROWSER).json()["error"]["code"] == "not_found"


def test_nothing_internal_gets_out_and_the_operator_finds_it(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    for path, headers in (("/api/v1/fail/boom", {}), ("/fail/boom", BROWSER)):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 500
        assert not [
            word
            for word in ("hunter2", "postgresql", "/srv", "SELECT", "Traceback", "RuntimeError", ".py")
            if word in answer.text
        ]
        assert answer.headers["X-Request-ID"] in answer.text
        assert answer.headers["X-Request-ID"] in caplog.text
        assert "hunter2" in caplog.text


def test_validation_names_the_field_and_does_not_echo_the_input(client: httpx.Client) -> None:
    answer = client.post("/api/v1/orders", json={"rows": "<script>15012345678", "extra": 1})
    fields = {fault["field"] for fault in answer.json()["error"]["detail"]["fields"]}
    assert fields == {"body.rows", "body.extra"}
    assert "15012345678" not in answer.text


def test_transient_errors_say_when_to_come_back(client: httpx.Client) -> None:
    assert int(client.get("/fail/busy").headers["Retry-After"]) > 0
    assert int(client.get("/api/v1/fail/often").headers["Retry-After"]) > 0
    assert "Retry-After" not in client.get("/fail/denied").headers


def test_answers_are_cached_only_where_the_route_says_so(client: httpx.Client) -> None:
    assert client.get("/cached").headers["Cache-Control"] == "public, max-age=60"
    assert client.get("/api/v1/me").headers["Cache-Control"] == "no-cache"
    assert client.get("/api/v1/me", headers=SIGNED_IN).headers["Cache-Control"] == "no-store"
    assert "Cookie" in client.get("/api/v1/me").headers["Vary"]


def test_the_cookie_is_the_one_that_access_sets() -> None:
    assert SESSION_COOKIE == access.SESSION_COOKIE


CHANGES = [
    ("own page with token", {**SIGNED_IN, **SAME, "X-CSRF-Token": TOKEN_A}, 200),
    ("program with cookie and token", {**SIGNED_IN, "X-CSRF-Token": TOKEN_A}, 200),
    ("no token", {**SIGNED_IN, **SAME}, 403),
    ("empty token", {**SIGNED_IN, **SAME, "X-CSRF-Token": ""}, 403),
    ("token of another session", {**SIGNED_IN, **SAME, "X-CSRF-Token": TOKEN_B}, 403),
    ("other origin with a stolen token", {**SIGNED_IN, "Origin": "https://evil.example", "X-CSRF-Token": TOKEN_A}, 403),
    ("null origin", {**SIGNED_IN, "Origin": "null", "X-CSRF-Token": TOKEN_A}, 403),
    ("own host on another scheme", {**SIGNED_IN, "Origin": "http://data.example", "X-CSRF-Token": TOKEN_A}, 403),
    ("neighbour subdomain", {**SIGNED_IN, "Sec-Fetch-Site": "same-site", "X-CSRF-Token": TOKEN_A}, 403),
    ("cross-site fetch", {**SIGNED_IN, "Sec-Fetch-Site": "cross-site", "X-CSRF-Token": TOKEN_A}, 403),
    ("key without cookie", {"Authorization": "Bearer bj_good"}, 200),
    (
        "key without cookie from another origin",
        {"Authorization": "Bearer bj_good", "Origin": "https://app.example"},
        200,
    ),
    ("key beside a cookie without token", {**SIGNED_IN, "Authorization": "Bearer bj_good"}, 403),
    ("bad key", {"Authorization": "Bearer bj_bad"}, 401),
    ("visitor's program", {}, 200),
    ("visitor from another site", {"Sec-Fetch-Site": "cross-site"}, 403),
]


@pytest.mark.parametrize("before", range(len(CHANGES)))
def test_who_may_change_something_in_any_order(client: httpx.Client, before: int) -> None:
    """No request exempts a later one: the table holds after every other request as well (CVE-2026-41255 of a peer)."""
    client.post("/api/v1/me", headers=CHANGES[before][1])
    for name, headers, status in CHANGES:
        assert client.post("/api/v1/me", headers=headers).status_code == status, name


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PURGE"])
def test_every_other_method_needs_the_token_too(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/api/v1/me", headers=SIGNED_IN).json()["error"]["code"] == "csrf"


def test_reading_needs_no_token_even_from_a_link_elsewhere(client: httpx.Client) -> None:
    assert client.get("/me", headers={**SIGNED_IN, "Sec-Fetch-Site": "cross-site"}).json()["actor"] == "p_a"


def test_a_form_carries_the_token_as_its_first_field(client: httpx.Client) -> None:
    headers = {**SIGNED_IN, **SAME, "Content-Type": FORM}
    assert client.post("/form", content=f"_csrf={TOKEN_A}&name=%E8%B5%A4%E5%B3%B0", headers=headers).text == "赤峰"
    assert client.post("/form", content=f"name=x&_csrf={TOKEN_A}", headers=headers).text == "x"
    assert client.post("/form", content=f"_csrf={TOKEN_B}&name=x", headers=headers).status_code == 403
    assert client.post("/form", content="name=x", headers=headers).status_code == 403


def test_an_upload_arrives_unchanged_behind_its_token(client: httpx.Client) -> None:
    content = bytes(range(256)) * 3000
    headers = {**SIGNED_IN, **SAME}
    good = client.post("/upload", data={"_csrf": TOKEN_A}, files={"file": ("数据.csv", content)}, headers=headers)
    assert good.text == hashlib.sha256(content).hexdigest()
    forged = content[:200_000] + f'name="_csrf"\r\n\r\n{TOKEN_A}\r\n'.encode()
    assert client.post("/upload", files={"file": ("x.csv", forged)}, headers=headers).status_code == 403


def test_a_body_over_the_limit_is_refused_declared_or_not(client: httpx.Client) -> None:
    large = {"file": ("x.bin", b"x" * (3 << 20))}
    declared = client.post("/upload", files=large, headers=BY_PROGRAM)
    assert declared.status_code == 413
    assert declared.json()["error"]["detail"]["limit_bytes"] == 2 << 20

    def pieces() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        for _ in range(48):
            yield b"x" * 65_536
        yield b"\r\n--b--\r\n"

    form = {"Content-Type": "multipart/form-data; boundary=b"}
    streamed = client.post("/upload", content=pieces(), headers={**form, **BY_PROGRAM})
    assert streamed.status_code == 413
    assert streamed.json()["error"]["code"] == "too_large"
    document = client.post("/api/v1/orders", content=b" " * (9 << 20), headers={"Content-Type": "application/json"})
    assert document.status_code == 413


@pytest.mark.threat("TM-05")
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=b", "application/octet-stream"])
@pytest.mark.parametrize("path", ["/api/v1/orders", "/form"])
def test_a_document_is_no_file_whatever_it_calls_itself(client: httpx.Client, path: str, kind: str) -> None:
    for headers in ({}, BY_PROGRAM):
        answer = client.post(path, content=b"x" * (9 << 20), headers={"Content-Type": kind, **headers})
        assert answer.status_code == 413
        assert answer.json()["error"]["detail"]["limit_bytes"] == 8 << 20


@pytest.mark.threat("TM-05")
def test_a_visitor_hands_in_no_file(client: httpx.Client) -> None:
    assert client.post("/upload", files={"file": ("x.bin", b"x")}).status_code == 401


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/me", {}, "zh-CN"),
        ("/me", {"Accept-Language": "en-GB,en;q=0.9"}, "en"),
        ("/me", {"Accept-Language": "fr,zh;q=0.5,en;q=0.1"}, "zh-CN"),
        ("/me", {"Accept-Language": "en", "Cookie": "bj_lang=zh-CN"}, "zh-CN"),
        ("/me?lang=en", {"Cookie": "bj_lang=zh-CN"}, "en"),
        ("/me?lang=%3Cscript%3E", {"Accept-Language": "*"}, "zh-CN"),
    ],
)
def test_the_language_is_found(client: httpx.Client, path: str, headers: dict[str, str], language: str) -> None:
    answer = client.get(path, headers=headers)
    assert answer.json()["language"] == language
    kept = answer.headers.get("Set-Cookie", "")
    assert ("bj_lang=en" in kept) is (path == "/me?lang=en")
    assert "script" not in kept
