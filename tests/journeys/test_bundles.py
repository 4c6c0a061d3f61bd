"""Every application of the demo: whole, right in shape, and shown to three kinds of readers in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from beijiang.app import create_app
from beijiang.apps import BlockKind, Bundle, CardState, parse_bundle
from beijiang.build import build
from beijiang.demo.applications import INSIDE, NAMES, bundled
from beijiang.kit import ANONYMOUS, Actor, NotFound
from beijiang.platform import Platform
from beijiang.settings import Settings

ORIGIN = "https://testserver"
READERS = ("", "steward.tourism", "analyst")
"""A visitor, somebody of a department, and an analyst of the authority."""
RICH = ("macro-economy", "credit", "environment", "work-plan")
HEADS = re.compile(r"<(h1|h2|h3|th|figcaption|label)\b[^>]*>(.*?)</\1>", re.DOTALL)
HAN = re.compile(r"[\u4e00-\u9fff]")
PAGES = [(name, page) for name in NAMES for page in parse_bundle(bundled(name)).manifest.pages]


@dataclass
class Region:
    platform: Platform
    passwords: dict[str, str]
    browsers: dict[str, TestClient] = field(default_factory=dict)

    def actor(self, login: str) -> Actor:
        return self.platform.access.actor_for_person(login)

    def browser(self, login: str) -> TestClient:
        """Return a browser in which this person has signed in, a visitor's for an empty name."""
        if login not in self.browsers:
            client = TestClient(create_app(self.platform), base_url=ORIGIN, headers={"Accept": "text/html"})
            if login:
                form = {"login": login, "password": self.passwords[login]}
                answer = client.post("/console/sign-in", data=form, headers={"Origin": ORIGIN})
                assert answer.status_code == 200, answer.text
            self.browsers[login] = client
        return self.browsers[login]


@pytest.fixture(scope="module")
def region(demo: Any) -> Iterator[Region]:
    platform = build(Settings(home=demo.home))
    platform.apps.patience = 60.0  # pages of tests wait for all their cards
    platform.apps.meter.reader_per_minute = 10_000  # and three readers open all of them at once
    accounts = json.loads((demo.home / "demo" / "first-login.json").read_text(encoding="utf-8"))
    made = Region(platform, {one["login"]: one["password"] for one in accounts})
    yield made
    for client in made.browsers.values():
        client.close()
    platform.close()


def read(name: str) -> Bundle:
    return parse_bundle(bundled(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_has_pages_blocks_an_end_point_tests_and_an_alert(name: str) -> None:
    bundle = read(name)
    kinds = {block.kind.value for page in bundle.pages.values() for block in page.blocks}
    assert len(bundle.pages) >= (5 if name in RICH else 3)
    assert kinds >= {"number", "text", "chart", "table", "filter"}
    assert name == "work-plan" or "map" in kinds
    assert any("link" in block.facts for page in bundle.pages.values() for block in page.blocks)
    assert bundle.api
    assert len(bundle.tests) >= 2
    if name != "market-entities":
        assert any(job.is_alert for job in bundle.jobs.values())
    for page in bundle.pages.values():
        assert not HAN.search(page.title.en), page.name


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_passes_its_checks_as_its_department(region: Region, name: str) -> None:
    found = region.platform.apps.check(region.actor(f"steward.{read(name).manifest.owner}"), bundled(name))
    assert found.good, [fault.line_in(1) for fault in found.faults]


@pytest.mark.parametrize(("name", "page"), PAGES)
@pytest.mark.parametrize("login", READERS)
def test_a_page_is_whole_for_its_readers_in_both_languages(region: Region, name: str, page: str, login: str) -> None:
    apps, browser = region.platform.apps, region.browser(login)
    address = f"/apps/{name}/{page}"
    if name in INSIDE and not login:
        assert browser.get(address).status_code == 404
        return
    actor = region.actor(login) if login else ANONYMOUS
    may_ask = actor is not ANONYMOUS and bool(region.platform.graphs.graphs(actor))
    for card in apps.page(actor, name, page, {}, "tests").cards.values():
        ready = card.block.kind is not BlockKind.NETWORK or may_ask
        assert card.state is (CardState.READY if ready else CardState.DENIED)
    chinese, english = browser.get(f"{address}?lang=zh-CN"), browser.get(f"{address}?lang=en")
    assert chinese.status_code == english.status_code == 200
    assert HAN.search(chinese.text)
    heads = [re.sub(r"<select.*?</select>|<[^>]+>", " ", words, flags=re.DOTALL) for _, words in HEADS.findall(english.text)]  # fmt: skip
    assert [words for words in heads if HAN.search(words)] == []
    assert "{{" not in re.sub(r"<script.*?</script>", "", english.text, flags=re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_end_points_answer_whoever_may_open_the_application(region: Region, name: str) -> None:
    for end in read(name).api:
        address = f"/api/v1/apps/{name}/data/{end}"
        visitor = region.browser("").get(address)
        assert visitor.status_code == (404 if name in INSIDE else 200), visitor.text
        inside = region.browser("steward.transport").get(address)
        assert inside.status_code == 200, "not the reader of all pages above, whose minute is used up"
        assert {"columns", "rows"} <= set(inside.json())


def test_the_store_says_what_each_application_uses(region: Region) -> None:
    page = region.browser("steward.tourism").get("/apps?lang=zh-CN").text
    for name in NAMES:
        manifest = read(name).manifest
        assert f'href="/apps/{name}/{manifest.pages[0]}"' in page
        assert all(table in page for table in manifest.resources)
    visitor = region.browser("").get("/apps?lang=zh-CN").text
    assert all((f"/apps/{name}/" in visitor) == (name not in INSIDE) for name in NAMES)


def test_an_inside_application_looks_like_a_made_up_one_to_visitors(region: Region) -> None:
    with pytest.raises(NotFound) as hidden:
        region.platform.apps.page(ANONYMOUS, "work-plan", "overview", {}, "tests")
    with pytest.raises(NotFound) as made_up:
        region.platform.apps.page(ANONYMOUS, "no-such-app", "overview", {}, "tests")
    assert hidden.value.text == made_up.value.text


def test_the_check_for_joint_incentives_names_lists_with_their_basis(region: Region) -> None:
    listed = region.platform.apps.page(ANONYMOUS, "credit", "lists", {}, "tests").cards[2].data
    assert listed is not None
    code = listed.rows[0]["统一社会信用代码"]
    answer = region.browser("").get(f"/api/v1/apps/credit/data/check?subject={code}").json()
    assert answer["rows"]
    assert all(row["统一社会信用代码"] == code and row["认定依据"] and row["认定机关"] for row in answer["rows"])
    assert region.browser("").get("/api/v1/apps/credit/data/check?subject=91150000MA0DEM0A5").json()["rows"] == []
    assert region.browser("").get("/api/v1/apps/credit/data/check").json()["rows"] == []


def test_a_score_is_the_sum_of_its_reasons_and_has_the_class_of_the_rule(region: Region) -> None:
    apps = region.platform.apps
    found = apps.page(ANONYMOUS, "credit", "search", {}, "tests").cards[1].data
    assert found is not None
    classes = {"A": 880, "B": 800, "C": 650, "D": 0}
    for row in found.rows[:5]:
        cards = apps.page(ANONYMOUS, "credit", "subject", {"subject": row["统一社会信用代码"]}, "tests").cards
        profile = next(card.first for card in cards.values() if "评分" in card.first)
        reasons = next(card.data for card in cards.values() if card.block.query == "reasons")
        assert reasons is not None
        assert profile["评分"] == sum(reason["得分"] for reason in reasons.rows)
        assert profile["等级"] == next(name for name, least in classes.items() if profile["评分"] >= least)
        assert profile["主体名称"] == row["主体名称"]


def test_the_work_plan_shows_what_the_assessment_holds(region: Region) -> None:
    steward = region.actor("steward.bigdata")
    tasks = region.platform.plan.tasks(steward)
    first = region.platform.apps.page(steward, "work-plan", "overview", {}, "tests").cards[0].first
    assert first["任务数"] == sum(1 for lit in tasks if lit.task.leads or lit.task.joint)
    lamps = [lit.light.text.zh for lit in tasks if lit.task.leads or lit.task.joint]
    assert [first[name] for name in ("红灯", "黄灯", "已办结")] == [lamps.count(n) for n in ("红灯", "黄灯", "已办结")]
