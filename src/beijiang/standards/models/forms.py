"""One flat form of elements, code sets and codes: names of fields to words. Files, proposals, differences all use it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from beijiang.kit import Invalid, Text
from beijiang.standards.models.registry import LEVELS, PERSONAL, CodeSet, CodeValue, DataElement

__all__ = [
    "CODE_FIELDS",
    "ELEMENT_FIELDS",
    "SET_FIELDS",
    "code_from",
    "day_of",
    "element_from",
    "flat_code",
    "flat_element",
    "flat_set",
    "set_from",
    "words_in",
    "wrong",
]

ELEMENT_FIELDS: Final[Mapping[str, Text]] = {
    "id": Text("标识", "id"),
    "name_zh": Text("中文名称", "Chinese name"),
    "name_en": Text("英文名称", "English name"),
    "definition": Text("定义", "definition"),
    "type": Text("类型", "type"),
    "length": Text("长度", "length"),
    "unit": Text("计量单位", "unit"),
    "code_set": Text("代码集", "code set"),
    "pattern": Text("格式（正则）", "pattern"),
    "check": Text("校验算法", "check"),
    "level": Text("最低等级", "least grade"),
    "personal": Text("个人信息", "personal information"),
    "source": Text("来源标准", "source standard"),
    "note": Text("备注", "note"),
    "column_words": Text("列名别称", "names of columns"),
}
SET_FIELDS: Final[Mapping[str, Text]] = {
    "code_set": Text("代码集", "code set"),
    "set_name_zh": Text("代码集中文名称", "Chinese name of the set"),
    "set_name_en": Text("代码集英文名称", "English name of the set"),
    "standard": Text("来源标准", "source standard"),
    "column_words": Text("列名别称", "names of columns"),
}
CODE_FIELDS: Final[Mapping[str, Text]] = {
    "code": Text("代码", "code"),
    "name_zh": Text("中文名称", "Chinese name"),
    "name_en": Text("英文名称", "English name"),
    "parent": Text("上级代码", "code above"),
    "valid_from": Text("生效日期", "valid from"),
    "valid_to": Text("失效日期", "ended on"),
    "replaced_by": Text("后继代码", "replaced by"),
}

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,59}(\.[a-z][a-z0-9_]{0,59})?")
_CODE: Final = re.compile(r"[^\s;,，；]{1,60}")
_LENGTH: Final = re.compile(r"[0-9]{1,6}|[0-9]{1,2},[0-9]{1,2}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f]")
_LONGEST: Final = {"definition": 2000, "pattern": 500, "note": 2000, "column_words": 2000}
_SHORT: Final = 300


def flat_element(element: DataElement) -> dict[str, str]:
    """Return the form of an element."""
    return {
        "id": element.id,
        "name_zh": element.name.zh,
        "name_en": element.name.en,
        "definition": element.definition,
        "type": element.type,
        "length": element.length,
        "unit": element.unit,
        "code_set": element.code_set,
        "pattern": element.pattern,
        "check": element.check,
        "level": element.level,
        "personal": element.personal,
        "source": element.source,
        "note": element.note,
        "column_words": ";".join(element.column_words),
    }


def element_from(form: Mapping[str, str]) -> DataElement:
    """Read an element; what needs the registry or an engine is checked by the service.

    Raises:
        Invalid: a field that cannot be used, with its name and what would do.

    """
    words = words_in(form, ELEMENT_FIELDS)
    _need_id(words["id"], ELEMENT_FIELDS["id"])
    for name in ("name_zh", "name_en"):
        if not words[name]:
            raise wrong(ELEMENT_FIELDS[name], Text("不能为空", "it is empty"))
    if words["length"] and not _LENGTH.fullmatch(words["length"]):
        raise wrong(ELEMENT_FIELDS["length"], Text("写成 18 或 20,4", "write 18, or 20,4"))
    if words["level"] and words["level"] not in LEVELS:
        raise wrong(ELEMENT_FIELDS["level"], Text("应为 L1 至 L4 或空", "it is L1 to L4, or empty"))
    if words["personal"] not in ("", *PERSONAL):
        raise wrong(ELEMENT_FIELDS["personal"], Text("应为 N、P 或 S", "it is N, P or S"))
    return DataElement(
        id=words["id"],
        name=Text(words["name_zh"], words["name_en"]),
        definition=words["definition"],
        type=words["type"] or "C",
        length=words["length"],
        unit=words["unit"],
        code_set=words["code_set"],
        pattern=words["pattern"],
        check=words["check"],
        level=words["level"],
        personal=words["personal"] or "N",
        source=words["source"],
        note=words["note"],
        column_words=_list(words["column_words"]),
    )


def flat_set(found: CodeSet) -> dict[str, str]:
    """Return the form of a code set, without its values."""
    return {
        "code_set": found.id,
        "set_name_zh": found.name.zh,
        "set_name_en": found.name.en,
        "standard": found.standard,
        "column_words": ";".join(found.column_words),
    }


def set_from(form: Mapping[str, str], values: Sequence[CodeValue]) -> CodeSet:
    """Read a code set with values that were read before.

    Raises:
        Invalid: a field or a value that cannot be used: a code that is there twice, a successor or parent that is not.

    """
    words = words_in(form, SET_FIELDS)
    _need_id(words["code_set"], SET_FIELDS["code_set"])
    for name in ("set_name_zh", "set_name_en"):
        if not words[name]:
            raise wrong(SET_FIELDS[name], Text("不能为空", "it is empty"))
    if not values:
        raise wrong(SET_FIELDS["code_set"], Text("没有代码", "it has no codes"))
    codes = {value.code for value in values}
    if len(codes) < len(values):
        twice = Counter(value.code for value in values).most_common(1)[0][0]
        raise wrong(CODE_FIELDS["code"], Text(f"“{twice}”重复", f'"{twice}" is there twice'))
    for value in values:
        for key in (*value.replaced_by, *([value.parent] if value.parent else [])):
            if key not in codes or key == value.code:
                raise wrong(
                    CODE_FIELDS["replaced_by" if key in value.replaced_by else "parent"],
                    Text(f"代码“{value.code}”指向不存在的“{key}”", f'"{value.code}" names "{key}", which is not there'),
                )
    return CodeSet(
        id=words["code_set"],
        name=Text(words["set_name_zh"], words["set_name_en"]),
        standard=words["standard"],
        column_words=_list(words["column_words"]),
        values=tuple(values),
    )


def flat_code(value: CodeValue) -> dict[str, str]:
    """Return the form of one code."""
    return {
        "code": value.code,
        "name_zh": value.name.zh,
        "name_en": value.name.en,
        "parent": value.parent or "",
        "valid_from": value.valid_from.isoformat() if value.valid_from else "",
        "valid_to": value.valid_to.isoformat() if value.valid_to else "",
        "replaced_by": ";".join(value.replaced_by),
    }


def code_from(form: Mapping[str, str]) -> CodeValue:
    """Read one code.

    Raises:
        Invalid: a field that cannot be used.

    """
    words = words_in(form, CODE_FIELDS)
    if not _CODE.fullmatch(words["code"]):
        raise wrong(CODE_FIELDS["code"], Text("应为 1 至 60 个字符，无空格与分号", "1 to 60 characters, no blanks"))
    if not words["name_zh"]:
        raise wrong(CODE_FIELDS["name_zh"], Text("不能为空", "it is empty"))
    begins, ends = day_of(words["valid_from"], "valid_from"), day_of(words["valid_to"], "valid_to")
    if begins is not None and ends is not None and ends <= begins:
        raise wrong(CODE_FIELDS["valid_to"], Text("应晚于生效日期", "it lies after the first day"))
    return CodeValue(
        words["code"],
        Text(words["name_zh"], words["name_en"] or words["name_zh"]),
        words["parent"] or None,
        begins,
        ends,
        _list(words["replaced_by"]),
    )


def day_of(words: str, name: str) -> date | None:
    """Read a day, None where it is empty.

    Raises:
        Invalid: it is none.

    """
    try:
        return date.fromisoformat(words.strip()[:10]) if words.strip() else None
    except ValueError:
        raise wrong(CODE_FIELDS[name], Text("日期写成 2026-01-31", "write days as 2026-01-31")) from None


def wrong(field: Text, why: Text) -> Invalid:
    """Return the error of one field."""
    return Invalid(f"{field.zh}：{why.zh}。", f"{field.en}: {why.en}.", code="registry_field")


def _need_id(words: str, field: Text) -> None:
    if not _ID.fullmatch(words):
        raise wrong(
            field,
            Text(
                "用小写字母、数字和下划线，可带一个点，如 population.citizen_id",
                "lower-case letters, digits and underscores with one dot at most, as population.citizen_id",
            ),
        )


def words_in(form: Mapping[str, str], fields: Mapping[str, Text]) -> dict[str, str]:
    """Return the words of each field of a form, trimmed.

    Raises:
        Invalid: too long, or with control characters.

    """
    words = {name: str(form.get(name) or "").strip() for name in fields}
    for name, text in words.items():
        longest = _LONGEST.get(name, _SHORT)
        if len(text) > longest:
            raise wrong(fields[name], Text(f"最多 {longest} 字", f"{longest} characters at most"))
        if _CONTROL.search(text):
            raise wrong(fields[name], Text("含控制字符", "it holds control characters"))
    return words


def _list(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in re.split("[;；]", words) if part.strip()))
