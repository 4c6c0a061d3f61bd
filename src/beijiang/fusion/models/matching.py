"""A match model: which fields of two records are compared, in what way, and which pairs are looked at, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from beijiang.kit import Invalid, Text, Word

__all__ = ["FORMS", "LEVELS", "Likeness", "MatchBlock", "MatchField", "MatchModel", "form"]


class Likeness(Word):
    """In what way two values of a field are compared."""

    PERSON_NAME = "person_name", "人名", "name of a person"
    COMPANY_NAME = "company_name", "单位名称", "name of an organisation"
    ADDRESS = "address", "地址", "address"
    CITIZEN_ID = "citizen_id", "公民身份号码", "citizen number"
    CREDIT_CODE = "credit_code", "统一社会信用代码", "unified social credit code"
    PHONE = "phone", "电话号码", "telephone number"
    DATE = "date", "日期", "date"
    CODE = "code", "代码（须相同）", "code (equal or not)"
    TEXT = "text", "一般文本", "text"


FORMS: Final[Mapping[Likeness, tuple[str, ...]]] = {
    Likeness.PERSON_NAME: ("plain", "sound", "given", "fold"),
    Likeness.COMPANY_NAME: ("plain", "core", "trade", "sound", "city"),
    Likeness.ADDRESS: ("plain", "county", "road", "numbers"),
    Likeness.CITIZEN_ID: ("full", "birth", "area"),
    Likeness.CREDIT_CODE: ("full", "organ"),
    Likeness.PHONE: ("digits", "tail"),
    Likeness.DATE: ("day", "month", "year"),
    Likeness.CODE: ("plain",),
    Likeness.TEXT: ("plain", "start"),
}
"""Forms of a value by which records can be picked, the first of each being the whole value put right."""
LEVELS: Final[Mapping[str, Text]] = {
    "missing": Text("缺失或不计", "missing, or not counted"),
    "different": Text("不同", "different"),
    "exact": Text("相同", "the same"),
    "exact_invalid": Text("相同，但校验不通过", "the same, but not valid"),
    "same_sound": Text("读音相同", "same sound"),
    "same_transcription": Text("音译相同", "same in transcription"),
    "same_given": Text("名相同、姓不同", "same given name, other surname"),
    "one_character": Text("差一个字", "one character differs"),
    "two_characters": Text("差两个字母", "two letters differ"),
    "three_characters": Text("差三个字母", "three letters differ"),
    "near_sound": Text("读音相近", "nearly the same sound"),
    "same_core": Text("去掉区划和组织形式后相同", "the same without region and legal form"),
    "same_core_elsewhere": Text("去掉区划后相同，但在其他盟市", "the same without region, in another league or city"),
    "same_trade": Text("字号相同、行业不同", "same trade name, other industry"),
    "same_door": Text("道路和门牌相同", "same road and numbers"),
    "same_numbers": Text("同旗县、门牌相同", "same county and numbers"),
    "same_road": Text("道路相同", "same road"),
    "same_county": Text("同旗县", "same county"),
    "mistyped": Text("录错一位或相邻两位颠倒", "one digit mistyped, or two swapped"),
    "not_valid": Text("不同，其中一个校验不通过", "different, one of both not valid"),
    "same_organ": Text("组织机构代码部分相同", "same organisation code within"),
    "same_tail": Text("后七位相同", "same last seven digits"),
    "day_and_month_turned": Text("日与月颠倒", "day and month turned"),
    "same_month": Text("同年同月", "same month"),
    "within_a_year": Text("相差不到两年", "less than two years apart"),
    "same_start": Text("开头相同", "same start"),
}
"""What the levels of all fields are called on a page."""
_FIELD: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_RESERVED: Final = frozenset({"record", "source", "left", "right", "probability", "block", "prior", "rarity"})


@dataclass(frozen=True, slots=True)
class MatchField:
    """A field that is compared: a text column of the records."""

    name: str
    likeness: Likeness
    label: Text
    unless: str = ""
    """Another field; where that is the same in both records, this one says nothing more: a household shares both its
    telephone and its address, and two agreements that come from one cause must not count twice."""


@dataclass(frozen=True, slots=True)
class MatchBlock:
    """A reason to look at a pair: both records have the same of these forms, each ``field.form``."""

    name: str
    parts: tuple[str, ...]
    why: Text
    most: int = 100
    """Values that more records share bring no pairs."""


@dataclass(frozen=True, slots=True)
class MatchModel:
    """How the records of a library are matched. Pairs at ``certain`` are one; those between ``grey`` and it, a person judges."""

    fields: tuple[MatchField, ...]
    blocks: tuple[MatchBlock, ...]
    training: tuple[tuple[str, ...], ...]
    """Forms by which pairs are picked to learn from; together the lists must leave no field without a lesson."""
    sure: tuple[tuple[str, ...], ...] = ()
    """Forms that, equal in two records, almost always mean one and the same; they tell how many matches there are."""
    recall: float = 0.7
    """Share of all matches that the best of ``sure`` finds."""
    certain: float = 0.98
    grey: float = 0.5
    across: bool = False
    """Only records of different sources are paired: each source is known to hold nobody twice."""

    def __post_init__(self) -> None:
        """Refuse a model that cannot be compiled.

        Raises:
            Invalid: ``match_model`` with what is wrong.

        """
        names = [field.name for field in self.fields]
        bad = [name for name in names if not _FIELD.fullmatch(name) or name in _RESERVED]
        if not names or bad or len(set(names)) < len(names):
            word = bad[0] if bad else ""
            raise _wrong(
                f"字段名须由小写字母、数字和下划线组成、互不相同且不是保留字：“{word}”",
                f"names of fields are small letters, digits and underscores, each once, and no reserved word: {word!r}",
            )
        lost = [field.unless for field in self.fields if field.unless and field.unless not in names]
        if lost:
            raise _wrong(f"没有字段“{lost[0]}”", f"there is no field {lost[0]!r}")
        likenesses = {field.name: field.likeness for field in self.fields}
        lists = [block.parts for block in self.blocks] + list(self.training) + list(self.sure)
        for part in (part for parts in lists for part in parts):
            name, _, shape = part.partition(".")
            if shape not in FORMS.get(likenesses.get(name, Likeness.CODE), ()) or name not in likenesses:
                raise _wrong(f"没有“{part}”这种形式", f"there is no form {part!r}")
        if not self.blocks or not all(lists) or len({block.name for block in self.blocks}) < len(self.blocks):
            raise _wrong("分组规则不能为空，名称不能重复", "blocking rules must not be empty, nor their names repeat")
        if not 0 < self.grey <= self.certain < 1 or not 0 < self.recall <= 1:
            raise _wrong("阈值须满足 0 < 待审 ≤ 自动 < 1", "thresholds must be 0 < grey <= certain < 1")

    def as_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return asdict(self)

    @classmethod
    def of_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what ``as_dict`` wrote; raises ``Invalid`` as the constructor does."""
        return cls(
            tuple(
                MatchField(f["name"], Likeness(f["likeness"]), Text(**f["label"]), f["unless"]) for f in data["fields"]
            ),
            tuple(MatchBlock(b["name"], tuple(b["parts"]), Text(**b["why"]), b["most"]) for b in data["blocks"]),
            tuple(tuple(parts) for parts in data["training"]),
            tuple(tuple(parts) for parts in data["sure"]),
            data["recall"],
            data["certain"],
            data["grey"],
            data["across"],
        )


def form(part: str) -> str:
    """Return the column that holds a form: of ``name.sound``, ``name__sound``."""
    return part.replace(".", "__")


def _wrong(zh: str, en: str) -> Invalid:
    return Invalid(
        f"匹配模型不能使用：{zh}。请修改后再试。",
        f"The match model cannot be used: {en}. Change it and try again.",
        code="match_model",
    )
