"""An application that reads under a grant of its own: nobody sees more than the grant opens, nor more than he may himself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agreed import lowered

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import BEGAN_AT, CITIES, COUNTY, ID, OTHER, OWNER, TABLE, Bureau

from beijiang.access import Permission
from beijiang.app import create_app
from beijiang.apps import AudienceKind, CardState
from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Grant, Item, Way
from beijiang.kit import SYSTEM, FixedClock, Invalid, Refused, Throttled
from beijiang.protection import Handling, Level
from beijiang.settings import Settings
from beijiang.tables import Filter, FilterOp

NAME, CITY, CAPITAL = "企业名称", "盟市", "注册资本"
BAOTOU = (Filter(CITY, FilterOp.EQ, "包头市"),)
HEAD = """id = "{id}"
version = "1.0.0"
owner = "{owner}"
resources = ["{table}"]
pages = ["firms"]

[name]
zh = "企业"
en = "Firms"

[purpose]
zh = "看企业。"
en = "See firms."
"""
ENGLISH = "\n".join(
    f'"{zh}" = "{en}"'
    for zh, en in ((NAME, "Name"), (CITY, "City"), (CAPITAL, "Capital"), (ID, "Id"), ("名单", "List"))
)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(BEGAN_AT)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("own-grants")), clock)
    built.first_start()
    built.apps.patience = 300.0
    yield Bureau(built, clock)
    built.close()


@pytest.fixture
def bureau(region: Bureau) -> Bureau:
    region.clock.at = max(region.clock.at, BEGAN_AT)
    region.end_all()
    return region


def files(name: str, grant: Grant | None, *columns: str, owner: str = OTHER) -> dict[str, str]:
    own = f'\n[own_grants]\n"{TABLE}" = "{grant.id}"\n' if grant else ""
    listed = ", ".join(f'"{one}"' for one in columns)
    return {
        "app.toml": HEAD.format(id=name, owner=owner, table=TABLE) + own,
        "pages/firms.md": '# 名单\n\n```table\nquery = "firms"\ntitle = "名单"\n```\n',
        "queries/firms.sql": f'SELECT {listed} FROM "{TABLE}" ORDER BY 1',
        "api/firms.toml": 'query = "firms"\nsummary = { zh = "名单", en = "List" }\n',
        "i18n/en.toml": ENGLISH,
    }


def released(bureau: Bureau, bundle: dict[str, str], by: str = "consumer") -> str:
    apps = bureau.platform.apps
    app, version = apps.submit(bureau[by], bundle)
    own = "own_grants" in bundle["app.toml"]
    apps.review(bureau["reviewer"], app.id, version.number, approve=True, note="可以", own_grants=own)
    apps.release(bureau["publisher"], app.id, version.number, AudienceKind.DEPARTMENTS, [OTHER, OWNER, COUNTY])
    return app.id


def granted(bureau: Bureau, *columns: str, **words: Any) -> Grant:
    return bureau.granted(*columns, **{"ways": frozenset({Way.APP}), **words})


def seen(bureau: Bureau, app: str, login: str) -> list[dict[str, Any]] | None:
    """Return the rows that somebody gets, None where the card is denied."""
    card = bureau.platform.apps.page(bureau[login], app, "firms", {}).cards[0]
    assert card.state in {CardState.READY, CardState.DENIED}, card.why
    return None if card.data is None else card.data.rows


def test_whose_data_they_are_sees_in_it_only_what_the_grant_opens(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY, filters=BAOTOU)
    plain = released(bureau, files("own-plain", None, NAME, CITY))
    narrow = released(bureau, files("own-narrow", grant, NAME, CITY))
    everything = seen(bureau, plain, "steward")
    assert everything is not None
    assert len(everything) == 30
    rows = seen(bureau, narrow, "steward")
    assert rows is not None
    assert len(rows) == 10
    assert {row[CITY] for row in rows} == {"包头市"}
    again = seen(bureau, plain, "steward")
    assert again == everything, "what was kept for one application is not told in the other"
    assert seen(bureau, narrow, "consumer") == rows


def test_a_column_that_the_grant_does_not_open_is_closed_to_everybody(bureau: Bureau) -> None:
    both = granted(bureau, NAME, CITY, CAPITAL)
    app = released(bureau, files("own-columns", both, NAME, CAPITAL))
    assert seen(bureau, app, "steward")
    less = granted(bureau, NAME, CITY, purpose="statistics")
    told = bureau.platform.apps.check(bureau["consumer"], files("own-less", less, NAME, CAPITAL))
    assert not told.good
    opened = bureau.platform.apps.check(bureau["consumer"], files("own-less", less, NAME, CITY))
    assert opened.good, opened.faults


def test_the_grant_gives_a_viewer_nothing_that_he_may_not_see_himself(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-viewer", grant, NAME, CITY))
    names = released(bureau, files("own-names", grant, NAME))
    assert seen(bureau, app, "consumer")
    assert seen(bureau, app, "banner") is None, "shared with all departments is the name only"
    rows = seen(bureau, names, "banner")
    assert rows is not None
    assert len(rows) == 30
    who = bureau["banner"]
    with pytest.raises(Exception, match="not open to you") as caught:
        bureau.platform.apps.data(who, app, "firms", {})
    assert caught.value.reason == "app_data_denied"  # type: ignore[attr-defined]


def test_the_stronger_mask_holds(bureau: Bureau) -> None:
    items = Item(NAME, Handling.AS_IS), Item(CITY, Handling.MASKED)
    app = released(bureau, files("own-masked", granted(bureau, NAME, items=items), NAME, CITY))
    rows = seen(bureau, app, "steward")
    assert rows is not None
    assert {row[CITY] for row in bureau.read("steward")} == set(CITIES), "the department itself sees them as they are"
    assert not {row[CITY] for row in rows} & set(CITIES), "and masked here, as they were granted"
    assert rows == seen(bureau, app, "consumer")


def test_when_the_grant_ends_the_next_request_is_refused(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-ended", grant, NAME, CITY))
    assert seen(bureau, app, "steward")
    bureau.exchange.revoke(SYSTEM, grant.id, "不再需要")
    assert seen(bureau, app, "steward") is None
    fresh = granted(bureau, NAME, CITY)
    assert seen(bureau, app, "steward") is None, "another grant is not the one that was reviewed"
    later = released(bureau, files("own-later", fresh, NAME, CITY))
    assert seen(bureau, later, "steward")
    bureau.clock.at += timedelta(days=91)
    assert seen(bureau, later, "steward") is None


def test_a_grant_that_ends_while_a_page_is_made_opens_nothing(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    from beijiang.protection.service import together

    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-meanwhile", grant, NAME, CITY))
    bureau.platform.sql._answers.forget()  # what the checks asked is kept under the same grant
    monkeypatch.setattr(together, "SECONDS", -1.0)  # every answer is asked for again, however quick it was
    real = type(bureau.platform.sql._together)._made

    def made(*words: Any) -> Any:
        found = real(*words)
        bureau.exchange.revoke(SYSTEM, grant.id, "中途撤销")
        return found

    monkeypatch.setattr(type(bureau.platform.sql._together), "_made", made)
    assert seen(bureau, app, "steward") is None


def test_its_quota_counts_whoever_looks(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY, rows_per_day=100)
    app = released(bureau, files("own-quota", grant, NAME, CITY))
    had = bureau.exchange.grant(bureau["consumer"], grant.id).usage[0].rows
    room = (100 - had) // 30
    for _ in range(room):
        assert seen(bureau, app, "steward")
    assert bureau.exchange.grant(bureau["consumer"], grant.id).usage[0].rows == had + 30 * room
    card = bureau.platform.apps.page(bureau["steward"], app, "firms", {}).cards[0]
    assert card.state is CardState.FAILED
    assert card.data is None
    with pytest.raises(Throttled):
        bureau.platform.apps.data(bureau["steward"], app, "firms", {})


def test_a_grade_that_rose_closes_what_was_granted_at_a_lower_one(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-grade", grant, CITY))
    assert seen(bureau, app, "steward")
    protection, before = bureau.platform.protection, bureau.platform.protection.grades_of(TABLE)[CITY].level
    protection.correct(SYSTEM, TABLE, CITY, level=Level.L3, reason="商业秘密")
    try:
        assert seen(bureau, app, "steward") is None
    finally:
        lowered(protection, SYSTEM, TABLE, CITY, level=before, reason="恢复")


def test_the_grant_of_another_department_opens_nothing(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    apps = bureau.platform.apps
    with pytest.raises(Invalid) as caught:
        apps.submit(bureau["steward"], files("own-stolen", grant, NAME, CITY, owner=OWNER))
    assert "holds no grant" in caught.value.text.en
    page = granted(bureau, NAME, CITY, purpose="statistics", ways=frozenset({Way.PAGE}))
    with pytest.raises(Invalid):
        apps.submit(bureau["consumer"], files("own-exit", page, NAME, CITY))
    for text in (
        f'own_grants = {{ "别的表" = "{grant.id}" }}\n',
        "own_grants = 7\n",
        f'own_grants = {{ "{TABLE}" = 7 }}\n',
    ):
        wrong = files("own-wrong", None, NAME)
        with pytest.raises(Invalid) as caught:
            apps.submit(bureau["consumer"], {**wrong, "app.toml": text + wrong["app.toml"]})
        assert "own_grants" in caught.value.text.en


def test_the_review_shows_what_it_opens_and_has_to_allow_it(bureau: Bureau) -> None:
    apps, grant = bureau.platform.apps, granted(bureau, NAME, CITY, ID, filters=BAOTOU, impact="评2026-03")
    app, version = apps.submit(bureau["consumer"], files("own-review", grant, NAME, ID))
    (opened,) = apps.opens(bureau["reviewer"], app.id, version.number)
    assert (opened.table, opened.grant) == (TABLE, grant.id)
    assert opened.seen is not None
    assert opened.seen.filtered
    masked = {column.name: column.masked for column in opened.seen.columns}
    assert masked[ID]
    assert not masked[NAME]
    with pytest.raises(Refused) as caught:
        apps.review(bureau["reviewer"], app.id, version.number, approve=True, note="x")
    assert caught.value.reason == "app_own_grants"
    with pytest.raises(Exception, match="application"):
        apps.opens(bureau["banner"], app.id, version.number)
    apps.review(bureau["reviewer"], app.id, version.number, approve=True, note="x", own_grants=True)
    log = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=app.id)).records
    assert any(grant.id in str(record) and record.action == "apps.app_approve" for record in log)


def test_evidence_names_who_looked_and_the_grant_of_the_application(bureau: Bureau) -> None:
    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-evidence", grant, NAME, CITY))
    view = bureau.platform.apps.page(bureau["steward"], app, "firms", {})
    data = view.cards[0].data
    assert data is not None
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=TABLE, limit=5)).records
    told = next(str(record) for record in found if grant.id in str(record))
    assert bureau["steward"].id in told
    assert "own_grant" in told


def test_at_the_terminal(bureau: Bureau) -> None:
    from typer.testing import CliRunner

    from beijiang import terminal
    from beijiang.apps.commands import commands
    from beijiang.kit import Language

    grant, platform = granted(bureau, NAME, CITY), bureau.platform
    app = released(bureau, files("own-shell", grant, NAME, CITY))
    group = commands(
        lambda: platform.apps, lambda: platform.app_jobs, lambda: platform.access, lambda: platform.app_servers, print
    )
    terminal.set_style(as_json=False, language=Language.EN)
    try:
        told = CliRunner().invoke(group, ["grants", app, "1", "--as", "reviewer"])
    finally:
        terminal.set_style(as_json=False, language=Language.ZH)
    assert told.exit_code == 0, told.output
    assert grant.id in told.output


def test_by_the_api(bureau: Bureau) -> None:
    from beijiang.access import KeyDraft

    grant = granted(bureau, NAME, CITY)
    app = released(bureau, files("own-api", grant, NAME, CITY))
    scopes = frozenset({str(Permission.APPS_APP_OPEN), str(Permission.APPS_APP_REVIEW)})
    _, secret = bureau.platform.access.issue_key(bureau["reviewer"], KeyDraft(name="r", scopes=scopes, days=1))
    client = TestClient(create_app(bureau.platform), headers={"Authorization": f"Bearer {secret}"})
    told = client.get(f"/api/v1/apps/{app}/versions/1/grants").json()["grants"]
    assert told[0]["in_force"]
    assert {one["name"] for one in told[0]["columns"]} == {NAME, CITY}
    bureau.exchange.revoke(SYSTEM, grant.id, "x")
    assert not client.get(f"/api/v1/apps/{app}/versions/1/grants").json()["grants"][0]["in_force"]
