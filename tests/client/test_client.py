"""The Python client against a running server: the page's samples, both clients, and what it does when things go wrong."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
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
from scripted import scripted

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
        scripted((200, {"Content-Length": "100", "Content-Disposition": "attachment"}, b"half")) as (url, _),
        Client(url) as client,
        pytest.raises(Unreachable),
    ):
        client.download("x", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


OURS = b'{"error": {"code": "busy", "message": "later", "detail": {}, "request_id": "r"}}'
ORDER = ("POST", "/api/v1/exchange/requests")


@pytest.mark.parametrize("answer", [(502, LATER, b"<html>"), (503, LATER, b"<html>"), (504, {}, OURS), (503, {}, OURS)])
def test_what_may_have_been_done_is_not_sent_again(answer: tuple[int, dict[str, str], bytes]) -> None:
    with scripted(answer, (200, {}, b"{}")) as (url, asked), Client(url) as client:
        with pytest.raises(ServerFailed):
            client.call(*ORDER, body={})
        assert len(asked) == 1


@pytest.mark.parametrize("answer", [(429, LATER, b"<html>"), (503, LATER, OURS)])
def test_what_was_surely_not_done_is_sent_again(answer: tuple[int, dict[str, str], bytes]) -> None:
    with scripted(answer, (200, {}, b"{}")) as (url, asked), Client(url) as client:
        assert client.call(*ORDER, body={}) == {}
        assert len(asked) == 2


MOVED = {"Location": "https://elsewhere.example/"}


@pytest.mark.parametrize("answer", [(302, MOVED, b""), (302, MOVED, b"<html>"), (200, {}, b"<html>")])
def test_what_is_no_answer_of_the_platform_is_an_error(
    answer: tuple[int, dict[str, str], bytes], tmp_path: Path
) -> None:
    small = tmp_path / "small.csv"
    small.write_text("a", encoding="utf-8")
    with scripted(answer) as (url, _), Client(url) as client:
        for ask in (
            lambda: client.call("GET", "/api/v1/session"),
            client.search,
            lambda: client.send("/api/v1/ingest/files", small),
            lambda: client.hand_in("/api/v1/apps", "a.zip", b"a"),
        ):
            with pytest.raises(ApiError, match="check the address") as no:
                ask()
            assert (no.value.status, no.value.is_ours) == (answer[0], False)


@pytest.mark.parametrize(
    "answer", [(302, MOVED, b""), (200, {"Content-Type": "text/html"}, b"<html>"), (200, {}, b"a,b")]
)
def test_what_is_no_file_of_the_platform_leaves_the_file_that_was_there(
    answer: tuple[int, dict[str, str], bytes], tmp_path: Path
) -> None:
    file = tmp_path / "good.csv"
    file.write_text("good", encoding="utf-8")

    async def other(url: str) -> None:
        async with AsyncClient(url) as client:
            await client.download("x", file)

    with scripted(answer) as (url, _), Client(url) as client:
        with pytest.raises(ApiError, match=str(answer[0])) as no:
            client.download("x", file)
        assert not no.value.is_ours
        with pytest.raises(ApiError, match=str(answer[0])):
            asyncio.run(other(url))
    assert [(path, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(file, "good")]


def test_no_proxy_is_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key goes to this machine without encryption, so nobody may stand between."""
    with scripted((200, {}, EMPTY)) as (url, asked), scripted((200, {}, EMPTY)) as (proxy, seen):
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        with Client(url, "bj_secret") as client:
            assert client.search().total == 0

        async def other() -> int:
            async with AsyncClient(url, "bj_secret") as client:
                return (await client.search()).total

        assert asyncio.run(other()) == 0
        with Client("http://data.invalid") as client:
            client.search()
        assert (len(asked), seen) == (2, ["http://data.invalid/api/v1/datasets?q=&page=1&size=20"])


def test_the_client_is_light() -> None:
    heavy = "('pandas', 'polars', 'pyarrow', 'fastapi', 'sqlalchemy', 'duckdb', 'pydantic')"
    program = f"import sys, beijiang.client; assert not [m for m in sys.modules if m.split('.')[0] in {heavy}]"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
