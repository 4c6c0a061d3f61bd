"""Reading the log: for the auditor only, and not without a trace."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import typer
from sqlalchemy import text
from typer.testing import CliRunner

from beijiang.access import Access, Role
from beijiang.evidence import EvidenceQuery, EvidenceReader
from beijiang.evidence.commands import commands
from beijiang.evidence.routes import router
from beijiang.kit import ANONYMOUS, Actor, ActorKind, Denied, Invalid, Language, Unauthenticated
from beijiang.settings import Settings
from beijiang.terminal import set_style
from beijiang.web import Pages, new_app

from .conftest import Log

AUDITOR = Actor(id="per_aud", name="审计", kind=ActorKind.PERSON, roles=frozenset({Role.AUDIT_ADMIN}))
OTHERS = [role for role in Role if role is not Role.AUDIT_ADMIN]


@pytest.fixture
def reader(log: Log, tmp_path: Path) -> EvidenceReader:
    return EvidenceReader(log.evidence, Access(log.db, log.evidence, log.clock, Settings.for_tests(tmp_path)))


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize("role", OTHERS)
def test_nobody_but_the_auditor_reads_the_log(reader: EvidenceReader, role: Role) -> None:
    other = Actor(id="per_x", name="某", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({role}))
    for attempt in (reader.search, reader.export):
        with pytest.raises(Denied):
            attempt(other, EvidenceQuery())
        with pytest.raises(Unauthenticated):
            attempt(ANONYMOUS, EvidenceQuery())
    with pytest.raises(Denied):
        reader.check(other)


def test_a_search_finds_what_matches_newest_first_page_by_page(log: Log, reader: EvidenceReader) -> None:
    log.write(25)
    log.clock.advance(timedelta(hours=1))
    log.write(5, "catalog.publish")
    page = reader.search(AUDITOR, EvidenceQuery(action="table.write", limit=10))
    seen = [record.sequence for record in page.records]
    while page.next is not None:
        page = reader.search(AUDITOR, EvidenceQuery(action="table.write", limit=10, before=page.next))
        seen += [record.sequence for record in page.records]
    assert seen == list(range(25, 0, -1))
    assert {r.action for r in reader.search(AUDITOR, EvidenceQuery(action="catalog.")).records} == {"catalog.publish"}
    recent = reader.search(AUDITOR, EvidenceQuery(since=log.clock.at, actor_id="per_1"))
    assert len(recent.records) == 5
    assert len(reader.search(AUDITOR, EvidenceQuery(until=log.clock.at, org_id="bigdata")).records) == 25
    assert reader.search(AUDITOR, EvidenceQuery(target="表3", action="table.write")).records[0].detail == {"行": 3}
    assert reader.search(AUDITOR, EvidenceQuery(action="table_write")).records == ()


def test_reading_the_log_is_in_the_log(log: Log, reader: EvidenceReader) -> None:
    log.write(1)
    reader.search(AUDITOR, EvidenceQuery(target="表0"))
    reader.check(AUDITOR)
    assert len(list(reader.export(AUDITOR, EvidenceQuery()))) >= 1
    log.evidence.flush()
    found = log.evidence.page(EvidenceQuery(actor_id="per_aud")).records
    assert [record.action for record in found] == ["evidence.export", "evidence.check", "evidence.search"]
    assert found[2].detail == {"target": "表0"}
    assert found[1].detail["problems"] == 0


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_sensible_size(reader: EvidenceReader, limit: int) -> None:
    with pytest.raises(Invalid):
        reader.search(AUDITOR, EvidenceQuery(limit=limit))


def test_an_export_holds_every_record_once(log: Log, reader: EvidenceReader) -> None:
    log.write(30)
    exported = [r.sequence for r in reader.export(AUDITOR, EvidenceQuery(action="table.write", limit=7))]
    assert exported == list(range(30, 0, -1))


class _Auditor:
    """A door that takes everybody for the auditor."""

    def actor_for(self, cookies: object, authorization: str | None = None) -> Actor:
        assert not cookies
        return AUDITOR if authorization else ANONYMOUS

    def csrf(self, token: str) -> str:
        return token


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(reader: EvidenceReader, tmp_path: Path) -> Ask:
    settings = Settings.for_tests(tmp_path)
    app = new_app(settings, _Auditor(), Pages(settings, ()))
    app.include_router(router(reader))

    def request(method: str, path: str, authorization: str = "Bearer x") -> httpx.Response:
        async def over_the_wire() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8150") as client:
                headers = {"Authorization": authorization} if authorization else {}
                return await client.request(method, path, headers=headers)

        return asyncio.run(over_the_wire())

    return request


def test_the_log_over_http(log: Log, ask: Ask) -> None:
    log.write(3)
    page = ask("GET", "/api/v1/evidence?limit=2&action=table.write").json()
    assert [record["sequence"] for record in page["records"]] == [3, 2]
    assert page["next"] == 2
    report = ask("POST", "/api/v1/evidence/check").json()
    assert (report["ok"], report["problems"]) == (True, [])
    _damage(log)
    report = ask("POST", "/api/v1/evidence/check").json()
    assert not report["ok"]
    assert report["problems"][0]["sequence"] == 2
    assert "第 2 条" in report["problems"][0]["what"]["zh"]
    assert ask("GET", "/api/v1/evidence?invented=1").status_code == 422
    assert ask("GET", "/api/v1/evidence?since=2026-01-01T00:00:00").status_code == 422
    assert ask("GET", "/api/v1/evidence", authorization="").status_code == 401


def test_the_log_at_the_terminal(log: Log, reader: EvidenceReader, tmp_path: Path) -> None:
    log.write(3)
    root = typer.Typer()
    root.add_typer(commands(lambda: reader), name="evidence")
    run = CliRunner()
    set_style(as_json=True, language=Language.ZH)
    try:
        whole = run.invoke(root, ["evidence", "check"])
        assert (whole.exit_code, json.loads(whole.stdout)["ok"]) == (0, True)
        found = run.invoke(root, ["evidence", "search", "--action", "table.", "--limit", "2"])
        assert [record["sequence"] for record in json.loads(found.stdout)] == [3, 2]
        out = tmp_path / "log.ndjson"
        written = run.invoke(root, ["evidence", "export", str(out)])
        assert json.loads(written.stdout)["records"] == len(out.read_text().splitlines()) >= 3
        _damage(log)
        broken = run.invoke(root, ["evidence", "check"])
        assert (broken.exit_code, json.loads(broken.stdout)["problems"][0]["kind"]) == (1, "changed")
        set_style(as_json=False, language=Language.EN)
        broken = run.invoke(root, ["evidence", "check"])
        assert broken.exit_code == 1
        assert "changed" in broken.stdout
        assert "Keep everything as it is" in broken.stderr
    finally:
        set_style(as_json=False, language=Language.ZH)


def _damage(log: Log) -> None:
    with log.db.begin() as tx:
        tx.execute(text("UPDATE evidence_record SET target = 'x' WHERE sequence = 2"))
