"""The public client of Delta Sharing (PyPI ``delta-sharing``, pandas), in an environment of its own, against a running server."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from exchange_bureau import OWNER, TABLE, Bureau, firms
from share_reader import Recipient, recipient

import clients
from beijiang.app import create_app
from beijiang.build import build
from beijiang.exchange import Way
from beijiang.kit import FixedClock, SystemClock
from beijiang.settings import Settings
from beijiang.tables import Filter, FilterOp
from beijiang.worker import address_of, listen

ID, CAPITAL, CITY, NAME = "法定代表人证件号码", "注册资本", "盟市", "企业名称"
DELTA = frozenset({Way.DELTA})
CLIENT = """
import json, os, signal, sys, traceback
import delta_sharing
def told(frame):
    tell(json.loads(frame.to_json(orient="records", force_ascii=False, default_handler=str)))
def tell(rows):
    with open(answer, "w", encoding="utf-8") as file:
        json.dump({"rows": rows}, file)
print("ready", flush=True)
for asked in sys.stdin:
    number, line, profile, at, answer = json.loads(asked)
    child = os.fork()  # nothing of the client has run here yet
    if child == 0:
        signal.alarm(300)  # one that hangs ends here, and is said to have
        os.dup2(2, 1)  # the client now and then says something
        try:
            exec(line)
        except BaseException:
            with open(answer, "w", encoding="utf-8") as file:
                json.dump({"failed": traceback.format_exc()}, file)
        os._exit(0)  # threads of its native libraries now and then abort the end of an interpreter, rows read and all
    print(number, os.waitpid(child, 0)[1], flush=True)
"""
"""Each line is run in a process of its own, forked from one that has loaded the client: that takes more than to ask does."""
NUMBERS = itertools.count(1)
"""Of questions: an answer that comes after its test gave up is not taken for that to the next."""
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def client() -> Iterator[subprocess.Popen[str]]:
    """A process that has loaded the client and runs what it is told in forks of itself."""
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment["OPENBLAS_NUM_THREADS"] = "1"  # it forks
    words = [str(clients.python()), "-c", CLIENT]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
        process.kill()  # it may wait for a fork that hangs


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    listener = listen("127.0.0.1", 0)
    clock = FixedClock(SystemClock().now())
    settings = Settings.for_tests(tmp_path_factory.mktemp("served"), public_url=address_of(listener))
    built = build(settings, clock)
    built.first_start()
    server = uvicorn.Server(uvicorn.Config(create_app(built), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    bureau = Bureau(built, clock)
    while not server.started:
        time.sleep(0.02)
    yield bureau
    server.should_exit = True
    thread.join(90)
    built.close()


@pytest.fixture(scope="module")
def reader(served: Bureau) -> Recipient:
    return recipient(served, "consumer")


@pytest.fixture
def ask(served: Bureau, reader: Recipient, client: subprocess.Popen[str], tmp_path: Path) -> Ask:
    """Run a line of the client's in its own process; return the rows that it had."""
    served.end_all()
    profile, answer = tmp_path / "profile.share", tmp_path / "answer.json"
    profile.write_text(json.dumps(reader.profile.to_json()))

    def run(line: str, table: str = TABLE, share: str = "supervision") -> list[dict[str, Any]]:
        assert client.stdin is not None
        assert client.stdout is not None
        answer.unlink(missing_ok=True)
        number = next(NUMBERS)
        asked = [number, line, str(profile), f"{profile}#{share}.{OWNER}.{table}", str(answer)]
        client.stdin.write(json.dumps(asked) + "\n")
        client.stdin.flush()
        ends = (said.split() for said in iter(client.stdout.readline, ""))
        status = next((code for about, code in ends if int(about) == number), "the client's process is gone")
        assert status == "0", f"question {number}: {status}"
        said = json.loads(answer.read_text(encoding="utf-8"))
        assert "failed" not in said, said["failed"][-3000:]
        rows: list[dict[str, Any]] = said["rows"]
        return rows

    return run


def test_it_lists_what_is_granted(served: Bureau, ask: Ask) -> None:
    served.granted(CAPITAL, ways=DELTA)
    line = "tell([[t.share, t.schema, t.name] for t in delta_sharing.SharingClient(profile).list_all_tables()])"
    assert ask(line) == [["supervision", OWNER, TABLE], ["unconditional", OWNER, TABLE]]


@pytest.mark.parametrize("way", ["", "use_delta_format=False", "use_delta_format=True", "convert_in_batches=True"])
def test_it_loads_a_table_as_the_grant_shows_it(served: Bureau, ask: Ask, way: str) -> None:
    only = (Filter(CITY, FilterOp.EQ, "包头市"),)
    served.granted(CITY, CAPITAL, ID, ways=DELTA, filters=only, impact="评2026-05")
    found = ask(f"told(delta_sharing.load_as_pandas(at, {way}))")
    assert [row[NAME] for row in found] == [row["企业名称"] for row in firms(30) if row["盟市"] == "包头市"]
    assert set(found[0]) == {NAME, CITY, CAPITAL, ID}
    assert all("*" in row[ID] for row in found)
    assert float(found[0][CAPITAL]) == 1.5


def test_it_limits_hints_and_reads_what_needs_no_grant(served: Bureau, ask: Ask) -> None:
    assert len(ask("told(delta_sharing.load_as_pandas(at, limit=7))", share="unconditional")) == 7
    served.granted(CITY, ways=DELTA)
    hint = json.dumps(
        {
            "op": "equal",
            "children": [
                {"op": "column", "name": CITY, "valueType": "string"},
                {"op": "literal", "value": "一", "valueType": "string"},
            ],
        }
    )
    assert ask(f"told(delta_sharing.load_as_pandas(at, jsonPredicateHints={hint!r}))") == []


@pytest.fixture(scope="module")
def grown(served: Bureau) -> tuple[str, list[str]]:
    """A table with three released versions an hour apart, and a moment after each."""
    resource = served.publish("变更样本", 3)
    moments = []
    for count in (4, 5, 6):
        moments.append((served.clock.now() + timedelta(minutes=1)).isoformat(timespec="seconds"))
        served.clock.advance(timedelta(hours=1))
        if count < 6:
            served.write("变更样本", firms(count)[-1:])
            served.platform.db.deliver_waiting()
    return resource.id, moments


def test_it_goes_back_by_version_and_by_moment(served: Bureau, ask: Ask, grown: tuple[str, list[str]]) -> None:
    resource, moments = grown
    served.granted(CAPITAL, resource=resource, ways=DELTA)
    for number, moment in enumerate(moments, 1):
        for asked in (f"version={number}", f"timestamp={moment!r}"):
            assert len(ask(f"told(delta_sharing.load_as_pandas(at, {asked}))", "变更样本")) == number + 2


@pytest.mark.parametrize("way", ["", "use_delta_format=True"])
def test_it_reads_changes(served: Bureau, ask: Ask, grown: tuple[str, list[str]], way: str) -> None:
    served.granted(CAPITAL, resource=grown[0], ways=DELTA)
    found = ask(f"told(delta_sharing.load_table_changes_as_pandas(at, starting_version=2, {way}))", "变更样本")
    assert [(row["_change_type"], row["_commit_version"], float(row[CAPITAL])) for row in found] == [
        ("insert", 2, 3.5),
        ("insert", 3, 4.5),
    ]
    whole = ask(f"told(delta_sharing.load_table_changes_as_pandas(at, starting_version=0, {way}))", "变更样本")
    assert sorted(float(row[CAPITAL]) for row in whole) == [0.5, 1.5, 2.5, 3.5, 4.5]


def test_an_empty_table_has_its_columns(served: Bureau, ask: Ask) -> None:
    served.granted(CITY, ways=DELTA, filters=(Filter(CITY, FilterOp.EQ, "乌海市"),))
    line = 'tell([{"columns": list(delta_sharing.load_as_pandas(at).columns)}])'
    assert ask(line) == [{"columns": [NAME, CITY]}]


@pytest.mark.threat("TM-02")
def test_what_is_revoked_between_two_reads_is_refused(served: Bureau, ask: Ask) -> None:
    grant = served.granted(CAPITAL, ways=DELTA)
    assert len(ask("told(delta_sharing.load_as_pandas(at))")) == 30
    served.exchange.revoke(served["lead"], grant.id, "用途已结束")
    line = """
try:
    delta_sharing.load_as_pandas(at)
except Exception as error:
    tell([{"error": str(error)}])
"""
    assert "您对这张表的授权现为“已撤销”" in ask(line)[0]["error"]
