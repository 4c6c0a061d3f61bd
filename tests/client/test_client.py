"""The Python client against a running server: the page's samples, both clients, and what it does when things go wrong."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from interop_region import ID, ROWS, TABLE, Region, firms

from beijiang.client import (
    ApiError,
    ApiTrouble,
    AsyncClient,
    Client,
    Denied,
    InvalidRequest,
    NotFound,
    NotSignedIn,
    ServerFailed,
    Throttled,
    Unreachable,
)
from beijiang.client.plans import Options

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-python-client.md"
NAMES = [row["企业名称"] for row in firms(ROWS)]


def test_the_samples_of_the_page_run(region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {
        "url": region.base, "key": region.key("consumer"), "dataset_id": region.open_id, "folder": tmp_path
    }  # fmt: skip
    samples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(samples) == 3
    for sample in samples:
        exec(compile(sample, "page", "exec"), names)  # noqa: S102 - our own page
    told = capsys.readouterr().out
    assert "table_not_found" in told
    assert (names["table"].num_rows, names["table"].column_names) == (ROWS, ["盟市", "注册资本"])
    assert len((tmp_path / "firms.csv").read_text(encoding="utf-8").splitlines()) == ROWS + 1
    assert sorted(names["counted"].rows) == sorted([("包头市", 10), ("呼和浩特市", 10), ("赤峰市", 10)])
    assert "supervision" in told
    assert names["proof"]


def test_both_clients_walk_the_same_rows(region: Region) -> None:
    with Client(region.base) as client:
        rows = client.rows(region.open_id, size=70)
        assert [row["企业名称"] for row in rows] == NAMES
        assert [len(page.rows) for page in rows.pages()] == [70, 70, 70, 70, 20]
        assert len(rows.to_pandas()) == rows.to_polars().height == rows.to_arrow().num_rows == ROWS

    async def go() -> list[str]:
        async with AsyncClient(region.base) as other:
            assert (await other.search("名录")).total == 1
            return [row["企业名称"] async for row in other.rows(region.open_id, size=70)]

    assert asyncio.run(go()) == NAMES


def test_the_other_client_downloads_and_asks_too(region: Region, tmp_path: Path) -> None:
    async def go() -> Any:
        async with AsyncClient(region.base, region.key("consumer")) as client:
            sizes: list[int] = []
            file = await client.download(region.open_id, tmp_path / "a.json", format="json", progress=sizes.append)
            assert sizes[-1] == file.stat().st_size
            masked = [row[ID] async for row in client.granted_rows(TABLE)]
            assert all("*" in value for value in masked)
            return (await client.sql(f'SELECT count(*) AS n FROM "{TABLE}"')).records(), await client.grants()

    counted, grants = asyncio.run(go())
    assert counted == [{"n": 30}]
    assert [grant.table for grant in grants] == [TABLE]


def test_errors_are_told_apart(region: Region, tmp_path: Path) -> None:
    with Client(region.base, options=Options(language="en")) as client:
        with pytest.raises(NotFound) as no:
            client.dataset("res_none")
        assert (no.value.status, bool(no.value.request_id)) == (404, True)
        assert no.value.message.isascii()
        with pytest.raises(InvalidRequest, match="unknown_column"):
            list(client.rows(region.open_id, columns=["没有"]))
        with pytest.raises(NotSignedIn):
            client.sql("SELECT 1")
        with pytest.raises(NotFound):
            client.download("res_none", tmp_path / "none.csv")
        assert list(tmp_path.iterdir()) == []
    with Client(region.base, "bj_none") as client, pytest.raises(NotSignedIn):
        client.search()
    assert issubclass(Denied, ApiError)
    assert issubclass(Unreachable, ApiTrouble)


@contextmanager
def scripted(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve the answers one after the other, the last one for ever."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


EMPTY = b'{"total": 0, "page": 1, "pages": 1, "hits": []}'
LATER = {"Retry-After": "0"}


def test_it_asks_again_when_told_later() -> None:
    with scripted((503, LATER, b""), (429, LATER, b"{}"), (200, {}, EMPTY)) as (url, asked), Client(url) as client:
        assert client.search().total == 0
        assert len(asked) == 3


def test_it_gives_up_in_the_end() -> None:
    with scripted((429, LATER, b"{}")) as (url, asked), Client(url, options=Options(retries=2)) as client:
        with pytest.raises(Throttled):
            client.search()
        assert len(asked) == 3
    never = Options(retries=0)
    with (
        scripted((502, LATER, b"<html>")) as (url, _),
        Client(url, options=never) as client,
        pytest.raises(ServerFailed, match="http_error"),
    ):
        client.search()


def test_nobody_there_and_a_file_that_breaks_off(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9", options=Options(retries=0)) as client, pytest.raises(Unreachable):
        client.search()
    with (
        scripted((200, {"Content-Length": "100"}, b"half")) as (url, _),
        Client(url) as client,
        pytest.raises(Unreachable),
    ):
        client.download("x", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_client_is_light() -> None:
    heavy = "('pandas', 'polars', 'pyarrow', 'fastapi', 'sqlalchemy', 'duckdb', 'pydantic')"
    program = f"import sys, beijiang.client; assert not [m for m in sys.modules if m.split('.')[0] in {heavy}]"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
