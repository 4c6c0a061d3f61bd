"""Ratings of applications: one of each reader, answered, hidden with a reason, and never with a name."""

from __future__ import annotations

import pytest
from asking import OTHER, OWNER, Office
from fastapi.testclient import TestClient
from hosting import bundle, released, renamed

from beijiang.apps import AudienceKind
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Denied, Invalid, NotFound


@pytest.fixture(scope="module")
def app(office: Office) -> str:
    released(office, renamed(bundle(), "rated"), AudienceKind.DEPARTMENTS, OWNER, OTHER)
    return "rated"


def test_a_reader_has_one_rating_that_he_changes_and_takes_back(office: Office, app: str) -> None:
    ratings = office.platform.app_ratings
    first = ratings.rate(office["first"], app, 2, "太慢")
    again = ratings.rate(office["first"], app, 4, "好多了")
    ratings.rate(office["second"], app, 5)
    assert again.id == first.id
    found = ratings.of(office["second"], app)
    assert (found.stars.count, found.stars.average) == (2, 4.5)
    assert found.stars.counts == {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}
    assert found.mine is not None
    assert found.mine.stars == 5
    ratings.remove(office["second"], app)
    assert ratings.of(office["second"], app).stars.count == 1
    with pytest.raises(NotFound):
        ratings.remove(office["second"], app)
    with pytest.raises(Invalid):
        ratings.rate(office["second"], app, 6)
    with pytest.raises(Invalid):
        ratings.rate(office["second"], app, 3, "x" * 1001)


def test_who_may_not(office: Office, app: str) -> None:
    ratings = office.platform.app_ratings
    with pytest.raises(Denied) as caught:
        ratings.rate(office["steward"], app, 5, "自己说好")
    assert caught.value.reason == "rating_own_app"
    with pytest.raises(NotFound):
        ratings.rate(ANONYMOUS, app, 5)
    with pytest.raises(NotFound):
        ratings.rate(office["member"], "no-such-app", 5)
    released(office, renamed(bundle(), "rated-one"), AudienceKind.PEOPLE, "first")
    for stranger in (office["second"], ANONYMOUS):
        for ask in (ratings.of, ratings.remove, lambda who, name: ratings.rate(who, name, 1)):
            with pytest.raises(NotFound):
                ask(stranger, "rated-one")
    released(office, renamed(bundle(), "rated-public"), AudienceKind.PUBLIC)
    with pytest.raises(Denied) as caught:
        ratings.rate(ANONYMOUS, "rated-public", 5)
    assert caught.value.reason == "rating_signed_in"


def test_the_makers_answer_and_the_authority_hides_with_a_reason(office: Office, app: str) -> None:
    ratings = office.platform.app_ratings
    given = ratings.rate(office["second"], app, 1, "不当言论")
    for stranger in ("first", "reviewer"):
        with pytest.raises((Denied, NotFound)):
            ratings.answer(office[stranger], app, given.id, "x")
    assert ratings.answer(office["steward"], app, given.id, "已改进").answer == "已改进"
    for stranger in ("first", "steward", "publisher"):
        with pytest.raises((Denied, NotFound)):
            ratings.hide(office[stranger], app, given.id, "x")
    with pytest.raises(Invalid):
        ratings.hide(office["reviewer"], app, given.id, " ")
    before = ratings.of(office["first"], app).stars.count
    ratings.hide(office["reviewer"], app, given.id, "含不当言论")
    seen = ratings.of(office["first"], app)
    assert seen.stars.count == before - 1
    assert given.id not in {one.id for one in seen.ratings}
    mine = ratings.of(office["second"], app).mine
    assert mine is not None
    assert mine.hidden == "含不当言论"
    assert ratings.rate(office["second"], app, 1, "再说一遍").hidden, "what was hidden stays so when it is rewritten"
    ratings.show(office["reviewer"], app, given.id)
    assert ratings.of(office["first"], app).stars.count == before
    steps = [r.action for r in office.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=app)).records]
    assert {f"apps.rating_{step}" for step in ("give", "answer", "hide", "show", "remove")} <= set(steps)


def test_nobodys_name_is_in_what_is_told(office: Office) -> None:
    ratings = office.platform.app_ratings
    ratings.rate(office["first"], "rated-public", 3, "<script>alert(1)</script> 还可以")
    visitor = TestClient(office.app)
    told = visitor.get("/api/v1/apps/rated-public/ratings")
    pages = [visitor.get(at, headers={"Accept": "text/html"}).text for at in ("/apps/rated-public", "/apps")]
    for text in (told.text, *pages):
        assert office["first"].id not in text
        assert office["first"].name not in text
    assert not any("<script>alert" in page for page in pages)
    assert told.json()["count"] == 1
    assert "mine" in told.json()
    assert told.json()["mine"] is None
    assert "3.0 分（1 人评价）" in pages[0]
    assert "3.0 分（1 人评价）" in pages[1]
    assert "登录后可以评价" in pages[0]


def test_by_the_form_the_api_and_the_console(office: Office, app: str) -> None:
    reader, program = office.browser("second"), office.browser_json("second")
    assert reader.post(f"/apps/{app}/rating", data={"stars": "4", "words": "不错"}).status_code == 303
    assert "不错" in reader.get(f"/apps/{app}").text
    changed = program.put(f"/api/v1/apps/{app}/rating", json={"stars": 5, "words": "很好"})
    assert changed.status_code == 200, changed.text
    rating = changed.json()["id"]
    assert program.put(f"/api/v1/apps/{app}/rating", json={"stars": 0}).status_code == 422
    assert "很好" in office.browser("steward").get(f"/console/apps/{app}").text
    at = f"/console/apps/{app}/ratings/{rating}"
    assert office.browser("steward").post(at, data={"do": "answer", "words": "谢谢"}).status_code == 303
    assert office.browser("reviewer").post(at, data={"do": "hide", "words": "试试"}).status_code == 303
    assert program.get(f"/api/v1/apps/{app}/ratings").json()["mine"]["hidden"] == "试试"
    shown = office.browser_json("reviewer").post(f"/api/v1/apps/{app}/ratings/{rating}/hide", json={})
    assert shown.json()["answer"] == "谢谢"
    assert shown.json()["hidden"] == ""
    assert program.delete(f"/api/v1/apps/{app}/rating").status_code == 204
