"""Two installations: a county whose log a city witnesses, over the network and by files; a fork is refused, kept and alarmed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from beijiang.access import Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.evidence import PeerKind
from beijiang.evidence import verifier as judge
from beijiang.evidence.commands import add_keys, add_receipts, add_retention, add_witnesses, commands, verify_command
from beijiang.kit import SYSTEM, Actor, ActorKind, Conflict, Denied, FixedClock, Invalid, Language, NotFound
from beijiang.outbound import Target
from beijiang.settings import Settings
from beijiang.terminal import set_style
from waiting import until

GUARD = Actor(id="per_sec", name="安全", kind=ActorKind.PERSON, roles=frozenset({Role.SEC_ADMIN}))
AUDITOR = Actor(id="per_aud", name="审计", kind=ActorKind.PERSON, roles=frozenset({Role.AUDIT_ADMIN}))
STEWARD = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({Role.STEWARD}))


class Pair:
    """County and city; the city is served on the loopback."""

    def __init__(self, folder: Path) -> None:
        (folder / "county").mkdir()
        (folder / "city").mkdir()
        clock = FixedClock(datetime(2026, 11, 26, 4, 0, tzinfo=UTC))  # a log is named by its year
        self.county = build(Settings.for_tests(folder / "county", log_name="log.county.example"), clock)
        self.city = build(Settings.for_tests(folder / "city", log_name="log.city.example"), clock)
        config = uvicorn.Config(create_app(self.city), host="127.0.0.1", port=0, log_level="warning", access_log=False)
        self.server = uvicorn.Server(config)
        self.serving = threading.Thread(target=self.server.run, daemon=True)
        self.serving.start()
        until(lambda: self.server.started)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.web = TestClient(create_app(self.city))
        self.county_key = keys_of(self.county)[judge.ED25519]
        self.city_key = keys_of(self.city)[judge.WITNESS]

    def ask(self, body: str) -> Any:
        return self.web.post("/witness/add-checkpoint", content=body.encode())

    def close(self) -> None:
        self.web.close()
        self.server.should_exit = True
        self.serving.join()
        self.county.close()
        self.city.close()


def keys_of(platform: Platform) -> dict[bytes, judge.Key]:
    platform.evidence.note(SYSTEM, "x.y", target="first")
    platform.evidence.seal()
    return {key.kind: key for key in platform.receipts.keys(SYSTEM)}


def grown(platform: Platform, count: int = 5) -> None:
    platform.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    for number in range(count):
        platform.evidence.note(STEWARD, "x.y", target=str(number))
    platform.evidence.seal()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    made = Pair(tmp_path_factory.mktemp("pair"))
    yield made
    made.close()


@pytest.mark.threat("TM-17")
def test_a_city_witnesses_a_county_and_a_fork_is_refused_kept_and_alarmed(pair: Pair) -> None:
    county, city = pair.county, pair.city
    for other in (STEWARD, AUDITOR):
        with pytest.raises(Denied):
            county.witnesses.trust(other, PeerKind.WITNESS, str(pair.city_key))
    for kind, key in ((PeerKind.LOG, pair.city_key), (PeerKind.WITNESS, pair.county_key), (PeerKind.LOG, "nonsense")):
        with pytest.raises(Invalid):
            county.witnesses.trust(GUARD, kind, str(key))
    url = f"http://127.0.0.1:{pair.port}/witness"
    peer = county.witnesses.trust(GUARD, PeerKind.WITNESS, str(pair.city_key), url)
    with pytest.raises(Conflict):
        county.witnesses.trust(GUARD, PeerKind.WITNESS, str(pair.city_key), url)
    grown(county)

    county.witnesses.watch()  # the address is not open yet
    trouble = county.witnesses.peers(AUDITOR)[0].trouble
    assert trouble is not None
    assert "127.0.0.1" in trouble.en or "address" in trouble.en
    county.sources.allow(GUARD, Target(host="127.0.0.1", port=pair.port, network="127.0.0.1/32"), "见证")
    county.witnesses.watch()
    trouble = county.witnesses.peers(AUDITOR)[0].trouble
    assert trouble is not None
    assert "404" in trouble.zh, "the city does not know the county's log yet"
    log = city.witnesses.trust(GUARD, PeerKind.LOG, str(pair.county_key))
    county.witnesses.watch()
    assert county.witnesses.peers(AUDITOR)[0].trouble is None
    first = county.witnesses.cosigned(AUDITOR)[0]
    grown(county, 300)
    county.witnesses.watch()
    assert county.witnesses.cosigned(AUDITOR)[0].size > first.size
    assert [seen.origin for seen in city.witnesses.seen(AUDITOR)] == ["log.county.example/2026"]

    read = _read(county)
    county.evidence.seal()
    county.witnesses.watch()
    receipt = county.receipts.receipt(STEWARD, read)
    trusted = judge.Trust(keys=(pair.county_key, pair.city_key), quorum=1)
    assert judge.examine(receipt, trusted).ok
    assert county.receipts.state(AUDITOR).unwitnessed_seconds is not None
    assert county.evidence.check().ok
    _other_answers(pair)
    _a_fork(pair)
    county.witnesses.distrust(GUARD, peer.id)
    city.witnesses.distrust(GUARD, log.id)
    with pytest.raises(NotFound):
        city.witnesses.distrust(GUARD, log.id)


def _read(platform: Platform) -> str:
    return platform.evidence.record_read(
        STEWARD,
        exit="download",
        target="人口",
        version=1,
        policy="p",
        columns=("a",),
        rows=None,
        grade="L2",
        purpose="核对",
    )


def _other_answers(pair: Pair) -> None:
    """Ask what no honest log asks."""
    county = pair.county
    grown(county)
    peer = county.witnesses.peers(AUDITOR)[0]
    good = county.witnesses.request(GUARD, peer.id)
    known = pair.city.witnesses.seen(AUDITOR)[0]
    size = int(good.split("\n\n")[1].split("\n")[1])
    for body, status in (
        ("", 400),
        (good.replace("old ", "new "), 400),
        (good.replace(f"old {known.size}", f"old {size + 1}"), 400),
        ("old 1\n" + "A" * 70_000, 400),
        (good.replace("log.county.example/2026", "log.other.example/2026"), 404),
        (good.replace(f"\n{size}\n", f"\n{size + 1}\n"), 403),
        (good.replace(f"old {known.size}", "old 1"), 409),
    ):
        answer = pair.ask(body)
        assert answer.status_code == status, (body[:80], answer.text)
        if status == 409:
            assert (answer.text, answer.headers["content-type"].split(";")[0]) == (
                f"{known.size}\n",
                "text/x.tlog.size",
            )
    lines = good.split("\n")
    assert pair.ask("\n".join([lines[0], lines[2], *lines[2:]])).status_code == 422
    assert len(pair.city.witnesses.forks(AUDITOR)) == 1
    answer = pair.ask(good)
    assert answer.status_code == 200
    assert answer.text.startswith("— log.city.example ")
    assert pair.ask(good).status_code == 409
    again = pair.ask(f"old {size}\n\n" + good.partition("\n\n")[2])
    assert again.status_code == 200, "what was seen may be signed again"


def _a_fork(pair: Pair) -> None:
    """Let the county forge its log and sign the forgery with its own key: the city has seen the other one."""
    county, city = pair.county, pair.city
    signers = county.evidence._sealer.keys.signers  # type: ignore[union-attr]
    known = city.witnesses.seen(AUDITOR)[0]
    from beijiang.evidence.models import signed

    forged = signed(judge.Checkpoint(known.origin, known.size, bytes(32)), signers)
    before = len(city.witnesses.forks(AUDITOR))
    assert pair.ask(f"old {known.size}\n\n{forged}").status_code == 409
    assert len(city.witnesses.forks(AUDITOR)) == before + 1
    alerts = [one for one in city.alerts.alerts(SYSTEM) if one.kind == "evidence_fork"]
    assert len(alerts) == 1
    assert known.origin in alerts[0].text.zh
    with county.db.begin() as tx:
        tx.execute(text("UPDATE evidence_tile SET hashes = zeroblob(length(hashes)) WHERE level = 1"))
    county.evidence._sealer.cache._kept.clear()  # type: ignore[union-attr]
    grown(county)
    county.witnesses.watch()
    assert county.witnesses.peers(AUDITOR)[0].trouble is not None
    assert any(one.kind == "evidence_fork" for one in county.alerts.alerts(SYSTEM)), "the witness contradicts us"
    assert not county.evidence.check().ok


def test_checkpoints_travel_as_files_where_there_is_no_network(pair: Pair) -> None:
    county, city = pair.city, pair.county  # the other way round: the city's log is whole
    log = city.witnesses.trust(GUARD, PeerKind.LOG, str(keys_of(county)[judge.ED25519]))
    peer = county.witnesses.trust(GUARD, PeerKind.WITNESS, str(keys_of(city)[judge.WITNESS]))
    county.witnesses.watch()  # without an address nothing is sent
    asked = county.witnesses.request(GUARD, peer.id)
    answered = city.witnesses.witness_file(GUARD, asked)
    with pytest.raises(Conflict) as refused:
        city.witnesses.witness_file(GUARD, asked.replace("old 0", "old 7"))
    assert refused.value.reason == "not_witnessed"
    assert county.witnesses.take(GUARD, answered) == 1
    assert county.witnesses.cosigned(AUDITOR)[0].witness.startswith("log.county.example+")
    for wrong in ("", asked, asked.partition("\n\n")[2], answered.replace("log.city.example/", "log.town.example/")):
        with pytest.raises(Invalid):
            county.witnesses.take(GUARD, wrong)
    city.witnesses.distrust(GUARD, log.id)
    county.witnesses.distrust(GUARD, peer.id)


def test_the_tree_over_http(pair: Pair) -> None:
    web, city = pair.web, pair.city
    grown(city, 300)
    point = web.get("/tlog/2026/checkpoint")
    assert point.headers["content-type"].startswith("text/plain")
    size = judge.Checkpoint.parse(judge.Note.parse(point.text).text).size
    assert size > 300
    assert web.get("/tlog/2026/checkpoint?size=5").text.startswith("log.city.example/2026\n5\n")
    whole = web.get("/tlog/2026/tile/0/000")
    assert (len(whole.content), "immutable" in whole.headers["cache-control"]) == (8192, True)
    assert web.get("/tlog/2026/tile/0/000.p/5").content == whole.content[:160]
    assert len(web.get("/tlog/2026/tile/entries/000.p/2").content) > 200
    for gone in ("0/x001/000", "0/1", "9/000", "a/000", "0/000.p/0", "0/000.p/256", "0/999", "0/../000"):
        assert web.get(f"/tlog/2026/tile/{gone}").status_code == 404, gone
    assert web.get("/tlog/1999/checkpoint").status_code == 404
    read = city.evidence.record_read(
        Actor(id="anonymous", name="-", kind=ActorKind.ANONYMOUS),
        exit="download",
        target="人口",
        version=1,
        policy="p",
        columns=("a",),
        rows=None,
        grade="L1",
        purpose="",
    )
    receipt = web.get(f"/api/v1/evidence/receipts/{read}")
    keys = [judge.Key.parse(key) for key in web.get("/api/v1/evidence/keys").json()["keys"]]
    assert judge.examine(json.loads(receipt.text), judge.Trust(keys=tuple(keys))).ok
    assert "receipt.json" in receipt.headers["content-disposition"]
    assert web.get(f"/tlog/2026/proof?receipt={read}").text.startswith("c2sp.org/tlog-proof@v1\n")
    assert web.get(f"/api/v1/evidence/receipts/{_read(city)}").status_code == 404
    for closed in ("receipts", "state", "peers", "retention"):
        assert web.get(f"/api/v1/evidence/{closed}").status_code == 401


def test_the_tree_at_the_terminal(pair: Pair, tmp_path: Path) -> None:
    city, county = pair.city, pair.county
    root = terminal(city)
    run = CliRunner()

    def said(*words: str, code: int = 0) -> str:
        done = run.invoke(root, list(words))
        assert done.exit_code == code, done.output
        return str(done.stdout)

    set_style(as_json=True, language=Language.ZH)
    read = _read(city)
    said("evidence", "seal")
    assert json.loads(said("evidence", "state"))["waiting"] == 0
    key = next(
        one["key"] for one in json.loads(said("evidence", "keys")) if judge.Key.parse(one["key"]).kind == judge.ED25519
    )
    said("evidence", "receipt", read, "--out", str(tmp_path / "r.json"))
    (tmp_path / "point").write_text(said("evidence", "checkpoint", "--size", "3"))
    proved = json.loads(said("verify", str(tmp_path / "r.json"), "--key", key))
    assert (proved["ok"], proved["record"]["target"]) == (True, "人口")
    assert not json.loads(said("verify", str(tmp_path / "r.json"), code=1))["ok"]
    said("verify", str(tmp_path / "r.json"), "--checkpoint", str(tmp_path / "point"), code=1)  # of another size
    (tmp_path / "bad.json").write_text("nothing")
    said("verify", str(tmp_path / "bad.json"), "--key", key, code=1)
    said("verify", str(tmp_path / "gone.json"), code=1)
    set_style(as_json=False, language=Language.EN)
    told = said("verify", str(tmp_path / "r.json"), "--key", key)
    assert "✓ proved" in told
    assert "? left open" in told

    set_style(as_json=True, language=Language.EN)
    there = terminal(county)
    said("evidence", "trust", "witness", str(keys_of(county)[judge.WITNESS]))
    run.invoke(there, ["evidence", "trust", "log", key])
    peer = json.loads(said("evidence", "peers"))[-1]
    (tmp_path / "request").write_text(said("evidence", "request", peer["id"]))
    signed = run.invoke(there, ["evidence", "witness", str(tmp_path / "request")])
    (tmp_path / "signed").write_text(signed.stdout)
    said("evidence", "cosign", str(tmp_path / "signed"))
    assert city.witnesses.cosigned(AUDITOR)[0].size == judge.Checkpoint.parse(judge.Note.parse(signed.stdout).text).size
    said("evidence", "distrust", peer["id"])
    assert {row["limit"] for row in json.loads(said("evidence", "retention"))} == {"6 months", "3 years"}
    said("evidence", "erase", "--reason", "x")
    said("evidence", "erase", "--reason", "x", "--until", "2099-01-01", code=1)


def terminal(platform: Platform) -> typer.Typer:
    root, group = typer.Typer(), commands(lambda: platform.evidence_reader)
    add_keys(group, lambda: platform.succession, lambda: platform.evidence)
    add_receipts(group, lambda: platform.receipts, lambda: platform.evidence)
    add_witnesses(group, lambda: platform.witnesses)
    add_retention(group, lambda: platform.retention)
    root.add_typer(group, name="evidence")
    root.command("verify")(verify_command())
    return root
