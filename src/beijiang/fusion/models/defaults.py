"""The match models that a library of the population and one of legal entities start with."""

from __future__ import annotations

from beijiang.fusion.models.matching import Likeness, MatchBlock, MatchField, MatchModel
from beijiang.kit import Text

__all__ = ["legal_entities", "population"]


def population() -> MatchModel:
    """Return the model for persons: name, citizen number, birth date, sex, telephone, address."""
    return MatchModel(
        fields=(
            MatchField("name", Likeness.PERSON_NAME, Text("姓名", "name")),
            MatchField("id_number", Likeness.CITIZEN_ID, Text("公民身份号码", "citizen number")),
            MatchField("birth", Likeness.DATE, Text("出生日期", "birth date")),
            MatchField("sex", Likeness.CODE, Text("性别", "sex")),
            MatchField("phone", Likeness.PHONE, Text("联系电话", "telephone")),
            MatchField("address", Likeness.ADDRESS, Text("住址", "address"), unless="phone"),
        ),
        blocks=(
            MatchBlock("id_number", ("id_number.full",), Text("身份号码相同", "same citizen number"), 20),
            MatchBlock(
                "name_birth",
                ("name.plain", "birth.day"),
                Text(
                    "同名且同日出生：号码缺失或录错时仍能找到",
                    "same name and birth date: finds them where a number is missing or wrong",
                ),
            ),
            MatchBlock(
                "sound_phone",
                ("phone.digits",),
                Text(
                    "电话相同：一家人也会相同，由姓名和出生日期区分",
                    "same telephone: also of a family, whom name and birth tell apart",
                ),
                20,
            ),
            MatchBlock(
                "sound_birth",
                ("name.sound", "birth.day"),
                Text("读音相同且同日出生：同音字录错", "same sound and birth date: a homophone was typed"),
            ),
            MatchBlock(
                "name_address",
                ("name.plain", "address.county", "address.numbers"),
                Text("同名且门牌相同：出生日期录错", "same name and door: the birth date was mistyped"),
            ),
            MatchBlock(
                "birth_address",
                ("birth.day", "address.road", "address.numbers"),
                Text(
                    "同日出生且门牌相同：姓名录错；双胞胎由姓名区分",
                    "same birth date and door: the name was mistyped; twins differ in it",
                ),
            ),
        ),
        training=(("id_number.full",), ("name.plain", "birth.day")),
        sure=(("id_number.full",),),
        recall=0.6,
    )


def legal_entities() -> MatchModel:
    """Return the model for firms and other organisations: name, credit code, legal representative, telephone, address."""
    return MatchModel(
        fields=(
            MatchField("name", Likeness.COMPANY_NAME, Text("单位名称", "name")),
            MatchField("credit_code", Likeness.CREDIT_CODE, Text("统一社会信用代码", "credit code")),
            MatchField("representative", Likeness.PERSON_NAME, Text("法定代表人", "legal representative")),
            MatchField("founded", Likeness.DATE, Text("成立日期", "founded on")),
            MatchField("phone", Likeness.PHONE, Text("联系电话", "telephone")),
            MatchField("address", Likeness.ADDRESS, Text("住所", "address"), unless="phone"),
        ),
        blocks=(
            MatchBlock("credit_code", ("credit_code.full",), Text("信用代码相同", "same credit code"), 20),
            MatchBlock(
                "organ",
                ("credit_code.organ",),
                Text(
                    "组织机构代码部分相同：区划变更或前八位录错",
                    "same organisation code within: the region changed or was mistyped",
                ),
                20,
            ),
            MatchBlock("name", ("name.plain",), Text("名称相同", "same name"), 50),
            MatchBlock(
                "core",
                ("name.core",),
                Text("去掉区划和组织形式后名称相同", "same name without region and legal form"),
                50,
            ),
            MatchBlock(
                "sound",
                ("name.sound", "name.city"),
                Text("名称读音相同且在同一盟市", "same sound of the name in the same league or city"),
                50,
            ),
            MatchBlock("phone", ("phone.digits",), Text("电话相同", "same telephone"), 20),
            MatchBlock(
                "representative_address",
                ("representative.plain", "address.numbers", "address.county"),
                Text("法定代表人和门牌相同", "same legal representative and door"),
            ),
        ),
        training=(("credit_code.full",), ("name.core", "founded.day")),
        sure=(("credit_code.full",),),
        recall=0.6,
    )
