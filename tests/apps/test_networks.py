"""Graphs of relations on pages of applications: made of what the reader may see, and of nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asking import OWNER, PASSWORD
from fastapi.testclient import TestClient
from hosting import released

from beijiang.access import SESSION_COOKIE
from beijiang.apps import AudienceKind, CardData, CardState
from beijiang.kit import ANONYMOUS, Actor

sys.path.append(str(Path(__file__).parents[1] / "mining" / "graphs"))
from company import DRAFT, HELD, REGISTER, Company, code, open_company

PAGE = """# 股权

```filter
parameters = ["firm"]
```

```network
graph = "企业关系图"
about = "firm"
question = "up"
title = "股东"
```

```network
graph = "企业关系图"
about = "firm"
question = "controller"
title = "实际控制人"
```
"""
ENGLISH = '"股权" = "Ownership"\n"股东" = "Holders"\n"实际控制人" = "Controller"\n'
HEAD = f"""id = "owners"
version = "1.0.0"
owner = "{OWNER}"
resources = ["{REGISTER}", "{HELD}"]
pages = ["owners"]

[name]
zh = "股权"
en = "Ownership"

[purpose]
zh = "看股权。"
en = "See who owns what."

[parameters.firm]
type = "text"
label = {{ zh = "企业", en = "Enterprise" }}
"""
FILES = {"app.toml": HEAD, "pages/owners.md": PAGE, "i18n/en.toml": ENGLISH}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    opened = open_company(tmp_path_factory.mktemp("networks"))
    opened.office.platform.apps.patience = 300.0
    released(opened.office, FILES, AudienceKind.PUBLIC)
    yield opened
    opened.office.close()


def card(company: Company, who: Actor, firm: str, number: int = 1) -> CardData:
    found = company.office.platform.apps.page(who, "owners", "owners", {"firm": firm}).cards[number]
    assert found.state is CardState.READY, found.why
    assert found.data is not None
    return found.data


def test_the_graph_says_who_holds_and_controls_the_named_enterprise(company: Company) -> None:
    first = company.office["first"]
    for words in (code(1), code(1).lower(), "内蒙古第1实业有限公司"):
        found = card(company, first, words)
        assert found.network is not None
        assert found.network.shown is not None
        shares = {one.ref: one.share for one in found.network.shown.parties}
        assert shares[code(3)] == pytest.approx(0.48)
        assert len(found.receipt.split()) == 2
    decided = card(company, first, code(1), 2).network
    assert decided is not None
    assert decided.shown is not None
    assert decided.shown.facts["state"] == "majority"
    asked = company.office.platform.graphs.controller(first, company.graph, code(1))
    assert decided.shown.facts["controller"] == asked.facts["controller"]


def test_words_that_may_mean_several_are_asked_back_and_none_is_said(company: Company) -> None:
    first = company.office["first"]
    several = card(company, first, "实业").network
    assert several is not None
    assert several.shown is None
    assert len(several.meant) > 5
    nobody = card(company, first, "没有这家").network
    assert nobody is not None
    assert (nobody.shown, nobody.meant, nobody.asked) == (None, (), True)
    silent = card(company, first, "").network
    assert silent is not None
    assert not silent.asked


@pytest.mark.threat("TM-02")
def test_readers_see_the_graph_of_their_own_rights_and_visitors_see_none(company: Company) -> None:
    apps = company.office.platform.apps
    head = company.office["colleague"]
    own = card(company, head, code(1)).network
    others = card(company, company.office["first"], code(1)).network
    assert own is not None
    assert others is not None
    assert own.shown is not None
    assert others.shown is not None
    for seen, login in ((own.shown, "colleague"), (others.shown, "first")):
        straight = company.graphs.chain(company.office[login], company.graph, code(1))
        assert [one.name for one in seen.parties] == [one.name for one in straight.parties]
    visited = apps.page(ANONYMOUS, "owners", "owners", {"firm": code(1)}).cards[1]
    assert visited.state is CardState.DENIED
    assert visited.data is None


def test_who_is_shown_no_key_is_told_which_and_how_to_come_by_it(company: Company) -> None:
    protection, steward = company.office.platform.protection, company.office["steward"]
    key = DRAFT.subjects.key
    protection.choose_mask(steward, REGISTER, key, "keep", {"prefix": "2", "suffix": "0"}, reason="含个体工商户")
    try:
        asked = company.office.platform.apps.page(company.office["first"], "owners", "owners", {"firm": code(1)})
        assert (asked.cards[1].state, asked.cards[1].data) == (CardState.DENIED, None)
        page = browsing(company, "first").get("/apps/owners/owners", params={"firm": code(1)}).text
        assert f"列“{key}”对您脱敏或不可见" in page
        assert 'href="/console/sharing/find"' in page
        assert card(company, company.office["colleague"], code(1)).network is not None
    finally:
        protection.drop_mask(steward, REGISTER, key, "完")
    assert card(company, company.office["first"], code(1)).network is not None


def browsing(company: Company, login: str) -> TestClient:
    """Return a browser in which somebody signed in."""
    token = company.office.platform.access.sign_in(login, PASSWORD, "tests").token
    return TestClient(company.office.app, base_url="https://testserver", cookies={SESSION_COOKIE: token})


def test_the_page_draws_links_on_and_lists_the_same(company: Company) -> None:
    client = browsing(company, "first")
    page = client.get("/apps/owners/owners", params={"firm": code(1)})
    assert page.status_code == 200, page.text[:500]
    assert "<svg" in page.text
    assert f"/apps/owners/owners?firm={code(2)}" in page.text
    assert "按多数表决权认定" in page.text
    english = client.get("/apps/owners/owners", params={"firm": "实业", "lang": "en"}).text
    assert english.count("Several parties match") == 1
    assert english.count("Shown once a party is chosen") == 1
    quoted = client.get("/apps/owners/owners", params={"firm": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in quoted


def test_checks_name_what_is_wrong_with_a_graph(company: Company) -> None:
    apps, steward = company.office.platform.apps, company.office["steward"]
    company.graphs.declare(steward, replace(DRAFT, name="内部图", shared=False))

    def faults(files: dict[str, str]) -> str:
        return " ".join(fault.line_in(1) for fault in apps.check(steward, files).faults)

    assert apps.check(steward, FILES).good
    other = {**FILES, "pages/owners.md": PAGE.replace("企业关系图", "没有的图")}
    assert "the department has no graph 没有的图" in faults(other)
    closed = {**FILES, "pages/owners.md": PAGE.replace("企业关系图", "内部图")}
    assert "is not shared" in faults(closed)
    unnamed = {**FILES, "app.toml": HEAD.replace(f', "{HELD}"', "")}
    assert f"reads {HELD}" in faults(unnamed)
    wrong = {**FILES, "pages/owners.md": PAGE.replace('question = "up"', 'question = "sideways"')}
    with pytest.raises(Exception, match="question"):
        apps.check(steward, wrong)
