"""The packaged facts, read once when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from beijiang.kit import NotFound, Text, normalise
from beijiang.standards.models import (
    INSTALLATION,
    Book,
    Category,
    Choice,
    CodeNode,
    CodeSet,
    CodeSpan,
    CodeTree,
    CodeValue,
    DataElement,
    Department,
    Due,
    Holiday,
    ItemType,
    Jurisdiction,
    Licence,
    Profile,
    QualityIndicator,
    Region,
    ResourceFormat,
    Rule,
    UpdateCycle,
    WorkingCalendar,
    in_force,
    least_grade,
    replacements,
    spans,
    tree_of,
)
from beijiang.standards.service.seeds import Row, as_packaged, packaged
from beijiang.standards.store import RegistryStore

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

_SUFFIXES = ("自治区", "自治旗", "联合旗", "新区", "省", "市", "盟", "旗", "县", "区")


def _yes(value: str) -> bool:
    return value == "true"


def _words(value: str) -> tuple[str, ...]:
    return tuple(word for word in value.split(";") if word)


def _name(row: Row) -> Text:
    return Text(row["name_zh"], row["name_en"])


class Standards:
    """What the standards and rules say: public facts, the same for everybody.

    Packaged with the platform, but for data elements, code sets, rules of law and the working-day calendar: those are the
    registry's, as they are in force today.
    """

    def __init__(
        self,
        entries: Callable[[], tuple[Book, date]] = as_packaged,
        choices: Callable[[], Sequence[Choice]] = tuple,
    ) -> None:
        self._entries = entries
        self._choices = choices

    @staticmethod
    def table(name: str) -> list[Row]:
        """Return the raw rows of one packaged table, for example ``plan_2018``."""
        return packaged(name)

    @cached_property
    def _regions(self) -> dict[str, Region]:
        return {
            row["code"]: Region(
                code=row["code"],
                name=row["name"],
                name_en=row["name_en"],
                level=int(row["level"]),
                parent=row["parent"] or None,
                kind=row["kind"],
                admin_tier=int(row["admin_tier"]),
                is_functional_zone=_yes(row["is_functional_zone"]),
            )
            for row in self.table("regions")
        }

    def regions(self) -> tuple[Region, ...]:
        """Return all regions of the table, functional zones included, by code."""
        return tuple(self._regions.values())

    def region(self, code: str) -> Region:
        """Return one region.

        Raises:
            NotFound: no such code.

        """
        return _get(self._regions, code, Text("行政区划代码", "region code"))

    def children(self, code: str) -> tuple[Region, ...]:
        """Return the regions directly below ``code``."""
        return tuple(region for region in self._regions.values() if region.parent == code)

    def region_tree(self, on: date) -> CodeTree:
        """Return the regions as they stood on a day, by the code set ``region`` of the registry (no functional zones)."""
        versions = self._versions("region")
        return tree_of(in_force(versions, on)[1], on)

    def region_on(self, code: str, on: date) -> CodeNode:
        """Return a region as it stood on a day, with those below it.

        Raises:
            NotFound: no such code held on that day.

        """
        found = self.region_tree(on).find(code)
        if found is None:
            raise NotFound(
                f"{on} 没有行政区划代码“{code[:40]}”。请用“代码去向”查它何时有效、由哪个代码接替。",
                f"No region had the code “{code[:40]}” on {on}. Ask what became of the code to see when it held and what took its place.",
                code="unknown_code",
                detail={"code": code[:40], "on": on.isoformat()},
            )
        return found

    @cached_property
    def _region_names(self) -> dict[str, list[Region]]:
        names: dict[str, list[Region]] = {}
        for region in self._regions.values():
            for name in {region.name, _short(region.name)}:
                names.setdefault(name, []).append(region)
        return names

    def region_by_name(self, text: str) -> Region | None:
        """Find the region that a text names or begins with (``新城区``, ``呼和浩特``, ``鄂尔多斯市统计局``).

        A name that several regions bear is resolved by a larger region named before it, otherwise None is returned.
        """
        rest = normalise(text).replace(" ", "")
        found: Region | None = None
        while rest:
            step = self._longest(rest, found)
            if step is None:
                break
            found, length = step
            rest = rest[length:]
        return found

    def _longest(self, text: str, inside: Region | None) -> tuple[Region, int] | None:
        for length in range(min(len(text), 16), 1, -1):
            candidates = self._region_names.get(text[:length], [])
            if inside is not None:
                candidates = [r for r in candidates if inside.code in self._line(r) and r.code != inside.code]
            if len(candidates) == 1:
                return candidates[0], length
        return None

    def _line(self, region: Region) -> set[str]:
        codes = set()
        at: Region | None = region
        while at is not None and at.parent:
            codes.add(at.parent)
            at = self._regions.get(at.parent)
        return codes

    @cached_property
    def _jurisdictions(self) -> tuple[Jurisdiction, ...]:
        return tuple(
            Jurisdiction(
                id=row["node_id"],
                name=_name(row),
                admin_tier=int(row["admin_tier"]),
                parent=row["parent_node"] or None,
                region_code=row["region_code"] or None,
                region_scope=_words(row["region_scope"]),
                note=row["note"],
            )
            for row in self.table("jurisdictions")
        )

    def jurisdictions(self) -> tuple[Jurisdiction, ...]:
        """Return the nodes of tiers 1 and 2 of the three-level linkage."""
        return self._jurisdictions

    @cached_property
    def _categories(self) -> dict[str, Category]:
        return {
            row["code"]: Category(
                code=row["code"],
                parent=row["parent"] or None,
                tier=row["tier"],
                name=_name(row),
                plain=Text(row["plain_zh"] or row["name_zh"], row["plain_en"] or row["name_en"]),
                keywords=_words(row["keywords"]),
                origin=row["origin"],
                verified=_yes(row["verified"]),
            )
            for row in self.table("categories")
        }

    def categories(self) -> tuple[Category, ...]:
        """Return the category tree of the 2017 catalog guide, parents before children."""
        return tuple(self._categories.values())

    def category(self, code: str) -> Category:
        """Return one category.

        Raises:
            NotFound: no such category.

        """
        return _get(self._categories, code, Text("目录分类", "catalog category"))

    def has_category(self, code: str) -> bool:
        """Tell whether ``code`` is a division (six digits) that a resource may hang under."""
        found = self._categories.get(code)
        return found is not None and found.tier == "division"

    def guess_category(self, words: Iterable[str]) -> str | None:
        """Guess the division from words, most telling first (name, then column names), by the categories' keywords."""
        scores: dict[str, float] = {}
        for rank, word in enumerate(words):
            for category in self._categories.values():
                hits = sum(len(key) for key in category.keywords if key in word)
                if hits:
                    group = 1.0 if category.tier == "division" else 0.5
                    scores[category.code] = scores.get(category.code, 0) + hits * group / (1 if rank == 0 else 6)
        divisions = {
            c.code: scores.get(c.code, 0) + scores.get(c.parent or "", 0)
            for c in self._categories.values()
            if c.tier == "division"
        }
        best = max(divisions, key=lambda code: (divisions[code], -int(code)))
        return best if divisions[best] > 0 else None

    @cached_property
    def _cycles(self) -> dict[str, UpdateCycle]:
        return {
            row["code"]: UpdateCycle(
                code=row["code"],
                id=row["id"],
                name=_name(row),
                interval=timedelta(days=int(row["interval_days"])) if row["interval_days"] else None,
                grace=timedelta(days=int(row["grace_days_default"] or 0)),
                verified=_yes(row["verified"]),
                note=row["note"],
            )
            for row in self.table("update_cycles")
        }

    def update_cycles(self) -> tuple[UpdateCycle, ...]:
        """Return the update cycles; a real-time one has an interval of zero."""
        return tuple(self._cycles.values())

    def update_cycle(self, code: str) -> UpdateCycle:
        """Return one update cycle.

        Raises:
            NotFound: no such code.

        """
        return _get(self._cycles, code, Text("更新周期", "update cycle"))

    @cached_property
    def _formats(self) -> dict[str, ResourceFormat]:
        return {
            row["format_id"]: ResourceFormat(
                class_code=row["class_code"],
                class_name=Text(row["class_zh"], row["class_en"]),
                id=row["format_id"],
                label=row["label"],
                media_type=row["media_type"],
                machine_readable=_yes(row["machine_readable"]),
                nonproprietary=_yes(row["nonproprietary"]),
                open_portal_role=row["open_portal_role"],
            )
            for row in self.table("resource_formats")
        }

    def formats(self) -> tuple[ResourceFormat, ...]:
        """Return the formats of the guide and those that the platform adds."""
        return tuple(self._formats.values())

    def format(self, format_id: str) -> ResourceFormat:
        """Return one format.

        Raises:
            NotFound: no such format.

        """
        return _get(self._formats, format_id, Text("信息资源格式", "format"))

    @cached_property
    def _item_types(self) -> tuple[ItemType, ...]:
        return tuple(
            ItemType(row["code"], _name(row), row["column_type"], row["sql_type"], row["json_type"])
            for row in self.table("item_types")
        )

    def item_types(self) -> tuple[ItemType, ...]:
        """Return the type letters of data items."""
        return self._item_types

    def code_sets(self) -> tuple[CodeSet, ...]:
        """Return all value domains in force, with the values that hold today."""
        book, today = self._entries()
        return tuple(book.sets_on(today).values())

    def code_set(self, set_id: str) -> CodeSet:
        """Return one value domain with the values that hold today; of a retired one, those it had last.

        Raises:
            NotFound: no such set.

        """
        book, today = self._entries()
        found = book.sets_on(today).get(set_id)
        if found is None and set_id in book.sets:
            found = in_force(book.sets[set_id], today)[1].on(today)
        return _get({} if found is None else {set_id: found}, set_id, Text("代码集", "code set"))

    def code_spans(self, set_id: str) -> tuple[CodeSpan, ...]:
        """Return the codes of a value domain by the days on which they hold, over all its versions.

        Raises:
            NotFound: no such set.

        """
        return spans(self._versions(set_id))

    def code_replacements(self, set_id: str) -> Mapping[str, tuple[CodeValue, ...]]:
        """Return for every code that a value domain ever had those that hold today in its place: one, several, or none.

        Raises:
            NotFound: no such set.

        """
        return replacements(self._versions(set_id), self._entries()[1])

    def _versions(self, set_id: str) -> Sequence[CodeSet]:
        return _get(self._entries()[0].sets, set_id, Text("代码集", "code set"))

    def code_set_for_column(self, name: str) -> CodeSet | None:
        """Return the value domain that a column of this name usually carries (``性别代码``)."""
        return next((s for s in self.code_sets() if name in s.column_words), None)

    def data_elements(self, library: str | None = None) -> tuple[DataElement, ...]:
        """Return the data elements in force, of one base library if named."""
        book, today = self._entries()
        return tuple(e for e in book.elements_on(today).values() if library in {None, e.library})

    def element(self, element_id: str) -> DataElement:
        """Return the data element of an id such as ``population.citizen_id``; of a retired one, what it said last.

        Raises:
            NotFound: no such element.

        """
        book, today = self._entries()
        found = book.elements_on(today).get(element_id)
        if found is None and element_id in book.elements:
            found = in_force(book.elements[element_id], today)[1]
        return _get({} if found is None else {element_id: found}, element_id, Text("数据元", "data element"))

    @staticmethod
    def least_grades(connection: Connection, elements: Collection[str], on: date) -> Mapping[str, str]:
        """Return the least grade of columns that hold each element, empty for none; a stricter version to come counts already.

        It is read from the database: who lowers a grade by it cannot do with what was read a second ago.
        """
        found = Book(RegistryStore(connection).elements(elements), {}).elements
        return {element: least_grade(versions, on) for element, versions in found.items()}

    def element_for_column(self, name: str) -> DataElement | None:
        """Return the data element whose Chinese or field name equals a column's name."""
        return next((e for e in self.data_elements() if name in {e.name.zh, e.field}), None)

    @cached_property
    def _departments(self) -> tuple[Department, ...]:
        return tuple(
            Department(row["dept_id"], _name(row), row["name_short_zh"], row["body_kind"], row["later_name_zh"])
            for row in self.table("departments_2018")
        )

    def departments(self) -> tuple[Department, ...]:
        """Return the departments that the work plan of 2018 names."""
        return self._departments

    @cached_property
    def _licences(self) -> dict[str, Licence]:
        return {
            row["id"]: Licence(
                id=row["id"],
                name=_name(row),
                url=row["url"],
                summary=Text(row["summary_zh"], row["summary_en"]),
                attribution=_yes(row["attribution"]),
                share_alike=_yes(row["share_alike"]),
                commercial=_yes(row["commercial"]),
                is_open=_yes(row["open"]),
            )
            for row in self.table("licences")
        }

    def licences(self) -> tuple[Licence, ...]:
        """Return the terms on which data may be used."""
        return tuple(self._licences.values())

    def licence(self, licence_id: str) -> Licence:
        """Return one set of terms.

        Raises:
            NotFound: no such licence.

        """
        return _get(self._licences, licence_id, Text("使用许可", "licence"))

    def themes(self) -> tuple[Category, ...]:
        """Return the groups 项 that the portal shows as themes: base and theme resources, and 307 for departments."""
        return tuple(c for c in self._categories.values() if c.tier == "group" and (c.code < "3" or c.code == "307"))

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules in force: limits, clocks, thresholds, fields, each with basis and verified flag."""
        book, today = self._entries()
        return tuple(book.rules_on(today).values())

    def rule(self, rule_id: str) -> Rule:
        """Return one rule.

        Raises:
            NotFound: no such rule.

        """
        book, today = self._entries()
        return _get(book.rules_on(today), rule_id, Text("时限规则", "rule"))

    def limit(self, topic: str, org_id: str) -> Rule | None:
        """Return the time limit of a topic that binds a department today: of its profile of law first, else the newest.

        None where no rule of the topic is active.
        """
        book, today = self._entries()
        found = [
            rule
            for rule in book.rules_on(today).values()
            if rule.kind == "time_limit" and rule.id.startswith(f"{topic}.") and rule.active and rule.holds(today)
        ]
        profile = self.profile_on(org_id, today).id
        return max(found, key=lambda rule: (rule.profile == profile, rule.effective_from), default=None)

    @cached_property
    def _profiles(self) -> dict[str, Profile]:
        return {
            row["id"]: Profile(
                id=row["id"],
                name=_name(row),
                basis=row["basis"],
                effective_from=row["effective_from"],
                effective_to=row["effective_to"],
                verified=_yes(row["verified"]),
                note=row["note"],
            )
            for row in self.table("profiles")
        }

    def profiles(self) -> tuple[Profile, ...]:
        """Return the profiles of law that an installation or a department may work by."""
        return tuple(self._profiles.values())

    def profile_on(self, org_id: str, day: date) -> Profile:
        """Return the profile that counts for a department on a day: its own choice, or the installation's, or the first."""
        made = sorted((c for c in self._choices() if c.since <= day), key=lambda c: c.since)
        for who in (org_id, INSTALLATION):
            named = [c.profile for c in made if c.org_id == who and c.profile in self._profiles]
            if named:
                return self._profiles[named[-1]]
        return self.profiles()[0]

    def required_fields(self, profile: str, day: date) -> Mapping[str, Rule]:
        """Return by field what entries of the catalog must say under a profile; one without fields asks what the first does."""
        book, _ = self._entries()
        rules = [r for r in book.rules_on(day).values() if r.kind == "required_field" and r.active and r.holds(day)]
        own = {rule.trigger: rule for rule in rules if rule.profile == profile}
        return own or {rule.trigger: rule for rule in rules if rule.profile == self.profiles()[0].id}

    @cached_property
    def _indicators(self) -> tuple[QualityIndicator, ...]:
        return tuple(
            QualityIndicator(r["code"], Text(r["dimension_zh"], r["dimension_en"]), _name(r), r["identifier"])
            for r in self.table("quality_indicators")
        )

    def quality_indicators(self) -> tuple[QualityIndicator, ...]:
        """Return the twenty indicators of GB/T 36344-2018."""
        return self._indicators

    @property
    def calendar(self) -> WorkingCalendar:
        """Return the working-day calendar as it is now: the years that the registry has in force; ask anew each time."""
        book, today = self._entries()
        return book.calendar_on(today)

    def is_working(self, day: date) -> bool:
        """Tell whether people work on ``day`` by the calendar as it is now."""
        return self.calendar.is_working(day)

    def statutory(self, year: int) -> Sequence[Holiday]:
        """Return the days of a year that the law makes holidays on a fixed day of the sun's or the moon's calendar."""
        fixed = [
            Holiday(date.fromisoformat(f"{year}-{row['month_day']}"), _name(row), row["basis"])
            for row in self.table("statutory_holidays")
            if date.fromisoformat(row["effective_from"]).year <= year
        ]
        spring = Text("春节（正月初一）", "Spring Festival (lunar new year)")
        moon = [Holiday(date.fromisoformat(r["on"]), spring, r["basis"]) for r in self.table("lunar_new_year")]
        return sorted([*fixed, *(one for one in moon if one.day.year == year)], key=lambda one: one.day)

    def due(self, day: date, count: int) -> Due:
        """Return the due date ``count`` working days after ``day`` (day 0); ``provisional`` if a year is not loaded."""
        return self.calendar.due(day, count)


def _short(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.endswith(suffix) and len(name) - len(suffix) > 1:
            return name.removesuffix(suffix)
    return name


def _get(table: Mapping[str, T], key: str, what: Text) -> T:
    found = table.get(key)
    if found is None:
        raise NotFound(
            f"没有{what.zh}“{key[:40]}”。请从标准表中选取。",
            f"There is no {what.en} “{key[:40]}”. Choose one from the standard table.",
            code="unknown_code",
            detail={"code": key[:40]},
        )
    return found
