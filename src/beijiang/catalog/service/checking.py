"""What may be written into an entry at all: names that can be shown, and codes that some standard knows.

What is merely missing is told by ``rules.gaps`` and stops the submission, not the saving.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.catalog.models import EXTENSION, Code, Entry, ExtensionField, Item, Resource
from beijiang.catalog.models.entry import NAME_LIMIT
from beijiang.catalog.models.extension import filled_with, read_value
from beijiang.catalog.service.base import Base
from beijiang.catalog.service.indexing import codes_of
from beijiang.catalog.store import ExtensionStore, ResourceStore
from beijiang.kit import Invalid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beijiang.db import UnitOfWork


class Checking(Base):
    """Look at the values that an edit brings in; those that were there before are left alone."""

    def _settled(self, tx: UnitOfWork, found: Resource | None, entry: Entry) -> Entry:
        """Return an entry with the new values of its declared fields as they are kept.

        Raises:
            Invalid: a field that there is not, that is not asked for, or a value that is none of its kind.

        """
        old = set(found.entry.extensions) if found else set()
        fresh = [one for one in entry.extensions if one not in old]
        if not fresh:
            return entry
        fields = {one.key: one for one in ExtensionStore(tx.connection).all()}
        asked = {one.key for one in self._asked(fields.values(), entry.provider_id, self._today())}
        kept: dict[str, str] = {}
        for one in fresh:
            if one.field not in asked:
                raise _not_asked(one.field, fields.get(one.field), fields, asked)
            field = fields[one.field]
            kept[one.field] = read_value(field, one.value, codes_of(self._standards, field.code_set))
        return replace(entry, extensions=filled_with(entry.extensions, kept))

    def _check_values(self, store: ResourceStore, found: Resource | None, entry: Entry) -> None:
        """Refuse what no standard knows.

        Raises:
            Invalid: a name that is empty or too long, a length that is none, or a code that was never given.
            NotFound: a category, format, cycle, licence, region, code set, data element or organisation that there is not.

        """
        old = found.entry if found else Entry(name="", provider_id=entry.provider_id)
        if entry.name != old.name or found is None:
            _check_name(entry.name)
        for prefix in _new(entry.categories, old.categories):
            self._check_category(prefix)
        for name in _new(entry.formats, old.formats):
            self._standards.format(name)
        self._standards.update_cycle(entry.update_cycle)
        if entry.licence != old.licence and entry.licence:
            self._standards.licence(entry.licence)
        if entry.region_code != old.region_code and entry.region_code:
            self._standards.region(entry.region_code)
        own = {str(code) for code in found.codes} if found else set()
        for code in _new(entry.related_codes, old.related_codes):
            _check_related(store, code, own)
        for item in entry.items:
            before = old.item(item.column)
            if item != before:
                self._check_item(item, before or Item(column=item.column, name=""))

    def _check_category(self, prefix: str) -> None:
        self._standards.category(prefix)
        if not self._standards.has_category(prefix):
            raise Invalid(
                f"“{prefix}”不是可挂载的分类，请选到“目”一级（六位）。",
                f"Nothing can hang under “{prefix}”: choose a division (six digits).",
                code="not_a_division",
                detail={"category": prefix},
            )

    def _check_item(self, item: Item, old: Item) -> None:
        if item.name != old.name:
            _check_name(item.name)
        if item.length is not None and item.length < 1:
            raise Invalid(
                f"数据项“{item.name}”的长度应为正整数。",
                f"The length of item “{item.name}” is a positive whole number.",
                code="bad_length",
                detail={"item": item.column},
            )
        if item.update_cycle and item.update_cycle != old.update_cycle:
            self._standards.update_cycle(item.update_cycle)
        if item.code_set and item.code_set != old.code_set:
            self._standards.code_set(item.code_set)
        if item.element_id and item.element_id != old.element_id:
            self._standards.element(item.element_id)
        if item.source_org and item.source_org != old.source_org:
            self._access.organisation(item.source_org)


def _not_asked(
    key: str, field: ExtensionField | None, fields: Mapping[str, ExtensionField], asked: Collection[str]
) -> Invalid:
    known = [one for name, one in fields.items() if name in asked]
    zh = "、".join(f"{one.key}（{one.name.zh}）" for one in known) or "无"
    en = ", ".join(f"{one.key} ({one.name.en})" for one in known) or "none"
    if field is None:
        told = (
            f"没有扩展字段“{key[:40]}”。本单位可填：{zh}。",
            f"There is no field “{key[:40]}”. This department is asked: {en}.",
        )
    else:
        told = (
            f"字段“{field.name.zh}”已停用、尚未启用或不适用于本地区，不能再填；原有的值保留。本单位可填：{zh}。",
            f"“{field.name.en}” is retired, not begun, or another region's: it takes no new value. This department is asked: {en}.",
        )
    return Invalid(*told, code="field_not_asked", detail={"field": EXTENSION + key})


def _new(values: Iterable[str], old: Iterable[str]) -> list[str]:
    known = set(old)
    return [value for value in values if value not in known]


def _check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= NAME_LIMIT:
        raise Invalid(
            f"名称不能为空，也不能超过 {NAME_LIMIT} 字。",
            f"A name has 1 to {NAME_LIMIT} characters.",
            code="bad_name",
        )


def _check_related(store: ResourceStore, code: str, own: set[str]) -> None:
    parts = Code.parts(code)
    if parts is None or code in own or not store.knows_code(*parts):
        raise Invalid(
            f"关联资源代码“{code[:40]}”不存在，或就是本资源。请填写其他已注册资源的代码，例如 211001/1。",
            f"The related code “{code[:40]}” does not exist or is the entry's own. Give the code of another registered resource, like 211001/1.",
            code="unknown_related_code",
            detail={"code": code[:40]},
        )


__all__ = ["Checking"]
