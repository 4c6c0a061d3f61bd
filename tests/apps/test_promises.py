"""Checks of what a bundle relies on: roles that there are, contracts in force and kept, pages that can be read out."""

from __future__ import annotations

import pytest
from asking import FIRMS, OWNER, Office, firm
from hosting import HEAD, bundle, released, renamed

from beijiang.apps import AudienceKind, parse_bundle
from beijiang.contracts import Contract
from beijiang.kit import ANONYMOUS, SYSTEM, Invalid, NotFound

CONTRACT = f"""apiVersion: v3.1.0
kind: DataContract
id: firms
version: %s
status: draft
schema:
  - name: firms
    physicalName: {FIRMS}
    properties:
      - {{name: 企业名称, logicalType: string}}
      - {{name: 盟市, logicalType: %s, required: true}}
      - {{name: 注册资本, logicalType: %s}}
      - {{name: 法定代表人手机, logicalType: string}}
"""


def told(office: Office, files: dict[str, str], name: str) -> tuple[bool, str]:
    found = office.platform.apps.check(office["steward"], files)
    return next((one.good, one.found.en) for one in found.checks if one.name == name)


def faults(office: Office, files: dict[str, str]) -> list[tuple[str, int, str]]:
    found = office.platform.apps.check(office["steward"], files)
    return [(one.file, one.line, one.what.en) for one in found.faults]


@pytest.mark.parametrize(
    ("page", "line", "words"),
    [
        ("# 概览\n\n见 [](https://x.example)。", 3, "a link in the Chinese has no words"),
        ("# 概览\n\n[ ](/apps)", 3, "has no words"),
        ("# 概览\n\n#### 明细\n", 3, "the headings leap from level 1 to 4"),
        ("# 概览\n\n## 概览\n\n#### 明细\n", 5, "the headings leap from level 2 to 4"),
        ("# 概览\n\n##\n\nx", 3, "a heading has no words"),
        ("# 概览\n\n| 盟市 | |\n|---|---|\n| a | b |\n", 3, "a column of a table has no head"),
    ],
)
def test_what_nobody_can_read_out_is_a_fault(page: str, line: int, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_bundle(bundle(pages__overview_md=page))
    found = caught.value.detail["faults"]
    assert isinstance(found, list)
    told_ = [(one["file"], one["line"], one["what"]["en"]) for one in found]  # type: ignore[call-overload,index]
    assert any(f == "pages/overview.md" and n == line and words in what for f, n, what in told_), told_


def test_the_english_of_a_page_is_looked_at_too_and_what_can_be_read_out_is_fine() -> None:
    page = '# 概览\n\n见[名单](/apps)。\n\n```link\npage = "leagues"\ntitle = "看名单"\n```\n\n### 名单\n\n| 盟市 | 户数 |\n|---|---|\n| 1 |  |\n'
    words = bundle()["i18n/en.toml"]
    good = words + '"见[名单](/apps)。" = "See the [list](/apps)."\n'
    assert parse_bundle(bundle(pages__overview_md=page, i18n__en_toml=good)).pages
    with pytest.raises(Invalid) as caught:
        parse_bundle(bundle(pages__overview_md=page, i18n__en_toml=good.replace("[list]", "[ ]")))
    assert "a link in the English has no words" in caught.value.text.en
    with pytest.raises(Invalid):
        parse_bundle(bundle(i18n__en_toml=words.replace('"Overview"', '" "')))


def test_a_role_that_is_none_is_found_and_roles_are_told_to_the_public(office: Office) -> None:
    wrong = bundle(app_toml=HEAD.replace("pages = [", 'roles = ["analist", "steward"]\npages = ['))
    assert any("there is no role analist" in what and (f, n) == ("app.toml", 5) for f, n, what in faults(office, wrong))
    files = renamed(bundle(app_toml=HEAD.replace("pages = [", 'roles = ["analyst"]\npages = [')), "for-analysts")
    files["queries/firms.sql"] = f'SELECT "企业名称", "盟市" FROM "{FIRMS}" WHERE "注册资本" >= $least ORDER BY 1'
    assert told(office, files, "roles") == (True, "analyst")
    assert told(office, files, "accessibility")[0]
    assert told(office, files, "public")[1].endswith("nobody opens it without signing in")
    released(office, files, AudienceKind.PUBLIC)
    assert office.platform.apps.page(office["first"], "for-analysts", "overview", {}).cards
    for reader in (ANONYMOUS, office["first_keeper"]):
        with pytest.raises(NotFound):
            office.platform.apps.page(reader, "for-analysts", "overview", {})


def agreed(office: Office, version: str, league: str = "string", capital: str = "number") -> Contract:
    contracts = office.platform.contracts
    text = (CONTRACT % (version, league, capital)).encode()
    found = contracts.hand_in(office["steward"], OWNER, text, "第一版")
    contracts.propose(office["steward"], found.id, "请审核")
    waiting = contracts.contract(office["reviewer"], found.id)
    assert waiting.open is not None
    done = contracts.approve(office["reviewer"], found.id, "同意", seen=waiting.open.shown.token)
    office.platform.db.deliver_waiting()
    for job in office.platform.jobs.jobs(SYSTEM):
        assert office.platform.jobs.wait(job.id, timeout=240).ended
    return done


def test_contracts_of_the_tables_are_looked_at_by_table_and_used_column(office: Office) -> None:
    """One story: no contract, one that is kept, one that the table is not like, one that its rows break, one that has ended."""
    office.platform.jobs.start_worker()
    files = renamed(bundle(), "contracted")
    assert told(office, files, "contracts") == (True, "0 tables have one, 1 have none")
    agreed(office, "1.0.0")
    assert told(office, files, "contracts") == (True, "1 tables have one, 0 have none")
    assert faults(office, files) == []
    agreed(office, "2.0.0", capital="date")
    line = 4
    assert ("app.toml", line, f"the column 注册资本 of {FIRMS} is not as its contract firms says") in faults(
        office, files
    )
    spares = {
        **files,
        "queries/firms.sql": f'SELECT "企业名称", "法定代表人", "盟市" FROM "{FIRMS}" WHERE $least >= 0 ORDER BY 1',
    }
    assert not [what for _, _, what in faults(office, spares) if "注册资本" in what], "no query looks at that column"
    whole = {
        **spares,
        "queries/total.sql": f'SELECT count(*) AS "户数" FROM (SELECT * FROM "{FIRMS}") WHERE $league IS NULL',
    }
    assert [what for _, _, what in faults(office, whole) if "注册资本" in what], "that query takes them all"
    ended = agreed(office, "3.0.0")
    office.platform.contracts.retire(office["reviewer"], ended.id, "系统下线")
    assert [what for _, _, what in faults(office, files)] == [f"the contract firms of {FIRMS} has ended"]
    with pytest.raises(Invalid):
        office.platform.apps.submit(office["steward"], files)


def test_a_version_that_breaks_its_contract_is_named(office: Office) -> None:
    files = renamed(bundle(), "broken-promise")
    office.write([firm(1, 盟市=None), *(firm(n) for n in range(60))])
    agreed(office, "4.0.0")
    assert any(FIRMS in what and "firms 4.0.0" in what for _, _, what in faults(office, files)), faults(office, files)
