"""The vectors of the standards, and the facts that other domains rely on."""

import asyncio
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from beijiang.kit import NotFound
from beijiang.standards import Standards, Verdict, check_citizen_id, check_luhn, check_org_code, check_uscc
from beijiang.standards.checks import citizen_check_character, uscc_check_character
from beijiang.standards.routes import router

STANDARDS = Standards()
PREFIXES = frozenset(region.code for region in STANDARDS.regions()) | {"110105", "440524"}


@pytest.mark.parametrize(
    ("value", "verdict", "reason"),
    [
        ("11010519491231002X", Verdict.OK, None),
        ("11010519491231002x", Verdict.OK, None),
        ("１１０１０５１９４９１２３１００２Ｘ", Verdict.OK, None),
        ("440524188001010014", Verdict.OK, None),
        ("150102199001011230", Verdict.OK, None),
        ("152101197810045517", Verdict.WARN, "prefix"),
        ("110105194912310021", Verdict.ERROR, "check"),
        ("1501021990010112", Verdict.ERROR, "shape"),
    ],
)
def test_citizen_id_vectors(value: str, verdict: Verdict, reason: str | None) -> None:
    result = check_citizen_id(value, today=date(2026, 1, 1), known_prefixes=PREFIXES)
    assert (result.verdict, result.reason) == (verdict, reason)


def test_citizen_id_with_an_impossible_date_is_wrong_even_if_its_check_digit_fits() -> None:
    body = "15010219900230123"
    assert check_citizen_id(body + citizen_check_character(body)).reason == "date"
    assert not check_citizen_id("150102199002301234").passes


def test_citizen_id_of_the_future_and_of_fifteen_digits() -> None:
    body = "15010220990101123"
    assert check_citizen_id(body + citizen_check_character(body), today=date(2026, 1, 1)).reason == "future"
    assert check_citizen_id("110105491231002").value == "11010519491231002X"


@pytest.mark.parametrize(
    "value",
    ["91350100M000100Y43", "91110000802100433B", "91150102MA0N00016G", "91150102MA0N00067Q", "111500000115123431"],
)
def test_right_credit_codes(value: str) -> None:
    assert check_uscc(value).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("value", "reason"),
    [("91350100M000100Y4X", "check"), ("9115010ZMA0N00016G", "shape"), ("91150102MAON00016G", "shape")],
)
def test_wrong_credit_codes(value: str, reason: str) -> None:
    assert check_uscc(value).reason == reason


def test_inner_organisation_code_only_warns() -> None:
    assert check_uscc("91350100M000100Y43", inner=True).verdict is Verdict.OK
    body = "91150102MA0N00017"
    assert check_uscc(body + uscc_check_character(body), inner=True).verdict is Verdict.WARN


def test_organisation_codes_and_card_numbers() -> None:
    assert check_org_code("80210043-3").value == check_org_code("802100433").value == "80210043-3"
    assert check_org_code("D2143569-X").passes
    assert check_org_code("M000100Y-4").passes
    assert check_org_code("80210043-4").reason == "check"
    assert check_luhn("79927398713").passes
    assert not check_luhn("79927398710").passes


@given(st.text(alphabet="0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=9, max_size=9), st.integers(0, 16))
def test_one_changed_character_of_a_credit_code_is_always_found(tail: str, place: int) -> None:
    body = "91150102" + tail
    code = body + uscc_check_character(body)
    assert check_uscc(code).passes
    other = "1" if code[place] != "1" else "2"
    assert not check_uscc(code[:place] + other + code[place + 1 :]).passes


@pytest.mark.parametrize(
    ("start", "count", "due"),
    [
        (date(2025, 9, 26), 10, date(2025, 10, 16)),
        (date(2025, 9, 30), 1, date(2025, 10, 9)),
        (date(2025, 9, 27), 2, date(2025, 9, 29)),
        (date(2025, 10, 10), 1, date(2025, 10, 11)),
    ],
)
def test_working_day_vectors(start: date, count: int, due: date) -> None:
    assert STANDARDS.due(start, count).on == due
    assert not STANDARDS.due(start, count).provisional
    assert STANDARDS.calendar.working_days_between(start, due) == count


def test_the_festival_of_2026_and_its_make_up_days_are_known() -> None:
    assert not STANDARDS.calendar.is_working(date(2026, 2, 23))
    assert STANDARDS.calendar.is_working(date(2026, 2, 28))
    assert STANDARDS.due(date(2026, 2, 13), 2).on == date(2026, 2, 24)


def test_a_year_without_calendar_counts_weekends_and_says_so() -> None:
    due = STANDARDS.due(date(2027, 11, 19), 2)
    assert (due.on, due.provisional) == (date(2027, 11, 23), True)


def test_region_facts() -> None:
    counties = [r for r in STANDARDS.regions() if r.level == 3 and not r.is_functional_zone]
    assert len(STANDARDS.children("150000")) == 12
    assert len(counties) == 103
    assert sum(r.is_functional_zone for r in STANDARDS.regions()) == 5
    assert len([j for j in STANDARDS.jurisdictions() if j.admin_tier == 2]) == 15
    assert STANDARDS.region("152501").name == "二连浩特市"
    with pytest.raises(NotFound):
        STANDARDS.region("999999")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("呼和浩特市新城区", "150102"),
        ("鄂尔多斯市统计局", "150600"),
        ("内蒙古自治区", "150000"),
        ("内蒙古呼伦贝尔满洲里", "150781"),
        ("锡林郭勒盟", "152500"),
        ("某地", None),
    ],
)
def test_regions_are_found_by_name(text: str, code: str | None) -> None:
    found = STANDARDS.region_by_name(text)
    assert (found.code if found else None) == code


def test_categories_form_a_tree_and_are_guessed() -> None:
    codes = {c.code: c for c in STANDARDS.categories()}
    for category in codes.values():
        assert (category.parent is None) == (category.tier == "class")
        assert category.parent is None or category.code.startswith(codes[category.parent].code)
    assert STANDARDS.guess_category(["空气质量小时数据", "站点", "PM2.5"]) == "211001"
    assert STANDARDS.guess_category(["企业登记信息", "统一社会信用代码"]) == "102001"
    assert STANDARDS.guess_category(["低保对象名单"]) == "203002"
    assert STANDARDS.guess_category(["xyz"]) is None


def test_every_rule_has_a_basis_and_every_table_reads() -> None:
    assert all(rule.basis for rule in STANDARDS.rules())
    assert STANDARDS.rule("catalog.review.809").value == "2"
    assert not STANDARDS.rule("catalog.review.809").verified
    assert len(STANDARDS.quality_indicators()) == 20
    assert len(STANDARDS.update_cycles()) == 10
    assert STANDARDS.code_set("sex").value("2").name.zh == "女性"  # type: ignore[union-attr]
    assert STANDARDS.element_for_column("公民身份号码").level == "L3"  # type: ignore[union-attr]
    assert STANDARDS.licence("CC-BY-4.0").is_open
    assert len(STANDARDS.data_elements("population")) > 10
    assert STANDARDS.departments()
    assert STANDARDS.themes()
    local = STANDARDS.category("307")
    assert (local.name.zh, local.plain.zh) == ("省（自治区、直辖市）及其下各级政务部门", "综合统计与政务")
    assert STANDARDS.category("101").plain == STANDARDS.category("101").name


def _get(path: str) -> Any:
    app = FastAPI()
    app.include_router(router(STANDARDS))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.get(f"/api/v1/standards/{path}")

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    return answer.json()


def test_http_api() -> None:
    assert len(_get("regions")["regions"]) == 12
    assert _get("codes/ethnic")["values"][1]["name"]["zh"] == "蒙古族"
    assert len(_get("cycles")["cycles"]) == 10
    for path in ("categories", "licences", "formats", "rules"):
        assert _get(path)[path]
