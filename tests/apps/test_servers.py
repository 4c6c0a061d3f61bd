"""Servers that bundles bring along: reviewed like the rest, walled in, begun on demand, and what attacks and faults meet."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hosting import FIRMS, bundle, released, renamed
from oidc import Served
from typer.testing import CliRunner

from beijiang.access import KeyDraft, Permission
from beijiang.apps import AudienceKind, ServerState, VersionState
from beijiang.apps.commands import commands
from beijiang.apps.store import ServerStore
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound
from waiting import until

READER = '''
async def firms(desk):
    """Count firms as whoever looks."""
    async with desk.waiting_client() as client:
        found = await client.sql("SELECT count(*) AS n FROM \\"TABLE\\"")
        return found.rows[0][0]
'''.replace("TABLE", FIRMS)
MAIN = """
import asyncio
import fcntl
import json
import os
import resource
import socket
import struct
import subprocess
import sys
from pathlib import Path

from reading import firms

HOME = "HOME_FOLDER"


def tried(attempt):
    try:
        return repr(attempt())[:200]
    except BaseException as error:
        return type(error).__name__


def attacks():
    return {
        "env": sorted(os.environ),
        "home": tried(lambda: os.listdir(HOME)),
        "database": tried(lambda: open(HOME + "/metadata.db", "rb").read(8)),
        "keys": tried(lambda: open(HOME + ".keys", "rb").read(8)),
        "parent": tried(lambda: open(f"/proc/{os.getppid()}/environ", "rb").read(8)),
        "passwd": tried(lambda: open("/etc/passwd").read(8)),
        "code": tried(lambda: open(Path(__file__), "a")),
        "fork": tried(os.fork),
        "program": tried(lambda: subprocess.run([sys.executable, "-V"])),
        "network": tried(lambda: socket.create_connection(("127.0.0.1", 22), 1)),
        "datagrams": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "signal": tried(lambda: os.kill(os.getppid(), 0)),
        "limits": tried(lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)),
        "owner": tried(lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())),
        "owner_ex": tried(lambda: fcntl.fcntl(0, 15, struct.pack("ii", 1, os.getppid()))),
        "owner_io": tried(lambda: fcntl.ioctl(socket.socket(socket.AF_UNIX), 0x8901, struct.pack("i", os.getppid()))),
        "which_signal": tried(lambda: fcntl.fcntl(0, fcntl.F_SETSIG, 9)),
        "priority": tried(lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 0)),
        "processors": tried(lambda: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))),
        "scheduler": tried(lambda: os.sched_setscheduler(os.getppid(), os.SCHED_OTHER, os.sched_param(0))),
        "own_limits": tried(lambda: resource.getrlimit(resource.RLIMIT_NOFILE)),
        "memory": tried(lambda: len(bytearray(8 << 30))),
        "large": tried(lambda: Path("work/large").write_bytes(b"x" * (64 << 20))),
        "files": tried(lambda: [open("/dev/null") for _ in range(500)]),
        "own": tried(lambda: Path("work/mine").write_text("mine")),
        "platform": tried(lambda: __import__("beijiang.settings")),
    }


async def answer(send, status, body, *heads):
    heads = [(b"content-length", str(len(body)).encode()), *heads]
    await send({"type": "http.response.start", "status": status, "headers": heads})
    await send({"type": "http.response.body", "body": body})


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path, desk = scope["path"].removeprefix(scope["root_path"]), scope["beijiang"]
    if path == "/firms":
        await answer(send, 200, json.dumps({"n": await firms(desk), "viewer": desk.viewer}).encode())
    elif path == "/attacks":
        await answer(send, 200, json.dumps(attacks()).encode())
    elif path == "/heads":
        heads = {name.decode(): value.decode() for name, value in scope["headers"]}
        told = [(b"set-cookie", b"__Host-beijiang-session=x"), (b"content-security-policy", b"default-src *"), (b"location", b"/next")]
        await answer(send, 201, json.dumps(heads).encode(), *told)
    elif path == "/packed":
        import gzip
        body = gzip.compress(b"word " * 1000)
        length = (b"content-length", str(len(body)).encode())
        await answer(send, 200, body, (b"content-encoding", b"gzip"), length)
    elif path == "/die":
        print("going down", flush=True)
        os._exit(7)
    elif path == "/hang":
        await asyncio.sleep(3600)
    elif path == "/busy":
        while True:
            pass
    elif path == "/half":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        os._exit(8)
    elif path == "/whose":
        await answer(send, 200, str(os.getpid()).encode())
    else:
        print("asked for", path, flush=True)
        await answer(send, 200, "<p>VERSION</p>".encode(), (b"content-type", b"text/html"))
"""
APP = "with-server"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(
        tmp_path_factory.mktemp("servers"), server_seconds=60.0, server_idle_seconds=5, server_cpu_seconds=20
    )
    opened.platform.jobs.start_worker()
    from asking import firm

    opened.office.write([firm(n) for n in range(60)])
    opened.office.publish()
    released(opened.office, files(opened), AudienceKind.DEPARTMENTS, "education", "health")
    yield opened
    opened.close()


def files(served: Served, version: str = "1.0.0", app_id: str = APP, main: str = "") -> dict[str, str]:
    text = MAIN.replace("HOME_FOLDER", str(served.platform.settings.home)).replace("VERSION", version)
    found = renamed(bundle(server__main_py=main or text, server__reading_py=READER), app_id)
    return {**found, "app.toml": found["app.toml"].replace('version = "1.0.0"', f'version = "{version}"')}


def ask(served: Served, path: str, login: str = "first", app_id: str = APP) -> Any:
    """Open an address of the server as a browser does."""
    return served.reader(login).get(f"/apps/{app_id}/server/{path}")


def settled(served: Served, app_id: str = APP) -> None:
    """Let no pause stand between this test and the server's next beginning."""
    place = served.platform.app_servers._place(app_id)
    place.failures, place.wait_until = 0, 0.0


def test_it_reads_data_as_its_viewer_and_only_so(served: Served) -> None:
    first = ask(served, "firms")
    assert first.status_code == 200, first.text
    assert first.json()["n"] == 60
    assert first.json()["viewer"]["id"] == served.office["first"].id
    assert served.http.get(f"/apps/{APP}/server/").status_code in {303, 401, 404}
    assert served.reader("publisher").get(f"/apps/{APP}/server/").status_code == 404
    assert ask(served, "", app_id="made-up").status_code == 404


def test_what_it_is_told_and_answers_is_cleaned(served: Served) -> None:
    reader = served.reader("first")
    answer = reader.get(f"/apps/{APP}/server/heads")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert not {name for name in told if "cookie" in name or "authorization" in name or "beijiang" in name}
    assert reader.token not in answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["content-security-policy"]
    assert answer.headers["location"] == f"/apps/{APP}/server/next"
    assert reader.get(f"/apps/{APP}/server/%2e%2e/%2e%2e/console").status_code == 422


def test_an_answer_that_was_packed_arrives_whole(served: Served) -> None:
    answer = served.reader("first").get(f"/apps/{APP}/server/packed")
    assert answer.status_code == 200, answer.text
    assert answer.text == "word " * 1000
    assert "content-encoding" not in answer.headers


COUNTED = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        status = 500 if scope["path"].endswith("/bad") else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"x" * 1000})
"""


def test_its_requests_errors_time_and_bytes_are_counted_by_day(served: Served) -> None:
    name, steward = "counted-server", served.office["steward"]
    released(served.office, files(served, app_id=name, main=COUNTED), AudienceKind.DEPARTMENTS, "education", "health")
    assert [ask(served, path, app_id=name).status_code for path in ("", "good", "bad")] == [200, 200, 500]
    assert ask(served, "", "publisher", app_id=name).status_code == 404, "who may not open it does not count"
    apps = served.platform.apps
    until(lambda: sum(one.requests for one in apps.usage(steward, name)) == 3)  # noted once the last byte is out
    days = apps.usage(steward, name)
    assert {(one.version, one.opens) for one in days} == {
        (1, 0)
    }  # a midnight between two requests makes two days of it
    assert (sum(one.errors for one in days), sum(one.sent for one in days)) == (1, 3000)
    assert sum(one.served_seconds for one in days) > 0
    page = served.reader("steward").get(f"/console/apps/{name}").text
    assert "近 30 天自带服务的使用情况" in page
    assert "Its own server in the last 30 days" in served.reader("steward").get(f"/console/apps/{name}?lang=en").text
    told = served.reader("steward").call("GET", f"/api/v1/apps/{name}/usage").json()["days"]
    assert [sum(day[what] for day in told) for what in ("requests", "errors", "sent")] == [3, 1, 3000]


def test_attacks_from_within_meet_walls(served: Served) -> None:
    found = ask(served, "attacks")
    assert found.status_code == 200, found.text
    told = found.json()
    assert set(told["env"]) <= {"LC_CTYPE"}
    for name in (
        "home",
        "database",
        "keys",
        "parent",
        "passwd",
        "code",
        "fork",
        "program",
        "network",
        "datagrams",
        "signal",
        "limits",
        "owner",
        "owner_ex",
        "owner_io",
        "which_signal",
        "priority",
        "processors",
        "scheduler",
        "platform",
    ):
        assert told[name] == "PermissionError", (name, told[name])
    assert told["memory"] == "MemoryError"
    assert told["large"] in {"OSError", "FileTooLargeError"}, told["large"]
    assert told["files"] == "OSError"
    assert told["own"] == "4"
    assert told["own_limits"] == "(128, 128)"
    standing, _ = served.platform.app_servers.standing(served.office["steward"], APP)
    assert standing is not None
    assert standing.walls == ("files", "processes", "network")


def test_a_token_of_it_is_for_reading_and_ends_with_the_application(served: Served) -> None:
    app, _ = served.platform.apps.open(served.office["first"], APP)
    token = served.platform.app_servers.viewers.issue(app, served.office["first"])
    assert served.works(token)
    heads = {"Authorization": f"Bearer {token}"}
    assert served.http.get("/console", headers=heads).status_code in {303, 401, 403}
    assert (
        served.http.post("/api/v1/keys", headers=heads, json={"name": "x", "scopes": [], "days": 1}).status_code >= 400
    )
    served.platform.apps.switch(served.office["publisher"], APP, off=True, reason="停")
    try:
        assert not served.works(token)
        assert ask(served, "").status_code == 404
    finally:
        served.platform.apps.switch(served.office["publisher"], APP, off=False, reason="开")


def test_a_narrow_key_stays_narrow_behind_it_and_no_application_is_let_in(served: Served) -> None:
    def by_key(*scopes: str) -> dict[str, str]:
        draft = KeyDraft(name="脚本", scopes=frozenset(scopes), days=1)
        return {"Authorization": f"Bearer {served.platform.access.issue_key(served.office['first'], draft)[1]}"}

    def firms(heads: dict[str, str]) -> httpx.Response:
        return served.http.get(f"/apps/{APP}/server/firms", headers=heads)

    settled(served)
    opens = str(Permission.APPS_APP_OPEN)
    narrow = by_key(opens)
    assert served.http.post("/api/v1/sql", headers=narrow, json={"sql": "SELECT 1"}).status_code == 403
    assert served.http.get(f"/apps/{APP}/server/", headers=narrow).status_code == 200
    assert firms(narrow).status_code == 500, "the server is refused what the key is refused"
    reading = (str(Permission.PROTECTION_SQL_RUN), str(Permission.PROTECTION_ROWS_READ_SHARED))
    assert firms(by_key(opens, *reading)).json()["n"] == 60
    client, secret = served.client(scopes=frozenset({"openid", opens}))
    token = served.signed_on(client, secret, served.reader("first"), scope=f"openid {opens}")["access_token"]
    assert served.works(token)
    refused = firms({"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    assert "server_people_only" in refused.text


def test_it_begins_again_with_pauses_after_it_ended_by_itself(served: Served) -> None:
    settled(served)
    assert ask(served, "").status_code == 200
    died = ask(served, "die")
    assert died.status_code == 503
    assert "going down" not in died.text  # its words are for its department
    until(lambda: served.platform.app_servers.pid(APP) is None)
    waits = ask(served, "")
    assert waits.status_code == 503
    assert "server_waits" in waits.text
    standing, log = served.platform.app_servers.standing(served.office["steward"], APP)
    assert standing is not None
    assert standing.state is ServerState.WAITING
    assert standing.error == "going down"
    assert "asked for /" in log
    until(lambda: ask(served, "").status_code == 200)
    with pytest.raises(Exception, match=r"peer closed|incomplete|disconnected"):
        ask(served, "half")
    until(lambda: served.platform.app_servers.pid(APP) is None)
    settled(served)
    served.platform.app_servers.watch()
    settled(served)
    assert ask(served, "").status_code == 200


@pytest.mark.parametrize("many", [False, True])
def test_one_that_fills_its_folder_is_refused_at_the_next_request(served: Served, *, many: bool) -> None:
    settled(served)
    servers = served.platform.app_servers
    assert ask(served, "").status_code == 200
    filling = servers._folder / APP / "work" / "deep"
    filling.mkdir()
    if many:
        for number in range(10_001):
            (filling / str(number)).touch()
    else:
        with (filling / "large").open("wb") as large:
            large.truncate(65 << 20)
    try:
        for _ in range(2):
            refused = ask(served, "")
            assert refused.status_code == 503
            assert "server_full" in refused.text
            assert servers.pid(APP) is None
            standing, _ = servers.standing(served.office["steward"], APP)
            assert standing is not None
            assert (standing.state, "full" in standing.error) == (ServerState.STOPPED, True)
        _empty_it_by_hand(served, many=many)
        assert not filling.exists()
        assert not list((servers._folder / APP).glob("aside-*")), "nothing of it is kept"
    finally:
        shutil.rmtree(filling, ignore_errors=True)
    assert ask(served, "").status_code == 200
    standing, _ = servers.standing(served.office["steward"], APP)
    assert standing is not None
    assert standing.error == ""


def _empty_it_by_hand(served: Served, *, many: bool) -> None:
    """Whoever builds it empties its folder, by the API or the terminal; nobody else, and not without a reason."""
    steward, at = served.reader("steward"), f"/api/v1/apps/{APP}/server/clear"
    assert served.reader("first").call("POST", at, {"reason": "x"}).status_code == 404
    assert steward.call("POST", at, {"reason": " "}).status_code == 422
    if many:
        told = steward.call("POST", at, {"reason": "日志写满"}).json()
        assert (told["entries"] > 10_000, told["full"]) == (True, True)
    else:
        p = served.platform
        parts = (p.apps, p.app_jobs, p.access, p.app_servers)
        group = commands(*(lambda part=part: part for part in parts), serve=lambda *_: None)
        done = CliRunner().invoke(group, ["server-clear", APP, "--reason", "日志写满", "--as", "steward"])
        assert done.exit_code == 0, done.output
    query = EvidenceQuery(action="apps.server_clear", target=APP)
    newest = served.platform.evidence_reader.search(SYSTEM, query).records[0]
    assert (newest.detail["reason"], newest.detail["full"]) == ("日志写满", True)


def test_one_that_hangs_is_left_after_its_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(served)
    assert ask(served, "").status_code == 200, "it has begun"
    servers = served.platform.app_servers
    with monkeypatch.context() as hasty:
        hasty.setattr(servers, "_settings", servers._settings.model_copy(update={"server_seconds": 2.0}))
        assert ask(served, "hang").status_code == 503
    after = ask(served, "")
    assert after.status_code == 200, re.findall(r"<code>.*?</code>", after.text)


def test_it_is_stopped_when_idle_restarted_when_wanted_and_killed_by_others(served: Served) -> None:
    settled(served)
    servers = served.platform.app_servers
    one = ask(served, "whose").text
    assert ask(served, "whose").text == one
    served.platform.app_servers.restart(served.office["steward"], APP)
    other = ask(served, "whose").text
    assert other != one
    os.kill(int(other), signal.SIGKILL)
    until(lambda: servers.pid(APP) is None)
    servers.watch()
    settled(served)
    third = ask(served, "whose").text
    assert third not in {one, other}
    time.sleep(5.2)
    servers.watch()
    assert servers.pid(APP) is None
    standing, _ = servers.standing(served.office["steward"], APP)
    assert standing is not None
    assert standing.state is ServerState.STOPPED
    with pytest.raises(Denied):
        servers.restart(served.office["reviewer"], APP)
    with pytest.raises(NotFound):
        servers.restart(served.office["first"], APP)


def test_who_waited_for_the_turn_does_not_begin_a_fresh_server_anew(served: Served) -> None:
    """When a restart was wanted is a moment: it does not move while somebody waits."""
    settled(served)
    ask(served, "")
    servers = served.platform.app_servers
    servers.restart(served.office["steward"], APP)
    fresh, app_ = ask(served, "whose").text, served.platform.apps.open(served.office["first"], APP)[0]
    place, found = servers._place(APP), list[int]()
    asked = threading.Event()
    version = servers._version

    def looked(app: Any) -> Any:
        told = version(app)
        asked.set()
        return told

    with pytest.MonkeyPatch.context() as patch, place.turn:
        patch.setattr(servers, "_version", looked)
        waiting = threading.Thread(target=lambda: found.append(servers._running(app_, place).pid))
        waiting.start()
        assert asked.wait(90)
        time.sleep(1.5)
    waiting.join(90)
    assert found == [int(fresh)]


def test_a_changed_server_file_is_another_version_and_needs_review(served: Served) -> None:
    settled(served)
    apps = served.platform.apps
    assert "1.0.0" in ask(served, "").text
    _, version = apps.submit(served.office["steward"], files(served, "2.0.0"))
    assert version.state is VersionState.SUBMITTED
    assert "1.0.0" in ask(served, "").text
    apps.review(served.office["reviewer"], APP, version.number, approve=True, note="可以")
    apps.release(served.office["publisher"], APP, version.number, AudienceKind.DEPARTMENTS, ("education", "health"))
    assert "2.0.0" in ask(served, "").text


@pytest.mark.parametrize(
    ("main", "says"),
    [("def app(:\n", "no Python"), ("x = 1\n", "defines no app")],
)
def test_a_server_that_cannot_be_read_is_a_fault_with_file_and_line(served: Served, main: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        served.platform.apps.submit(served.office["steward"], files(served, "3.0.0", main=main))
    assert "server/main.py" in str(refused.value.detail) or says in str(refused.value.detail)


def test_console_api_and_terminal_show_state_log_and_restart(served: Served) -> None:
    settled(served)
    ask(served, "")
    steward = served.reader("steward")
    until(lambda: "asked for /" in served.platform.app_servers.standing(served.office["steward"], APP)[1])
    page = steward.get(f"/console/apps/{APP}").text
    assert "运行中" in page
    assert "asked for /" in page
    sent = steward.post(f"/console/apps/{APP}/server/restart", {"_csrf": steward.csrf}, Origin=served.address)
    assert sent.status_code == 303
    body = steward.call("GET", f"/api/v1/apps/{APP}/server").json()
    assert body["state"] == "running"
    assert body["restart_at"]
    assert set(body["walls"]) == {"files", "processes", "network"}
    assert steward.call("POST", f"/api/v1/apps/{APP}/server/restart").status_code == 200
    assert served.reader("first").call("GET", f"/api/v1/apps/{APP}/server").status_code == 404
    assert "server/" in served.reader("first").get(f"/apps/{APP}").text
    p = served.platform
    parts = (p.apps, p.app_jobs, p.access, p.app_servers)
    group = commands(*(lambda part=part: part for part in parts), serve=lambda *_: None)
    shown = CliRunner().invoke(group, ["server", APP, "--log", "--as", "steward"])
    assert shown.exit_code == 0, shown.output
    assert "asked for /" in shown.output
    assert CliRunner().invoke(group, ["server-restart", APP, "--as", "steward"]).exit_code == 0


def test_who_waited_for_the_turn_begins_no_server_that_was_stopped_meanwhile(served: Served) -> None:
    settled(served)
    ask(served, "")
    served.platform.app_servers.hold(served.office["steward"], APP, "查一处问题")
    served.platform.app_servers.let_run(served.office["steward"], APP)
    servers, told = served.platform.app_servers, list[str]()
    app_, place = served.platform.apps.open(served.office["first"], APP)[0], servers._place(APP)
    asked, version = threading.Event(), servers._version

    def looked(app: Any) -> Any:
        found = version(app)
        asked.set()
        return found

    def begin() -> None:
        try:
            servers._running(app_, place)
        except BeijiangError as error:
            told.append(error.reason)

    try:
        with pytest.MonkeyPatch.context() as patch, place.turn:
            patch.setattr(servers, "_version", looked)
            waiting = threading.Thread(target=begin)
            waiting.start()
            assert asked.wait(90)
            with served.platform.db.begin() as tx:
                ServerStore(tx.connection).hold(APP, served.platform.clock.now(), "elsewhere")
        waiting.join(90)
        assert told == ["server_held"]
        assert servers.pid(APP) is None
    finally:
        servers.let_run(served.office["steward"], APP)


def test_it_is_stopped_and_started_by_itself_by_whoever_looks_after_it(served: Served) -> None:
    settled(served)
    ask(served, "")
    servers, steward = served.platform.app_servers, served.reader("steward")
    assert servers.pid(APP) is not None
    for login, fault in (("reviewer", Denied), ("first", NotFound)):
        with pytest.raises(fault):
            servers.hold(served.office[login], APP, "x")
    with pytest.raises(Invalid):
        servers.hold(served.office["steward"], APP, "  ")
    with pytest.raises(Conflict):
        servers.let_run(served.office["steward"], APP)
    servers.hold(served.office["publisher"], APP, "查一处问题")
    try:
        assert servers.pid(APP) is None
        refused = served.reader("first").call("GET", f"/apps/{APP}/server/")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "server_held")
        assert "查一处问题" not in refused.text, "why is for its department"
        assert served.reader("first").get(f"/apps/{APP}/overview").status_code == 200, "its pages go on"
        for ask_again in (
            lambda: servers.restart(served.office["steward"], APP),
            lambda: servers.hold(served.office["steward"], APP, "x"),
        ):
            with pytest.raises(Conflict):
                ask_again()
        page = steward.get(f"/console/apps/{APP}").text
        assert "查一处问题" in page
        assert f"/console/apps/{APP}/server/start" in page
        body = steward.call("GET", f"/api/v1/apps/{APP}/server").json()
        assert (body["state"], body["held_reason"]) == ("held", "查一处问题")
        assert (
            steward.post(
                f"/console/apps/{APP}/server/start", {"_csrf": steward.csrf}, Origin=served.address
            ).status_code
            == 303
        )
        assert ask(served, "").status_code == 200
        sent = {"_csrf": steward.csrf, "reason": "再停"}
        assert steward.post(f"/console/apps/{APP}/server/stop", sent, Origin=served.address).status_code == 303
        assert ask(served, "").status_code == 503
        p = served.platform
        group = commands(
            *(lambda part=part: part for part in (p.apps, p.app_jobs, p.access, p.app_servers)), serve=lambda *_: None
        )
        assert CliRunner().invoke(group, ["server-start", APP, "--as", "steward"]).exit_code == 0
        assert CliRunner().invoke(group, ["server-stop", APP, "--reason", "三停", "--as", "steward"]).exit_code == 0
        assert steward.call("POST", f"/api/v1/apps/{APP}/server/stop", {"reason": "x"}).status_code == 409
        assert steward.call("POST", f"/api/v1/apps/{APP}/server/start").json()["state"] == "stopped"
        assert steward.call("POST", f"/api/v1/apps/{APP}/server/stop", {"reason": "四停"}).json()["state"] == "held"
    finally:
        servers.let_run(served.office["steward"], APP)
    assert ask(served, "").status_code == 200
    log = served.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="apps.server_stop", target=APP)).records
    assert {one.detail["reason"] for one in log} == {"查一处问题", "再停", "三停", "四停"}


def test_a_server_that_another_process_stopped_is_ended_by_the_watch(served: Served) -> None:
    settled(served)
    ask(served, "")
    servers = served.platform.app_servers
    with served.platform.db.begin() as tx:
        ServerStore(tx.connection).hold(APP, served.platform.clock.now(), "elsewhere")
    try:
        assert servers.pid(APP) is not None
        servers.watch()
        assert servers.pid(APP) is None
    finally:
        servers.let_run(served.office["steward"], APP)


def test_no_process_outlives_a_platform_that_is_killed(tmp_path: Path) -> None:
    """The parent is killed without a word; its child ends by the kernel's hand and by its own."""
    script = f"""
import sys, time
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1] / "mining")]!r}
from pathlib import Path
from beijiang.apps.service.serving.child import Child, ChildOrder
from beijiang.settings import Settings
folder = Path({str(tmp_path)!r}) / "server"
folder.mkdir()
main = "async def app(scope, receive, send): pass"
order = ChildOrder(folder=folder, files={{"main.py": main}}, digest="d", version=1, bridge=lambda path: lambda: None)
child = Child(order, Settings.for_tests(Path({str(tmp_path)!r})), lambda work: work())
assert child.is_walled, child.last_line
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert _lives(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not _lives(child))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
