"""Whether a table is about persons: a name in office does not make it so, and nobody hides behind such a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from beijiang.protection.models.classify import ColumnFacts, about_persons, classify

if TYPE_CHECKING:
    from conftest import House

NAMES = ("傅晓梅", "特木尔", "赵建国", "王芳", "李志强", "图雅")


def persons(names: tuple[str, ...]) -> bool:
    """Tell what a table without rows yet is by its columns alone."""
    found = classify([ColumnFacts(name, "text") for name in names], 0, sampled=False)
    return about_persons({name: kind for name, (kind, _) in found.items()})


@pytest.mark.parametrize(
    "columns",
    [
        "登记人姓名 登记人身份证号 登记人民族 登记人疾病",
        "被调查人姓名 被调查人身份证号码 疾病史 婚姻状况",
        "失业登记人员姓名 失业登记人员身份证号 文化程度",
        "责任人 责任人身份证号 责任人住址",
        "被监督人姓名 被监督人残疾等级",
        "被检查人员姓名 结果",
        "登记人口姓名 登记人口身份证号 民族",
        "负责人 负责人身份证号",
        "姓名 年龄",
        "审核员姓名 出生日期",
    ],
)
def test_who_is_written_about_makes_a_table_one_about_persons(columns: str) -> None:
    assert persons(tuple(columns.split()))


@pytest.mark.parametrize(
    "columns",
    [
        "检查事项 检查员 检查结果",
        "办件编号 经办人 审批人员姓名",
        "企业名称 统一社会信用代码 法定代表人 法定代表人身份证号",
        "景区名称 负责人 联系人",
    ],
)
def test_who_acts_for_an_office_or_a_firm_does_not(columns: str) -> None:
    assert not persons(tuple(columns.split()))


def test_heads_and_bodies_are_no_names(house: House) -> None:
    texts, numbers = ("事项", "责任人", "监督人", "巡查人员"), ("检查人员", "执法人员")
    schema = pa.schema(
        [*((c, pa.string()) for c in texts), *((c, pa.int64()) for c in numbers), ("_bj_row", pa.int64())]
    )
    bodies = ("市水利局", "旗林业和草原局", "河道管理所")
    rows = [
        dict.fromkeys(numbers, n % 9)
        | {"事项": f"第{n}段", "责任人": bodies[n % 3], "监督人": NAMES[n % 6], "巡查人员": None, "_bj_row": n}
        for n in range(40)
    ]
    house.write("巡河记录", rows, schema)
    kinds = {name: grade.kind for name, grade in house.protection.grades_of("巡河记录").items()}
    assert {kinds[c] for c in (*numbers, "责任人")} == {"plain"}
    assert {kinds[c] for c in ("监督人", "巡查人员")} == {"person_name"}, "names, and what nothing is known of yet"
