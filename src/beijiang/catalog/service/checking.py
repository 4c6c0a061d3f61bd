"""What may be written into an entry at all: names that can be shown, and codes that some standard knows.

What is merely missing is told by ``rules.gaps`` and stops the submission, not the saving.
"""

from __future__ import annotations

from collections.abc import Iterable

from beijiang.catalog.models import Code, Entry, Item, Resource
from beijiang.catalog.models.entry import NAME_LIMIT
from beijiang.catalog.service.base import Base
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Invalid


class Checking(Base):
    """Look at the values that an edit brings in; those that were there before are left alone."""

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
