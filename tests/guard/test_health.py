"""The examination sees what is wrong and says how to mend it; health answers in one word."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from beijiang.app import create_app
from beijiang.build import Platform
from beijiang.guard import Finding
from beijiang.ingest import SourceDraft
from beijiang.kit import SYSTEM


@pytest.fixture
def client(platform: Platform) -> Iterator[TestClient]:
    with TestClient(create_app(platform), base_url="https://testserver") as opened:
        yield opened


def _finding(platform: Platform, name: str) -> Finding:
    return next(f for f in platform.health.examine() if f.name == name)


def test_a_fresh_home_is_well(platform: Platform) -> None:
    findings = {f.name: f.ok for f in platform.health.examine() if f.name != "assets"}
    parts = [
        "python",
        "home",
        "disk",
        "database",
        "search",
        "engine",
        "secrets",
        "captures",
        "texts",
        "calendar",
        "evidence",
        "evidence_seal",
        "flight",
    ]
    assert findings == dict.fromkeys(parts, True)


def test_sources_whose_key_is_lost_are_named(platform: Platform) -> None:
    options = {"host": "db.example", "database": "x", "user": "x", "password": "geheim"}
    platform.sources.add(SYSTEM, SourceDraft(name="学籍库", kind="postgresql", org_id="education", options=options))
    assert _finding(platform, "secrets").ok
    platform.settings.root_key_file.unlink()
    found = _finding(platform, "secrets")
    assert not found.ok
    assert "学籍库" in found.text.zh
    assert platform.settings.root_key_file.name in found.text.zh


def test_a_home_that_others_may_read_is_pointed_out(platform: Platform) -> None:
    platform.settings.home.chmod(0o755)
    found = _finding(platform, "home")
    assert not found.ok
    assert "chmod 700" in found.text.en
    platform.settings.home.chmod(0o700)
    assert _finding(platform, "home").ok


def test_a_database_at_another_step_is_pointed_out(platform: Platform) -> None:
    with platform.db.begin() as work:
        work.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert not _finding(platform, "database").ok


def test_damaged_evidence_is_pointed_out(platform: Platform) -> None:
    with platform.db.begin() as work:
        platform.evidence.record(work, SYSTEM, "test.note", target="x")
    with platform.db.begin() as work:
        work.execute(text("DELETE FROM evidence_record"))
    assert not _finding(platform, "evidence").ok


def test_health_is_one_word_for_anybody(client: TestClient) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
