"""Every endpoint of the JSON API answers errors in the one shape, and no answer carries an inside."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from beijiang.app import create_app
from beijiang.build import Platform

INSIDE = re.compile(r"Traceback|sqlite|SELECT |/home/|/work/|/tmp/|\.py\b|sqlalchemy|duckdb", re.IGNORECASE)
OPEN_TO_ALL = {"/health", "/openapi.json"}


@pytest.fixture
def client(platform: Platform) -> Iterator[TestClient]:
    with TestClient(create_app(platform), base_url="https://testserver", raise_server_exceptions=False) as opened:
        yield opened


def _check(body: dict[str, object], request_id: str) -> None:
    assert set(body) == {"error"}
    error = body["error"]
    assert isinstance(error, dict)
    assert set(error) == {"code", "message", "detail", "request_id"}
    assert isinstance(error["code"], str)
    assert isinstance(error["message"], str)
    assert isinstance(error["detail"], dict)
    assert error["request_id"] == request_id


def test_every_endpoint_keeps_the_shape(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    seen = 0
    for path, methods in paths.items():
        address = re.sub(r"{[^}]+}", "does-not-exist", path)
        for method in methods:
            answer = client.request(method, address, json={"no such field": 1} if method in {"post", "put"} else None)
            assert answer.status_code < 500, f"{method} {path} {answer.text}"
            if answer.status_code >= 400:
                assert not INSIDE.search(answer.text), f"{method} {path} {answer.text}"
                seen += 1
                _check(answer.json(), answer.headers["x-request-id"])
    assert seen > 20


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/datasets/unknown", "/api/v1/datasets/unknown/rows"])
def test_unknown_addresses_keep_the_shape(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    _check(answer.json(), answer.headers["x-request-id"])


def test_a_wrong_method_keeps_the_shape(client: TestClient) -> None:
    answer = client.delete("/health")
    assert answer.status_code == 405
    _check(answer.json(), answer.headers["x-request-id"])


def test_every_operation_describes_itself_and_its_errors(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in description["components"]["schemas"]
    shape = description["components"]["schemas"]["ErrorBody"]
    assert set(shape["required"]) == {"code", "message", "detail", "request_id"}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            summary = operation["summary"]
            assert len(summary.split()) >= 2, f"{method} {path} says only “{summary}”"
            assert operation["tags"], f"{method} {path} belongs to nothing"
            told = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert told == {"$ref": "#/components/schemas/ErrorAnswer"}


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("text/plain", b'{"name": "x", "password": "y"}', 415, "unsupported_media_type"),
        ("application/json", b'{"name": ', 422, "bad_json"),
        ("application/json", b"[]", 422, "invalid_input"),
        ("application/json", b" " * (9 << 20), 413, "too_large"),
    ],
)
def test_bodies_that_cannot_be_read_keep_the_shape(
    client: TestClient, kind: str, body: bytes, status: int, code: str
) -> None:
    answer = client.post("/api/v1/session", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    _check(answer.json(), answer.headers["x-request-id"])
    assert answer.json()["error"]["code"] == code


def test_an_unexpected_failure_says_nothing_of_the_inside(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from beijiang.guard import Health

    def broken(_self: Health) -> bool:
        message = "SELECT secret FROM /home/planted.py"
        raise RuntimeError(message)

    monkeypatch.setattr(Health, "alive", broken)
    answer = client.get("/health")
    assert answer.status_code == 500
    _check(answer.json(), answer.headers["x-request-id"])
    assert not INSIDE.search(answer.text)
