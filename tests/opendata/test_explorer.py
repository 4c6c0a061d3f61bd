"""Views equal what plain Python computes from the same rows; no form of them shows more than the rows do."""

from __future__ import annotations

import csv
import io
import itertools
import statistics
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.opendata.explorer import Form

if TYPE_CHECKING:
    from conftest import Firm, Portal

TOTALS: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": sum,
    "mean": statistics.fmean,
    "min": min,
    "max": max,
    "median": statistics.median,
    "distinct": lambda values: len(set(values)),
}


def day(firm: Firm) -> date:
    return date.fromisoformat(firm.founded)


def capital(firm: Firm) -> Decimal | None:
    return None if firm.capital is None else Decimal(firm.capital)


CUTS: dict[str, Callable[[Firm], Any]] = {
    "盟市": lambda f: f.city,
    "从业人数": lambda f: f.staff,
    "成立日期:year": lambda f: day(f).replace(month=1, day=1).isoformat(),
    "成立日期:quarter": lambda f: day(f).replace(month=(day(f).month - 1) // 3 * 3 + 1, day=1).isoformat(),
    "成立日期:month": lambda f: day(f).replace(day=1).isoformat(),
    "成立日期:week": lambda f: (day(f) - timedelta(days=day(f).weekday())).isoformat(),
    "成立日期:day": lambda f: f.founded,
    "注册资本:bin1000": lambda f: None if f.capital is None else int(Decimal(f.capital) // 1000) * 1000,
    "从业人数:bin2.5": lambda f: None if f.staff is None else float(f.staff // Decimal("2.5") * Decimal("2.5")),
}


def view(portal: Portal, query: Sequence[tuple[str, str]] | str) -> Any:
    pairs = query if isinstance(query, str) else "&".join(f"{k}={v}" for k, v in query)
    answer = portal.get(portal.api("firms", f"/view?{pairs}"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def grouped(firms: Iterable[Firm], *keys: Callable[[Firm], Any]) -> dict[Any, list[Firm]]:
    found: dict[Any, list[Firm]] = defaultdict(list)
    for firm in firms:
        found[tuple(key(firm) for key in keys)].append(firm)
    return found


def measured(firms: list[Firm], fn: str) -> Any:
    values = [c for c in map(capital, firms) if c is not None]
    return pytest.approx(float(TOTALS[fn](values))) if values or fn == "distinct" else None


@pytest.mark.parametrize("fn", sorted(set(TOTALS) - {"count"}))
@pytest.mark.parametrize("by", CUTS)
def test_every_group_and_measure_is_what_python_says(portal: Portal, by: str, fn: str) -> None:
    found = view(portal, f"_form=table&_by={by}&_measure=count&_measure={fn}:注册资本&_top=1000&_order=first")
    expected = grouped(portal.firms, CUTS[by])
    assert {row[0]: row[1:] for row in found["rows"]} == {
        key[0]: [len(firms), measured(firms, fn)] for key, firms in expected.items()
    }
    keys = [row[0] for row in found["rows"] if row[0] is not None]
    assert keys == sorted(keys)
    assert found["truncated"] is False
    assert [c["key"] for c in found["columns"]] == [by, "count", f"{fn}:注册资本"]


def test_filters_come_before_groups(portal: Portal) -> None:
    found = view(portal, "_form=bar&_by=盟市&_measure=sum:从业人数&注册资本__gte=3000&成立日期__lt=2010-01-01")
    kept = [f for f in portal.firms if (capital(f) or 0) >= 3000 and f.founded < "2010-01-01"]
    assert dict(found["rows"]) == {
        key[0]: sum(f.staff or 0 for f in firms) for key, firms in grouped(kept, CUTS["盟市"]).items()
    }
    assert "只看 注册资本 不小于 3000，且成立日期 小于 2010-01-01" in found["sentence"]["zh"]


def test_what_is_beyond_the_top_is_told_and_added_up(portal: Portal) -> None:
    found = view(
        portal,
        "_form=bar&_by=成立日期:year&_measure=sum:注册资本&_measure=mean:注册资本&_measure=max:注册资本&_order=most&_top=3",
    )
    years = grouped(portal.firms, CUTS["成立日期:year"])
    ranked = sorted(years.items(), key=lambda item: -sum(capital(f) or 0 for f in item[1]))
    assert [row[0] for row in found["rows"]] == [key[0] for key, _ in ranked[:3]]
    rest = [c for _, firms in ranked[3:] for c in map(capital, firms) if c is not None]
    assert found["truncated"] is True
    assert found["others"] == [pytest.approx(float(sum(rest))), pytest.approx(float(statistics.fmean(rest))), None]


@pytest.mark.parametrize("measure", ["count", "sum:注册资本", "mean:注册资本", "median:注册资本", "distinct:盟市"])
def test_a_pivot_is_exact_in_cells_and_totals(portal: Portal, measure: str) -> None:
    fn, _, column = measure.partition(":")

    def value(firms: list[Firm]) -> Any:
        if fn == "count":
            return len(firms)
        return len({f.city for f in firms}) if column == "盟市" else measured(firms, fn)

    found = view(portal, f"_form=table&_by=盟市&_by=成立日期:year&_measure={measure}&_top=2&_order=first")
    cells = grouped(portal.firms, CUTS["盟市"], CUTS["成立日期:year"])
    rows = sorted({f.city for f in portal.firms})[:2]
    assert {(r, c): v for r, c, v in found["rows"]} == {
        key: value(firms) for key, firms in cells.items() if key[0] in rows
    }
    by_city, by_year = grouped(portal.firms, CUTS["盟市"]), grouped(portal.firms, CUTS["成立日期:year"])
    assert found["totals"]["rows"] == [[city, value(by_city[city,])] for city in rows]
    assert dict(found["totals"]["columns"]) == {k[0]: value(v) for k, v in by_year.items()}
    assert found["totals"]["all"] == value(portal.firms)
    assert found["truncated"] is True


def test_a_pivot_keeps_empty_groups(portal: Portal) -> None:
    found = view(portal, "_form=heat&_by=备注&_by=从业人数")
    cells = grouped(portal.firms, lambda f: f.remark, CUTS["从业人数"])
    assert {(r, c): v for r, c, v in found["rows"]} == {key: len(firms) for key, firms in cells.items()}
    assert any(r is None for r, _, _ in found["rows"])
    assert any(c is None for _, c, _ in found["rows"])


def test_a_histogram_chooses_round_steps_and_counts_everybody(portal: Portal) -> None:
    found = view(portal, "_form=histogram&_by=注册资本:bins")
    assert sum(row[1] for row in found["rows"]) == len(portal.firms)
    steps = sorted(row[0] for row in found["rows"] if row[0] is not None)
    assert {b - a for a, b in itertools.pairwise(steps)} == {500}
    expected = grouped(portal.firms, lambda f: None if f.capital is None else int(Decimal(f.capital) // 500) * 500)
    assert {row[0]: row[1] for row in found["rows"]} == {key[0]: len(firms) for key, firms in expected.items()}


def test_points_are_exact_while_they_are_few(portal: Portal) -> None:
    found = portal.json(portal.api("towers", "/view"), _form="points", _x="经度", _y="纬度")
    assert found["gathered"] is False
    assert [c["key"] for c in found["columns"]] == ["经度", "纬度", "count", "瞭望塔名称"]
    assert sorted((x, y, n) for x, y, n, _ in found["rows"]) == [
        (pytest.approx(111 + i * 0.1), pytest.approx(40 + i * 0.07), 1) for i in range(60)
    ]


def test_many_points_are_gathered_before_they_leave(fresh: Callable[[str], Portal]) -> None:
    portal = fresh("many")
    places = [(110 + i * 7919 % 9973 / 1000, 40 + i * 104729 % 9967 / 1000) for i in range(6000)]
    rows = [f"点{i},{x:.3f},{y:.3f}" for i, (x, y) in enumerate(places)]
    content = "\n".join(["名称,经度,纬度", *rows, "天外,999,40", ""]).encode()
    with portal.working():
        portal.take_in("监测点位", "forest", "点位.csv", content)
        portal.ids["many"] = portal.publish("监测点位")
    for form in ("points", "scatter"):
        found = portal.json(portal.api("many", "/view"), _form=form, _x="经度", _y="纬度", 经度__lte="180")
        assert found["gathered"] is True
        assert 100 < len(found["rows"]) <= 2000
        assert sum(row[2] for row in found["rows"]) == 6000
        middle = sum(x * n for x, _, n in found["rows"]) / 6000
        assert middle == pytest.approx(statistics.fmean(round(x, 3) for x, _ in places), abs=1e-6)
    off = portal.json(portal.api("many", "/view"), _form="points", _x="经度", _y="纬度")
    assert sum(row[2] for row in off["rows"]) == 6000


def test_regions_have_their_codes(portal: Portal) -> None:
    found = view(portal, "_form=regions&_by=盟市")
    assert {place["value"]: place["code"] for place in found["places"]}["包头市"] == "150200"
    page = portal.page(f"/datasets/{portal.ids['firms']}/explore?_form=regions&_by=盟市", "en")
    assert "Baotou" in page
    assert "150200" in page


# Masks and rights hold in every form


def every_form(column: str) -> list[str]:
    """Return a view of every form that has the column wherever the form takes one."""
    by = [f"_form={form}&_by={column}" for form in ("table", "bar", "line", "area", "pie", "regions")]
    cross = [f"_form={form}&_by={column}&_by=盟市" for form in ("table", "bar", "stacked", "heat", "line", "area")]
    turned = [f"_form={form}&_by=盟市&_by={column}" for form in ("table", "stacked", "heat")]
    measures = [f"_form=table&_by=统一社会信用代码&_top=1000&_measure={fn}:{column}" for fn in TOTALS]
    others = [
        f"_form=histogram&_by={column}:bins",
        f"_form=scatter&_x={column}&_y=从业人数",
        f"_form=points&_x={column}&_y=从业人数",
    ]
    rows = [f"_form=table&_col={column}&_sort={column}", f"_form=bar&_by=盟市&{column}__notnull=1"]
    return [*by, *cross, *turned, *measures, *others, *rows]


@pytest.mark.threat("TM-01")
def test_every_form_was_tried() -> None:
    tried = {query.partition("_form=")[2].partition("&")[0] for query in every_form("x")}
    assert tried == {str(form) for form in Form}


@pytest.mark.threat("TM-01")
@pytest.mark.parametrize("column", ["法定代表人", "联系手机", "公民身份号码"])
def test_no_form_shows_a_masked_or_withheld_value_not_even_of_one_person(portal: Portal, column: str) -> None:
    secrets = portal.secrets()
    given = 0
    for query in every_form(column):
        for path in (
            portal.api("firms", f"/view?{query}"),
            portal.api("firms", f"/view?format=csv&{query}"),
            f"/datasets/{portal.ids['firms']}/explore?{query}",
            f"/datasets/{portal.ids['firms']}/embed?{query}",
        ):
            answer = portal.get(path, headers={"accept": "text/html" if "/api/" not in path else "*/*"})
            assert answer.status_code in {200, 422}, (path, answer.text[:300])
            told = [secret for secret in secrets if secret in answer.text]
            assert told == [], f"{path} tells {told[:2]}"
            given += answer.status_code == 200 and "/api/" in path
    assert (given > 0) is (column == "法定代表人"), "a withheld column is unknown, a masked one gives its masks"


@pytest.mark.threat("TM-01")
def test_the_attack_above_would_see_a_value(portal: Portal) -> None:
    for query in every_form("企业名称")[:14]:
        answer = portal.get(portal.api("firms", f"/view?{query}"))
        assert any(f.name in answer.text for f in portal.firms), query


@pytest.mark.threat("TM-04")
def test_a_filter_on_a_masked_column_finds_the_mask_and_never_the_person(portal: Portal) -> None:
    victim = portal.firms[0].representative
    for op in ("exact", "contains", "startswith", "endswith", "in"):
        found = view(portal, f"_form=table&_measure=count&法定代表人__{op}={victim}")
        assert found["rows"] == [[0]], op
    masks = view(portal, "_form=table&_by=法定代表人&_top=1000")
    assert sum(row[1] for row in masks["rows"]) == len(portal.firms)
    assert len(masks["rows"]) < len({f.representative for f in portal.firms})
    different = view(portal, "_form=table&_measure=distinct:法定代表人")
    assert different["rows"] == [[len(masks["rows"])]]


@pytest.mark.threat("TM-07")
def test_a_withheld_column_is_as_unknown_as_one_that_never_was(portal: Portal) -> None:
    for query in (
        "_form=bar&_by={}",
        "_form=table&_measure=max:{}",
        "{}__exact=1",
        "_col={}",
        "_sort={}",
        "_form=scatter&_x={}&_y=从业人数",
    ):
        answers = [portal.get(portal.api("firms", "/view?" + query.format(name))) for name in ("联系手机", "不存在的")]
        assert [a.status_code for a in answers] == [422, 422]
        assert [a.json()["error"]["code"] for a in answers] == ["unknown_column"] * 2
        assert "联系手机" not in str(answers[0].json()["error"]["detail"]["near"])


@pytest.mark.threat("TM-07")
def test_a_closed_data_set_is_as_unknown_to_views_as_its_rows(portal: Portal) -> None:
    assert portal.get(portal.api("closed", "/view")).json()["error"]["code"] == "no_open_rows"
    for rest in ("/embed", "/explore/build?build=1&form=bar"):
        assert portal.get(f"/datasets/{portal.ids['closed']}{rest}").status_code == 404
    page = portal.page(f"/datasets/{portal.ids['closed']}/explore")
    assert "内部项目1" not in page
    for rest in ("/explore", "/embed", "/explore/build"):
        missing = portal.get(f"/datasets/res_unknown{rest}")
        assert missing.status_code == 404


def test_no_question_makes_more_groups_than_the_gate_lets_out(portal: Portal) -> None:
    for query in (
        "_form=table&_by=统一社会信用代码&_top=1000",
        "_form=table&_by=统一社会信用代码&_by=企业名称&_top=1000",
    ):
        found = view(portal, query)
        assert len(found["rows"]) <= 1000
    refused = portal.get(portal.api("firms", "/view?_form=table&_by=盟市&_top=100000"))
    assert refused.json()["error"]["code"] == "bad_view"


@pytest.mark.threat("TM-04")
def test_a_row_that_a_rule_keeps_back_counts_in_no_form(
    fresh: Callable[[str], Portal], fill: Callable[[Portal], Portal]
) -> None:
    from beijiang.kit import SYSTEM
    from beijiang.protection import Audience
    from beijiang.tables import Filter, FilterOp

    portal = fill(fresh("ruled"))
    hidden = [Filter("盟市", FilterOp.NE, "赤峰市")]
    rule = portal.platform.protection.restrict(SYSTEM, "企业登记信息", hidden, audience=Audience.OPEN, reason="不公开")
    shown = [f for f in portal.firms if f.city != "赤峰市"]
    assert view(portal, "_form=table&_measure=count")["rows"] == [[len(shown)]]
    assert view(portal, "_form=table&_measure=count&盟市__exact=赤峰市")["rows"] == [[0]]
    others = view(portal, "_form=bar&_by=盟市&_top=1")["others"]
    assert others == [len(shown) - len([f for f in shown if f.city == "包头市"])]
    pivot = view(portal, "_form=table&_by=成立日期:year&_by=盟市&_top=1")
    assert pivot["totals"]["all"] == len(shown)
    for query in every_form("盟市"):
        answer = portal.get(portal.api("firms", f"/view?{query}"))
        if answer.status_code == 200:
            assert "赤峰市" not in str([answer.json()["rows"], answer.json()["totals"]]), query
    portal.platform.protection.lift(SYSTEM, rule.id, "可以公开了")
    assert view(portal, "_form=table&_measure=count")["rows"] == [[len(portal.firms)]]


@pytest.mark.threat("TM-02")
def test_a_frame_of_a_withdrawn_data_set_is_gone_at_once(
    fresh: Callable[[str], Portal], fill: Callable[[Portal], Portal]
) -> None:
    from beijiang.kit import SYSTEM

    portal = fill(fresh("gone"))
    paths = [
        f"/datasets/{portal.ids['firms']}/embed?_form=bar&_by=盟市",
        portal.api("firms", "/view?_form=bar&_by=盟市"),
    ]
    assert [portal.get(path).status_code for path in paths] == [200, 200]
    portal.platform.catalog.withdraw(SYSTEM, portal.ids["firms"], "测试")
    assert [portal.get(path).status_code for path in paths] == [404, 404]


# Taking it along


def test_the_files_hold_the_view_and_say_where_it_comes_from(portal: Portal) -> None:
    query = "_form=bar&_by=成立日期:year&_measure=sum:从业人数&_top=3&_order=first"
    found = view(portal, query)
    answer = portal.get(portal.api("firms", f"/view?format=csv&{query}"), headers={"accept-language": "zh"})
    assert answer.content.startswith("\ufeff".encode())
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0] == ["成立日期（年）", "从业人数合计"]
    assert lines[1:4] == [[row[0], str(row[1])] for row in found["rows"]]
    assert lines[4] == ["其他", str(found["others"][0])]
    assert "filename*=" in answer.headers["content-disposition"]
    assert answer.headers["x-beijiang-receipt"]
    sheet = portal.get(portal.api("firms", f"/view?format=xlsx&{query}"), headers={"accept-language": "zh"})
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as packed:
        text = "".join(packed.read(name).decode() for name in packed.namelist() if name.endswith(".xml"))
    assert "来源：市场监督管理局" in text
    assert portal.get(portal.api("firms", "/view?format=parquet")).json()["error"]["code"] == "unknown_format"


def test_a_view_has_a_receipt_of_what_was_asked_and_sent(portal: Portal) -> None:
    import hashlib

    answer = portal.get(portal.api("firms", "/view?_form=bar&_by=盟市"))
    receipt = portal.receipt(answer.json()["receipt"])
    assert hashlib.sha256(answer.content).hexdigest() in str(receipt)
    assert answer.headers["x-beijiang-receipt"] == answer.json()["receipt"]


def test_an_answer_that_is_known_is_not_sent_again(portal: Portal) -> None:
    path = portal.api("firms", "/view?_form=bar&_by=盟市")
    first, second = portal.get(path), portal.get(path)
    assert first.json()["receipt"] != second.json()["receipt"]
    assert first.headers["etag"] == second.headers["etag"]
    assert portal.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert portal.get(path + "&_top=2").headers["etag"] != first.headers["etag"]


def test_only_the_frame_may_be_framed_and_it_has_no_session(portal: Portal) -> None:
    one = f"/datasets/{portal.ids['firms']}"
    frame = portal.get(f"{one}/embed?_form=bar&_by=盟市")
    assert "frame-ancestors *" in frame.headers["content-security-policy"]
    assert "script-src 'self'" in frame.headers["content-security-policy"]
    assert "<form" not in frame.text
    assert "set-cookie" not in frame.headers
    for path in (f"{one}/explore", one, f"{one}/chart", "/", portal.api("firms", "/view"), f"{one}/embed?_form=cake"):
        assert "frame-ancestors 'none'" in portal.get(path).headers["content-security-policy"], path


def test_clicks_without_scripts_lead_to_the_address_of_the_view(portal: Portal) -> None:
    one = f"/datasets/{portal.ids['firms']}"
    clicked = {
        "build": "1",
        "form": "stacked",
        "by1": "成立日期",
        "cut1": "",
        "by2": "盟市",
        "fn1": "sum",
        "of1": "从业人数",
    }
    answer = portal.get(f"{one}/explore/build", params=clicked)
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert address.startswith(f"{one}/explore?_form=stacked&_by=")
    page = portal.page(address)
    assert "堆叠柱状图：从业人数合计，按成立日期（年） × 盟市；从早到晚。" in page
    assert '<option value="year" selected>' in page
    told = portal.page(f"{one}/explore/build?build=1&form=bar&by1=没有这一列")
    assert 'role="alert"' in told


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_chart_has_its_table_and_its_source(portal: Portal, language: str) -> None:
    for query in every_form("企业名称")[:6]:
        page = portal.page(f"/datasets/{portal.ids['firms']}/explore?{query}&_top=4", language)
        assert 'id="view-table"' in page
        assert page.count('<th scope="row">') >= 4
        assert (
            "来源：市场监督管理局" if language == "zh-CN" else "Source: Administration for Market Regulation"
        ) in page
        assert ("知识共享" in page or "许可" in page) if language == "zh-CN" else "licence" in page
