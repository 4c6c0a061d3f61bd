"""Pushes through the API and the terminal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from exchange_bureau import AT, Bureau, People, firms
from push_bureau import MONEY, Far, end_all, expected, merge
from typer.testing import CliRunner

from beijiang.exchange import PushQuery
from beijiang.exchange.commands import pushes
from beijiang.kit import SYSTEM
from beijiang.outbound import Target, Use

AT_PUSHES = f"{AT}/pushes"


@pytest.fixture
def far(bureau: Bureau, postgres_url: str) -> Iterator[Far]:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    bureau.platform.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "目标库的套接字")
    yield Far(bureau, engine, {"host": folder, "database": url.database, "user": url.username, "tls": "off"})
    end_all(bureau)
    engine.dispose()


def test_the_api_plans_registers_follows_and_ends(far: Far) -> None:
    far.publish(4)
    assert far.grant is not None
    people = People(far.bureau)
    mine = people["consumer"]
    assert {k["kind"] for k in mine.get(f"{AT_PUSHES}/kinds").json()["kinds"]} == {
        "mysql", "postgresql", "s3", "sftp", "webhook",
    }  # fmt: skip
    order = {
        "grant_id": far.grant.id,
        "name": "业务库",
        "kind": "postgresql",
        "target": "firms",
        "options": {**far.reach, "password": "geheim"},
    }
    plan = mine.post(f"{AT_PUSHES}/plan", json=order).json()
    assert (plan["rows"], plan["mode"], plan["key"]) == (4, "changes", ["企业名称"])
    made = mine.post(AT_PUSHES, json=order)
    assert made.status_code == 201, made.text
    push = made.json()
    assert push["secrets_set"] == ["password"]
    assert "geheim" not in made.text
    assert mine.post(AT_PUSHES, json=order).status_code == 409
    far.pushes.run_due()
    seen = mine.get(f"{AT_PUSHES}/{push['id']}").json()
    assert (seen["deliveries"][0]["state"], seen["deliveries"][0]["proof"]["equal"]) == ("done", True)
    assert far.rows() == expected(4)
    again = mine.post(f"{AT_PUSHES}/{push['id']}/now", json={})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "push_nothing_new")
    assert mine.post(f"{AT_PUSHES}/{push['id']}/now", json={"whole": True}).status_code == 200
    assert people["banner"].get(f"{AT_PUSHES}/{push['id']}").status_code == 404
    theirs = people["lead"]
    assert theirs.get(AT_PUSHES).json()["count"] >= 1
    assert theirs.post(f"{AT_PUSHES}/{push['id']}/pause", json={}).status_code == 422, "the provider gives a reason"
    assert theirs.post(f"{AT_PUSHES}/{push['id']}/pause", json={"words": "核查"}).json()["state"] == "stopped"
    assert mine.post(f"{AT_PUSHES}/{push['id']}/resume").status_code == 403, "what the provider stopped stays stopped"
    assert theirs.post(f"{AT_PUSHES}/{push['id']}/resume").json()["state"] == "active"
    assert mine.post(f"{AT_PUSHES}/{push['id']}/pause", json={}).json()["state"] == "paused"
    assert mine.post(f"{AT_PUSHES}/{push['id']}/resume").json()["state"] == "active"
    timed = mine.patch(f"{AT_PUSHES}/{push['id']}", json={"timing": {"kind": "daily", "at": ["06:30"]}})
    assert timed.json()["timing"] == {"kind": "daily", "at": ["06:30"]}
    assert mine.get(f"{AT_PUSHES}/dead").json() == {"letters": []}
    assert mine.post(f"{AT_PUSHES}/deliveries/dlv_none/replay").status_code == 404
    assert mine.post(f"{AT_PUSHES}/{push['id']}/end", json={}).json()["state"] == "ended"


def test_the_terminal_does_the_same(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    far.publish(3)
    assert far.grant is not None
    platform = far.bureau.platform
    app = pushes(lambda: platform.pushes, lambda: platform.access)
    monkeypatch.setenv("BEIJIANG_SECRET_PASSWORD", "geheim")

    def run(*words: str, good: bool = True) -> str:
        done = CliRunner().invoke(app, [*words])
        assert (done.exit_code == 0) is good, (done.output, done.exception)
        return done.output

    options = [word for name, value in far.reach.items() for word in ("-o", f"{name}={value}")]
    known = [far.grant.id, "业务库", "postgresql", "--target", "firms", *options, "--secret", "password"]
    assert "firms" in run("plan", *known, "--as", "consumer")
    assert "postgresql" in run("kinds")
    run("add", *known, "--as", "consumer", "--daily", "08:00", "--working-days", "08:00", good=False)
    run("add", *known, "--as", "consumer")
    run("run")
    assert far.rows() == expected(3)
    push = platform.pushes.pushes(SYSTEM, PushQuery(words=far.table))[0][0]
    assert push.id in run("list", "--find", far.table)
    assert "1" in run("show", push.id)
    run("pause", push.id, "--as", "consumer")
    run("resume", push.id, "--as", "consumer")
    run("change", push.id, "--cron", "0 8 * * 1", "--as", "consumer")
    run("change", push.id, "--on-release", "--as", "consumer")
    far.sql(f'ALTER TABLE firms ALTER COLUMN "{MONEY}" TYPE text')
    merge(far.bureau, far.table, [firms(4)[3]])
    run("now", push.id, "--as", "consumer")
    run("run")
    letter = far.deliveries(push)[0]
    assert letter.id in run("dead")
    run("replay", letter.id, "--as", "consumer")
    run("run")
    run("drop", letter.id, "--words", "换表", "--as", "consumer")
    run("end", push.id, "--as", "consumer")
