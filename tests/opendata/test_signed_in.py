"""An official on the portal: the same view as everybody's, under the own name, and nothing of it kept by a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beijiang.access import KeyDraft, Permission, PersonDraft, Role
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from conftest import Portal

READING = frozenset({str(Permission.OPENDATA_DATASET_READ), str(Permission.PROTECTION_ROWS_READ_OPEN)})


@pytest.fixture(scope="module")
def key(portal: Portal) -> str:
    """The API key of a steward of the department that owns the enterprises."""
    access = portal.platform.access
    draft = PersonDraft(login="reader", name="数据专员", org_id="market", roles=frozenset({Role.STEWARD}))
    _, code = access.add_person(SYSTEM, draft)
    signed = access.sign_in("reader", code, "test")
    access.change_password(access.actor_for_person("reader"), code, "a long pass phrase 2026")
    assert signed.token
    _, secret = access.issue_key(access.actor_for_person("reader"), KeyDraft(name="门户", scopes=READING, days=1))
    return secret


@pytest.mark.threat("TM-02")
def test_an_official_gets_the_public_view_and_no_cache_keeps_it(portal: Portal, key: str) -> None:
    for rest in ("", "/rows?_size=max", "/chart", "/download?format=json"):
        mine = portal.get(portal.api("firms", rest), headers={"authorization": f"Bearer {key}"})
        theirs = portal.get(portal.api("firms", rest))
        assert mine.status_code == 200, mine.text
        assert mine.content == theirs.content
        assert mine.headers["cache-control"] == "no-store"
        assert "etag" not in mine.headers
        assert "access-control-allow-origin" not in mine.headers
        assert "Authorization" in mine.headers["vary"]


def test_the_read_is_recorded_under_the_official_s_name(portal: Portal, key: str) -> None:
    person = portal.platform.access.actor_for_person("reader")
    query = EvidenceQuery(actor_id=person.id, target="企业登记信息", limit=100)
    before = len(portal.platform.evidence_reader.search(SYSTEM, query).records)
    portal.get(portal.api("firms", "/rows?_size=1"), headers={"authorization": f"Bearer {key}"})
    assert len(portal.platform.evidence_reader.search(SYSTEM, query).records) > before


def test_a_revoked_or_wrong_key_is_refused(portal: Portal) -> None:
    answer = portal.get(portal.api("firms", "/rows"), headers={"authorization": "Bearer bj_nothing_00"})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"]
