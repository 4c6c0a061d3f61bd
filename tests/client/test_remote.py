"""``beijiang remote`` from a machine without a home, against a running server: the same words, tables, JSON and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exchange_bureau import OWNER
from interop_region import HIDDEN, ID, OPEN, ROWS, TABLE, Region

from beijiang.access import KeyDraft, Permission
from beijiang.apps import starter
from beijiang.catalog import OpenType
from beijiang.client import AsyncClient
from beijiang.remote.servers import Server, Servers
from nursery import run as run_program
from ports import own_port
from scripted import scripted

FILE = "编号,名称,金额\n" + "".join(f"A{i},甲{i},{i}.50\n" for i in range(60)) + "A90,坏,abc\n"


@dataclass
class Far:
    """A machine that has no home and speaks to the region by a key."""

    folder: Path
    region: Region

    @property
    def servers(self) -> Path:
        return self.folder / "config" / "servers.json"

    def __call__(self, *words: str, **environment: str) -> tuple[int, str, str]:
        """Run a command; return its exit status and what it said."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BEIJIANG_")}
        env = {
            **kept,
            "HOME": str(self.folder),
            "BEIJIANG_HOME": str(self.folder / "none"),
            "BEIJIANG_REMOTE_FILE": str(self.servers),
            **environment,
        }
        done = run_program([sys.executable, "-m", "beijiang.cli", *words], env=env, cwd=self.folder)
        assert "Traceback" not in done.stderr, done.stderr
        assert not (self.folder / "none").exists()
        return done.returncode, done.stdout, done.stderr

    def told(self, *words: str) -> Any:
        """Run a command that ends well, and return its JSON."""
        code, out, err = self("--json", "remote", *words)
        assert code == 0, (out, err)
        return json.loads(out)

    def refused(self, *words: str) -> Any:
        """Run a command that does not, and return the error."""
        code, out, _ = self("--json", "remote", *words)
        assert code == 1, out
        return json.loads(out)["error"]

    def sign_on(self, login: str, name: str = "") -> str:
        """Sign on as somebody with all that a key may have; return the key."""
        every = frozenset(str(one) for one in Permission if not one.startswith(("access:", "apps:client:")))
        draft = KeyDraft(name=login, scopes=every, days=1)
        _, key = self.region.bureau.platform.access.issue_key(self.region.bureau[login], draft)
        held = self.folder / "key"
        held.write_text(f"{key}\n", encoding="utf-8")
        self.told("login", self.region.base, "--name", name or login, "--key-file", str(held))
        held.unlink()
        return key


@pytest.fixture
def far(region: Region, tmp_path: Path) -> Far:
    return Far(tmp_path, region)


@pytest.fixture(scope="module")
def working(region: Region) -> Region:
    region.bureau.platform.jobs.start_worker()
    return region


def test_a_key_is_kept_for_its_owner_alone_and_shown_nowhere(far: Far) -> None:
    key = far.sign_on("consumer", "first")
    assert stat.S_IMODE(far.servers.stat().st_mode) == 0o600
    far.sign_on("steward", "second")
    assert stat.S_IMODE(far.servers.stat().st_mode) == 0o600
    assert [path.name for path in far.servers.parent.iterdir()] == [far.servers.name]
    code, out, err = far("remote", "servers")
    assert (code, key in out + err, "first" in out) == (0, False, True)
    assert far.told("whoami")["name"] == "steward"
    assert far.told("--server", "first", "whoami")["name"] == "consumer"
    assert far("remote", "use", "first")[0] == 0
    who = far.told("whoami")
    assert who["name"] == "consumer"
    assert who["scopes"]
    assert far("remote", "logout", "first")[0] == 0
    assert key not in far.servers.read_text(encoding="utf-8")
    assert far.refused("whoami")["code"] == "no_server"


def test_a_key_is_refused_where_it_is_wrong_or_could_be_read_by_others(far: Far) -> None:
    held = far.folder / "key"
    held.write_text("bj_wrong", encoding="utf-8")
    error = far.refused("login", far.region.base, "--key-file", str(held))
    assert "remote login" in error["message"]
    assert error["detail"]["status"] == 401
    assert far.refused("login", "http://data.example.org", "--key-file", str(held))["code"] == "remote_plain"
    assert far.refused("login", "data.example.org", "--key-file", str(held))["code"] == "remote_address"
    held.write_text("two words", encoding="utf-8")
    assert far.refused("login", far.region.base, "--key-file", str(held))["code"] == "key_unreadable"
    assert not far.servers.exists()


def test_a_program_names_server_and_key_by_its_environment(far: Far) -> None:
    env = {"BEIJIANG_REMOTE_URL": far.region.base, "BEIJIANG_REMOTE_KEY": far.region.key("consumer")}
    code, out, _ = far("--json", "remote", "whoami", **env)
    assert (code, json.loads(out)["name"]) == (0, "consumer")
    code, out, _ = far("--json", "remote", "rows", far.region.open_id, BEIJIANG_REMOTE_URL=far.region.base)
    assert (code, len(json.loads(out))) == (0, 50)
    assert not far.servers.exists()
    held = f"http://127.0.0.1:{own_port()}"
    code, out, _ = far("--json", "remote", "requests", BEIJIANG_REMOTE_URL=held)
    assert (code, json.loads(out)["error"]["code"]) == (1, "server_unreachable")


def test_what_is_found_is_shown_as_at_home(far: Far) -> None:
    far.sign_on("consumer")
    found = far.told("search", OPEN)
    assert [hit["id"] for hit in found["hits"]] == [far.region.open_id]
    code, out, err = far("--lang", "en", "remote", "search", OPEN)
    assert (code, "1 found" in err, far.region.open_id in out, "provider" in out) == (0, True, True, True)
    assert far.told("search", HIDDEN)["hits"] == []
    assert far.told("show", far.region.open_id)["title"] == OPEN
    assert far.refused("show", "res_none")["detail"]["status"] == 404
    code, out, _ = far("remote", "show", far.region.open_id)
    assert (code, "注册资本" in out) == (0, True)
    far.sign_on("steward")
    entry = far.told("show", far.region.open_id)
    assert (entry["entry"]["name"], [gap for gap in entry["missing"] if gap["blocking"]]) == (OPEN, [])
    code, out, _ = far("remote", "show", far.region.open_id)
    assert (code, "注册资本" in out, OPEN in out) == (0, True, True)


def test_rows_sql_and_files_come_masked_and_counted(far: Far) -> None:
    far.sign_on("consumer")
    rows = far.told(
        "rows",
        far.region.open_id,
        "--where",
        "盟市=包头市",
        "--sort",
        "-注册资本",
        "--column",
        "企业名称",
        "--limit",
        "7",
    )
    assert [list(row) for row in rows] == [["企业名称"]] * 7
    granted = far.told("rows", TABLE, "--limit", "5")
    assert len(granted) == 5
    assert all("*" in row[ID] for row in granted)
    counted = far.told("sql", f'SELECT count(*) AS n FROM "{TABLE}"')
    assert counted == [{"n": 30}]
    file = far.folder / "公开.csv"
    assert far.told("download", far.region.open_id, "--out", str(file))["bytes"] == file.stat().st_size
    assert len(file.read_text(encoding="utf-8").splitlines()) == ROWS + 1
    code, _, err = far("remote", "download", far.region.open_id, "--out", str(far.folder / "公开.exe"))
    assert (code, "HTTP 4" in err) == (1, True)
    assert not (far.folder / "公开.exe").exists()


def test_a_refusal_comes_in_the_server_s_words_in_either_language(far: Far) -> None:
    far.sign_on("consumer")
    error = far.refused("rows", HIDDEN)
    assert error["code"] == "table_not_found"
    assert error["detail"]["status"] == 404
    code, out, zh = far("remote", "rows", HIDDEN)
    assert (code, out, "table_not_found, HTTP 404" in zh) == (1, "", True)
    code, _, en = far("--lang", "en", "remote", "rows", HIDDEN)
    assert (code, zh != en, "table_not_found, HTTP 404" in en) == (1, True, True)
    assert far("remote", "rows", TABLE, "--where", "无等号")[0] == 1
    assert far("remote", "rows")[0] == 2


def test_a_file_is_handed_in_and_its_bad_rows_come_back(far: Far, working: Region) -> None:
    del working
    far.sign_on("steward")
    file = far.folder / "登记.csv"
    file.write_text(FILE, encoding="gb18030")
    words = ("ingest", str(file), "--into", "远程登记", "--key", "编号")
    run = far.told(*words)
    assert (run["state"], run["report"]["good"], run["report"]["bad"]) == ("committed", 60, 1)
    assert far.told("run", run["id"])["report"] == run["report"]
    assert run["id"] in [one["id"] for one in far.told("runs", "--table", "远程登记")]
    page = far.told("quarantine", "远程登记")
    assert [(row["line"], row["reason"], row["cells"]) for row in page["rows"]] == [
        (62, "untypable", ["A90", "坏", "abc"])
    ]
    code, out, err = far("remote", "quarantine", run["id"])
    assert (code, "untypable" in out, "A90 | 坏 | abc" in out, "untypable 1" in err) == (0, True, True, True)
    book = far.folder / "退回.xlsx"
    assert far.told("quarantine", run["id"], "--out", str(book))["run_id"] == run["id"]
    assert openpyxl.load_workbook(book).active is not None
    code, _, err = far("remote", *words, "--check", "没有的列=citizen_id")
    assert code == 1
    assert err.strip()
    far.sign_on("consumer")
    assert far.refused("run", run["id"])["detail"]["status"] in {403, 404}


def test_the_other_client_hands_in_and_saves_too(far: Far) -> None:
    key = far.sign_on("steward")
    file, sheet, told = far.folder / "a.csv", far.folder / "目录.csv", []
    file.write_text(FILE, encoding="utf-8")

    async def go() -> tuple[Any, Any, Any]:
        async with AsyncClient(far.region.base, key) as client:
            who = await client.call("GET", "/api/v1/session")
            landed = await client.send(
                "/api/v1/ingest/files", file, query=[("name", "a.csv"), ("org", OWNER)], progress=told.append
            )
            await client.save("/api/v1/catalog/directory.csv", sheet)
            directory = "/api/v1/catalog/directory"
            return who, landed, await client.hand_in(directory, "a.csv", sheet.read_bytes(), query=[("check", "true")])

    who, landed, taken = asyncio.run(go())
    assert who["actor"]["name"] == "steward"
    assert landed["bytes"] == told[-1] == file.stat().st_size
    assert (taken["faults"], taken["done"]) == ([], False)


def test_a_request_is_made_and_followed(far: Far) -> None:
    far.sign_on("colleague")
    words = (
        "ask", far.region.bureau.resource.id, "--item", "企业名称", "--item", f"{ID}", "--purpose", "supervision",
        "--use", "与医疗机构名单比对，核查超范围经营", "--basis", "医疗机构管理条例第四十条", "--impact", "评2026-07",
    )  # fmt: skip
    [made] = far.told(*words)
    assert made["state"] not in {"draft", "refused"}
    assert made["id"] in [one["id"] for one in far.told("requests")]
    seen = far.told("request", made["id"])
    assert [step["move"] for step in seen["steps"]][-1] == "submit"
    code, out, _ = far("--lang", "en", "remote", "request", made["id"])
    assert (code, made["id"] in out, "consumer" in out) == (0, True, True)
    wrong = far.folder / "wrong.json"
    wrong.write_text("{}", encoding="utf-8")
    code, out, err = far("remote", "api", "POST", "exchange/requests", "--data", str(wrong))
    assert (code, out, "invalid_input, HTTP 422" in err, "body.resource_id: " in err) == (1, "", True, True)
    far.sign_on("reviewer")
    assert made["id"] in [one["id"] for one in far.told("requests", "--waiting")]
    order = far.folder / "less.json"
    order.write_text(json.dumps({"words": "同意", "revision": seen["revision"]}), encoding="utf-8")
    moved = far.told("api", "POST", f"exchange/requests/{made['id']}/approve", "--data", str(order))
    assert moved["id"] == made["id"]
    assert far.refused("api", "GET", "exchange/requests/req_none")["detail"]["status"] == 404
    assert far("remote", "api", "GET", "https://elsewhere.example/api")[0] == 1


def test_the_directory_goes_out_and_comes_in(far: Far) -> None:
    far.sign_on("steward")
    sheet = far.folder / "目录.csv"
    code, _, err = far("remote", "catalog", "export", str(sheet))
    assert (code, str(sheet) in err) == (0, True)
    assert OPEN in sheet.read_text(encoding="utf-8-sig")
    same = far.told("catalog", "import", str(sheet), "--check")
    assert (same["added"], same["changed"], same["faults"], same["done"]) == ([], [], [], False)
    text = sheet.read_text(encoding="utf-8-sig")
    sheet.write_text(text.replace(OpenType.UNCONDITIONAL.text.zh, "随便开放"), encoding="utf-8")
    code, out, err = far("remote", "catalog", "import", str(sheet))
    assert (code, "没有保存" in err, "随便开放" in out) == (1, True, True)


def test_an_application_is_checked_and_handed_in(far: Far) -> None:
    far.sign_on("steward")
    folder = far.folder / "firm-counts"
    for name, text in starter(folder.name, OWNER, OPEN).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    checked = far.told("app", "check", str(folder))
    assert checked["faults"] == []
    assert all(one["good"] for one in checked["checks"])
    assert far.told("app", "submit", str(folder))["version"]["number"] == 1
    assert [one["id"] for one in far.told("app", "list")] == ["firm-counts"]
    assert [one["number"] for one in far.told("app", "show", "firm-counts")] == [1]
    error = far.refused("app", "review", "firm-counts", "1", "--approve", "--note", "自己批")
    assert error["detail"]["status"] == 403
    far.sign_on("reviewer")
    assert far.told("app", "review", "firm-counts", "1", "--approve", "--note", "可以")["state"] == "approved"
    far.sign_on("publisher")
    assert far.told("app", "release", "firm-counts", "1", "--to", "public")["version"] == 1
    code, out, _ = far("remote", "app", "list")
    assert (code, "firm-counts" in out) == (0, True)
    far.sign_on("steward")
    next(iter(folder.rglob("*.sql"))).write_text("SELEC nothing", encoding="utf-8")
    code, out, err = far("remote", "app", "check", str(folder))
    assert (code, ".sql" in out + err) == (1, True), out + err


def test_only_what_is_kept_is_forgotten_or_chosen(far: Far) -> None:
    key = far.sign_on("consumer", "first")
    gone = {"BEIJIANG_REMOTE_URL": "https://ci.example"}
    assert far.refused("logout", "https://typo.example")["code"] == "no_server"
    assert far.refused("use", "https://typo.example")["code"] == "no_server"
    assert key in far.servers.read_text(encoding="utf-8")
    assert far.told("--server", f"{far.region.base}/", "whoami")["name"] == "consumer"
    assert far("remote", "use", f"{far.region.base}/")[0] == 0
    code, _, err = far("remote", "logout", **gone)
    assert (code, "first" in err) == (0, True)
    assert key not in far.servers.read_text(encoding="utf-8")
    assert far("remote", "logout", **gone)[0] == 1
    far.sign_on("consumer", "first")
    assert far("remote", "logout", f"{far.region.base}/")[0] == 0
    assert far.told("servers") == []


def test_two_sign_ons_at_once_keep_both_keys(tmp_path: Path) -> None:
    environment = {"BEIJIANG_REMOTE_FILE": str(tmp_path / "servers.json")}
    names = [f"s{n}" for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Servers(environment).keep(Server(name, f"https://{name}.example")), names))
    assert sorted(one.name for one in Servers(environment).all()[0]) == sorted(names)


@pytest.mark.parametrize(
    "answer", [(302, {"Location": "https://x.example"}, b""), (200, {}, b"<html>"), (200, {}, b"{}"), (200, {}, b"")]
)
def test_another_program_is_told_from_the_platform(far: Far, answer: tuple[int, dict[str, str], bytes]) -> None:
    with scripted(answer) as (url, _):
        code, out, _ = far("--json", "remote", "whoami", BEIJIANG_REMOTE_URL=url)
        error = json.loads(out)["error"]
        assert (code, error["code"], error["detail"]["status"]) == (1, "http_error", answer[0])
        assert "地址" in error["message"]
        file = far.folder / "登录页.csv"
        code, out, _ = far("--json", "remote", "download", "res_x", "--out", str(file), BEIJIANG_REMOTE_URL=url)
        assert (code, json.loads(out)["error"]["code"], file.exists()) == (1, "http_error", False)


def test_no_word_of_a_server_steers_the_terminal(far: Far) -> None:
    steer = "\x1b]0;x\x07\x9b2J"
    refusal = {"code": f"no{steer}", "message": f"No {steer}", "request_id": steer}
    refusal["detail"] = {"fields": [{"field": steer, "problem": steer}]}  # type: ignore[assignment]
    body = json.dumps({"error": refusal}).encode()
    with scripted((422, {}, body)) as (url, _):
        for words in (["remote"], ["--json", "remote"]):
            code, out, err = far(*words, "whoami", BEIJIANG_REMOTE_URL=url)
            assert code == 1
            assert "No " in out + err
            assert not {"\x1b", "\x07", "\x9b"} & set(out + err)
    who = json.dumps({"actor": {"name": steer, "org_id": "o", "roles": [steer], "scopes": []}}).encode()
    with scripted((200, {}, who)) as (url, _):
        for words in (["remote", "whoami"], ["--json", "remote", "whoami"], ["remote", "api", "GET", "session"]):
            code, out, err = far(*words, BEIJIANG_REMOTE_URL=url)
            assert (code, {"\x1b", "\x07", "\x9b"} & set(out + err)) == (0, set())


def test_a_request_that_is_not_handed_in_is_named(far: Far) -> None:
    made = (201, {}, b'{"id": "req_kept"}')
    with scripted(made, (422, {}, b'{"error": {"code": "no_basis", "message": "no"}}')) as (url, _):
        words = ("ask", "res_x", "--item", "a", "--purpose", "p", "--use", "u")
        code, _, err = far("remote", *words, BEIJIANG_REMOTE_URL=url)
    assert (code, "req_kept" in err, "no_basis" in err) == (1, True, True)
