"""Fields of a catalog entry that a region declares beyond those of the national guide, and what may stand in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import urlsplit

from beijiang.kit import Invalid, Text, Word, normalise

__all__ = [
    "EXTENSION",
    "FIELDS_MOST",
    "ExtensionField",
    "ExtensionValue",
    "FieldDraft",
    "FieldKind",
    "FieldPlace",
    "Filled",
    "covers",
    "fields_of",
    "filled_with",
    "read_value",
    "shown_value",
]

EXTENSION: Final = "extension:"
"""What stands before a field's key where it is named among the entry's own fields: in comparisons, gaps and sheets."""
FIELDS_MOST: Final = 60
"""Fields that may be declared at most, retired ones too."""
NAME_LONGEST: Final = 60
POSITION_MOST: Final = 9_999
_LONGEST: Final = {"text": 200, "long_text": 4_000, "number": 40, "link": 500}
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{1,39}")
_DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_UNWRITTEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of characters: no database and no file keeps them all."""
_YES: Final = frozenset({"yes", "y", "true", "1", "是", "有"})
_NO: Final = frozenset({"no", "n", "false", "0", "否", "无"})
_TAKEN: Final = frozenset(
    {"grade", "open_condition", "open_type", "region", "resource_code", "temporal", "update_cycle", "extension"}
)
"""Keys that CKAN's ``extras`` have for something else."""
_CODES_TOLD: Final = 12


class FieldKind(Word):
    """What may stand in a field."""

    TEXT = "text", "文本", "text"
    LONG_TEXT = "long_text", "长文本", "long text"
    NUMBER = "number", "数值", "number"
    DATE = "date", "日期", "date"
    YES_NO = "yes_no", "是否", "yes or no"
    CODE = "code", "代码集", "code set"
    LINK = "link", "链接", "link"


class FieldPlace(Word):
    """Where a field is shown; a field that is neither on the page nor in the API stays with government."""

    FORM = "form", "编目表单", "entry form"
    PAGE = "page", "门户页面", "portal page"
    API = "api", "开放接口", "public API"
    FACET = "facet", "检索筛选", "facets"


_COUNTED: Final = frozenset({FieldKind.CODE, FieldKind.YES_NO})
_PUBLIC: Final = frozenset({FieldPlace.PAGE, FieldPlace.API})


@dataclass(frozen=True, slots=True)
class Filled:
    """The value of one field in one entry, in the one written form of its kind."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDraft:
    """What the data authority says of a field."""

    key: str
    name_zh: str
    name_en: str
    kind: FieldKind = FieldKind.TEXT
    code_set: str = ""
    required: bool = False
    places: frozenset[FieldPlace] = frozenset({FieldPlace.FORM, FieldPlace.PAGE, FieldPlace.API})
    valid_from: date | None = None
    """The first day on which entries are asked for it; left out: the day of the declaration."""
    valid_to: date | None = None
    """The last such day."""
    position: int = 0
    region_code: str = ""
    """Only entries of departments of this region and below; empty means all."""

    def checked(self) -> FieldDraft:
        """Return the draft, tidied.

        Raises:
            Invalid: a key that is none, a name that is missing or too long, a span that ends before it begins, or a kind that
                lacks its code set or cannot narrow a search.

        """
        tidy = FieldDraft(
            key=self.key.strip(),
            name_zh=" ".join(self.name_zh.split()),
            name_en=" ".join(self.name_en.split()),
            kind=self.kind,
            code_set=self.code_set.strip() if self.kind is FieldKind.CODE else "",
            required=self.required,
            places=self.places,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            position=self.position,
            region_code=self.region_code.strip(),
        )
        for wrong, field, zh, en in _faults(tidy):
            if wrong:
                raise Invalid(zh, en, code="bad_field", detail={"field": field})
        return tidy


def _faults(draft: FieldDraft) -> Iterable[tuple[bool, str, str, str]]:
    yield (
        not _KEY.fullmatch(draft.key) or draft.key in _TAKEN,
        "key",
        f"字段标识“{draft.key[:40]}”不可用：小写字母开头，只用小写字母、数字和下划线，2 至 40 个字符，且不是 {'、'.join(sorted(_TAKEN))}。",
        f"The key “{draft.key[:40]}” will not do: a lower-case letter, then those, digits and underscores, 2 to 40 in all, none of {', '.join(sorted(_TAKEN))}.",
    )
    for name, value in (("name_zh", draft.name_zh), ("name_en", draft.name_en)):
        yield (
            not 1 <= len(value) <= NAME_LONGEST,
            name,
            f"请填写中文和英文名称，各不超过 {NAME_LONGEST} 字。",
            f"Give a Chinese and an English name of at most {NAME_LONGEST} characters.",
        )
    yield (
        draft.kind is FieldKind.CODE and not draft.code_set,
        "code_set",
        "代码类字段须选定代码集。代码集在“标准”中维护。",
        "A field of this kind needs a code set; code sets are kept under Standards.",
    )
    yield (
        FieldPlace.FACET in draft.places and draft.kind not in _COUNTED,
        "places",
        "只有代码集和是否类字段可用于检索筛选。请去掉“检索筛选”，或改用代码集。",
        "Only fields of a code set and of yes or no can narrow a search. Leave facets out, or use a code set.",
    )
    yield (
        FieldPlace.FACET in draft.places and not draft.places & _PUBLIC,
        "places",
        "用于检索筛选的字段须同时在门户页面或开放接口显示，因为筛选会让公众看到它的值。",
        "A field that narrows a search must be on the page or in the API too: its values are seen by everybody.",
    )
    yield (
        draft.valid_from is not None and draft.valid_to is not None and draft.valid_to < draft.valid_from,
        "valid_to",
        "停用日期不能早于启用日期。",
        "The last day must not be before the first.",
    )
    yield (
        not 0 <= draft.position <= POSITION_MOST,
        "position",
        f"次序为 0 至 {POSITION_MOST}。",
        f"The order is from 0 to {POSITION_MOST}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionField:
    """A field as it stands: never deleted, so that what was once filled in can always be read."""

    key: str
    name: Text
    kind: FieldKind
    code_set: str
    required_from: date | None
    """Entries that are edited from this day on must have it; None where nobody must."""
    places: frozenset[FieldPlace]
    valid_from: date
    valid_to: date | None
    position: int
    region_code: str
    declared_at: datetime
    changed_at: datetime
    retired_at: datetime | None = None

    def holds(self, day: date) -> bool:
        """Tell whether entries are asked for it on a day."""
        return self.retired_at is None and self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def needed(self, day: date) -> bool:
        """Tell whether an entry of that day must have it."""
        return self.holds(day) and self.required_from is not None and self.required_from <= day

    @property
    def is_public(self) -> bool:
        """Tell whether everybody may see its values."""
        return bool(self.places & _PUBLIC)

    @property
    def narrows(self) -> bool:
        """Tell whether searches can be narrowed by it."""
        return FieldPlace.FACET in self.places and self.is_public


@dataclass(frozen=True, slots=True)
class ExtensionValue:
    """A value beside its field, in words."""

    field: ExtensionField
    value: str
    shown: Text


def covers(field: ExtensionField, region_code: str | None) -> bool:
    """Tell whether a field is for the departments of a region: its own region, and those below."""
    if not field.region_code:
        return True
    return (region_code or "").startswith(re.sub(r"(?:00)+$", "", field.region_code))


def fields_of(fields: Iterable[ExtensionField], region_code: str | None, day: date) -> tuple[ExtensionField, ...]:
    """Return what a department of a region is asked on a day, in order."""
    return tuple(one for one in fields if one.holds(day) and covers(one, region_code))


def filled_with(old: Iterable[Filled], changes: Mapping[str, str]) -> tuple[Filled, ...]:
    """Return values with changes, by key; an empty text takes one away."""
    values = {one.field: one.value for one in old} | {key: value.strip() for key, value in changes.items()}
    return tuple(Filled(key, values[key]) for key in sorted(values) if values[key])


def read_value(field: ExtensionField, text: str, codes: Mapping[str, Text]) -> str:
    """Return a value in the one written form of its kind: ISO dates, plain numbers, ``yes`` or ``no``, codes.

    Raises:
        Invalid: it is no value of this field (``bad_field_value``); the texts say what would be.

    """
    said = text.strip()
    if _UNWRITTEN.search(said):
        raise _wrong(field, "含有控制字符，请删去后再填。", "it has control characters; take them out.")
    limit = _LONGEST.get(field.kind)
    if limit is not None and len(said) > limit:
        raise _wrong(field, f"不能超过 {limit} 字。", f"at most {limit} characters.")
    return _READERS[field.kind](field, said, codes)


def _wrong(field: ExtensionField, zh: str, en: str) -> Invalid:
    return Invalid(
        f"“{field.name.zh}”{zh}",
        f"“{field.name.en}”: {en}",
        code="bad_field_value",
        detail={"field": EXTENSION + field.key},
    )


def _number(field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    try:
        number = Decimal(said.replace(",", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST["number"]:
        raise _wrong(field, f"应为数值，例如 12.5，而不是“{said[:40]}”。", f"a number like 12.5, not “{said[:40]}”.")
    return format(number, "f")


def _date(field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    parts = _DATE.fullmatch(said)
    try:
        return (
            date(*(int(part) for part in parts.groups())).isoformat() if parts else date.fromisoformat(said).isoformat()
        )
    except ValueError:
        raise _wrong(
            field, f"应为日期，例如 2026-05-01，而不是“{said[:40]}”。", f"a date like 2026-05-01, not “{said[:40]}”."
        ) from None


def _yes_no(field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    word = normalise(said)
    if word in _YES or word in _NO:
        return "yes" if word in _YES else "no"
    raise _wrong(field, f"应为“是”或“否”，而不是“{said[:40]}”。", f"yes or no, not “{said[:40]}”.")


def _code(field: ExtensionField, said: str, codes: Mapping[str, Text]) -> str:
    wanted = normalise(said)
    for code, name in codes.items():
        if wanted in {normalise(code), normalise(name.zh), normalise(name.en)}:
            return code
    some = list(codes.items())[:_CODES_TOLD]
    zh = "、".join(f"{code} {name.zh}" for code, name in some)
    en = ", ".join(f"{code} {name.en}" for code, name in some)
    raise _wrong(
        field,
        f"没有“{said[:40]}”这一项。代码集 {field.code_set} 可选：{zh}。",
        f"there is no “{said[:40]}” in code set {field.code_set}: {en}.",
    )


def _link(field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    try:
        parts = urlsplit(said)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.username or parts.password)
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in said):  # those that hide or turn what is read, too
        raise _wrong(
            field,
            "应为 http:// 或 https:// 开头的网址，不含账号。",
            "an address that begins with http:// or https://, without an account.",
        )
    return said


def _text(_field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    return " ".join(said.split())


def _long_text(_field: ExtensionField, said: str, _codes: Mapping[str, Text]) -> str:
    return said


_READERS: Final[Mapping[FieldKind, Callable[[ExtensionField, str, Mapping[str, Text]], str]]] = {
    FieldKind.CODE: _code,
    FieldKind.DATE: _date,
    FieldKind.LINK: _link,
    FieldKind.LONG_TEXT: _long_text,
    FieldKind.NUMBER: _number,
    FieldKind.TEXT: _text,
    FieldKind.YES_NO: _yes_no,
}


def shown_value(field: ExtensionField, value: str, codes: Mapping[str, Text]) -> Text:
    """Return a value in words; a code that the set does not have any more shows itself."""
    if field.kind is FieldKind.YES_NO:
        return Text("是", "yes") if value == "yes" else Text("否", "no")
    if field.kind is FieldKind.CODE:
        return codes.get(value, Text(value, value))
    return Text(value, value)
