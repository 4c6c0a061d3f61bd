"""What another version of a contract changes for those who rely on it: what breaks them, what does not, mere words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from beijiang.kit import Text, Word

if TYPE_CHECKING:
    from beijiang.contracts.models.terms import Check, DataObject, Field, Service, Terms
    from beijiang.contracts.models.tree import Plain

__all__ = ["Change", "Effect", "compare"]

T = TypeVar("T")
_SOONER: Final = frozenset({"latency", "frequency", "freshness", "ly", "fy"})
"""Levels of service of which less is better."""


class Effect(Word):
    """What a change does to those who rely on the contract."""

    BREAKING = "breaking", "不兼容", "breaking"
    COMPATIBLE = "compatible", "兼容", "compatible"
    WORDS = "words", "文字", "words only"


@dataclass(frozen=True, slots=True)
class Change:
    """One change; ``what`` names it, empty words on one side mean that it was not there."""

    effect: Effect
    where: str
    what: Text
    before: str
    after: str


def compare(old: Terms, new: Terms) -> tuple[Change, ...]:
    """Return what a new version changes, breaking ones first."""
    found = [*_objects(old, new), *_services(old, new), *_rest(old, new)]
    order = list(Effect)
    return tuple(sorted(found, key=lambda change: (order.index(change.effect), change.where)))


def _objects(old: Terms, new: Terms) -> Iterator[Change]:
    for name, before, after in _paired({o.name: o for o in old.objects}, {o.name: o for o in new.objects}):
        if before is None or after is None:
            yield _came_or_went(name, Text("数据对象", "object"), before is None, name)
            continue
        yield from _fields(name, before, after)
        yield from _checks(name, before.checks, after.checks)
        if before.description != after.description:
            yield Change(Effect.WORDS, name, Text("说明", "description"), before.description, after.description)


def _fields(where: str, old: DataObject | Field, new: DataObject | Field) -> Iterator[Change]:
    fields = [_inner(one) for one in (old, new)]
    for name, before, after in _paired(*fields):
        place = f"{where}.{name}"
        if before is None or after is None:
            yield _came_or_went(place, Text("列", "column"), before is None, name)
            continue
        yield from _field(place, before, after)
        yield from _checks(place, before.checks, after.checks)
        yield from _fields(place, before, after)


def _inner(one: DataObject | Field) -> dict[str, Field]:
    inner: tuple[Field, ...] = getattr(one, "fields", ()) or getattr(one, "parts", ())
    return {field.name or "[]": field for field in inner}


def _field(place: str, old: Field, new: Field) -> Iterator[Change]:
    for what, a, b in (
        (Text("列名", "name of the column"), old.column, new.column),
        (Text("逻辑类型", "logical type"), old.logical_type, new.logical_type),
        (Text("物理类型", "physical type"), old.physical_type, new.physical_type),
    ):
        if a != b:
            yield Change(Effect.BREAKING if a else Effect.COMPATIBLE, place, what, a, b)
    for what, was, now in (
        (Text("必填", "required"), old.required, new.required),
        (Text("唯一", "unique"), old.unique, new.unique),
    ):
        if was != now:
            yield Change(Effect.COMPATIBLE if now else Effect.BREAKING, place, what, _yes(was), _yes(now))
    keys = [str(f.key_position) if f.primary_key else "" for f in (old, new)]
    if keys[0] != keys[1]:
        yield Change(Effect.BREAKING, place, Text("主键", "primary key"), *keys)
    if old.classification != new.classification:
        lower = new.classification < old.classification and len(old.classification) == len(new.classification)
        effect = Effect.COMPATIBLE if not old.classification or lower else Effect.BREAKING
        yield Change(effect, place, Text("分级", "classification"), old.classification, new.classification)
    yield from _values(place, old, new)
    if dict(old.options) != dict(new.options):
        effect = Effect.COMPATIBLE if not old.options else Effect.BREAKING
        yield Change(effect, place, Text("类型约束", "options of the type"), _shown(old.options), _shown(new.options))
    for what, a, b in (
        (Text("说明", "description"), old.description, new.description),
        (Text("业务名称", "business name"), old.business_name, new.business_name),
    ):
        if a != b:
            yield Change(Effect.WORDS, place, what, a, b)


def _values(place: str, old: Field, new: Field) -> Iterator[Change]:
    """Tell of the list of permitted values: fewer of them break nobody; and of a column that is reckoned from others."""
    if old.allowed != new.allowed:
        fewer = not old.allowed or (new.allowed and all(value in old.allowed for value in new.allowed))
        sides = [", ".join(map(str, f.allowed)) for f in (old, new)]
        yield Change(Effect.COMPATIBLE if fewer else Effect.BREAKING, place, Text("取值列表", "list of values"), *sides)
    if old.derived != new.derived:
        sides = [_yes(f.derived) for f in (old, new)]
        yield Change(Effect.BREAKING, place, Text("由列算出", "reckoned from columns"), *sides)


def _checks(place: str, old: Iterable[Check], new: Iterable[Check]) -> Iterator[Change]:
    what = Text("质量规则", "quality rule")
    for name, before, after in _paired({c.key: c for c in old}, {c.key: c for c in new}):
        if before is None or after is None:
            yield _came_or_went(place, what, before is None, name)
            continue
        bounds = [f"{c.operator} {' '.join(f'{b:g}' for b in c.bounds)} {c.unit}".strip() for c in (before, after)]
        if bounds[0] != bounds[1]:
            yield Change(_limit(before, after), place, Text(f"{what.zh} {name}", f"{what.en} {name}"), *bounds)
        if before.severity != after.severity or dict(before.arguments) != dict(after.arguments):
            sides = (
                f"{before.severity} {_shown(before.arguments)}".strip(),
                f"{after.severity} {_shown(after.arguments)}".strip(),
            )
            yield Change(Effect.BREAKING, place, Text(f"{what.zh} {name}", f"{what.en} {name}"), *sides)


def _limit(old: Check, new: Check) -> Effect:
    """Tell whether a limit got tighter, which breaks nobody who relies on it."""
    if old.operator != new.operator or old.unit != new.unit or len(old.bounds) != len(new.bounds):
        return Effect.BREAKING
    if old.operator in {"mustBeLessThan", "mustBeLessOrEqualTo"}:
        return Effect.COMPATIBLE if new.bounds <= old.bounds else Effect.BREAKING
    if old.operator in {"mustBeGreaterThan", "mustBeGreaterOrEqualTo"}:
        return Effect.COMPATIBLE if new.bounds >= old.bounds else Effect.BREAKING
    if old.operator == "mustBeBetween" and old.bounds:
        inside = old.bounds[0] <= new.bounds[0] and new.bounds[1] <= old.bounds[1]
        return Effect.COMPATIBLE if inside else Effect.BREAKING
    return Effect.BREAKING


def _services(old: Terms, new: Terms) -> Iterator[Change]:
    what = Text("服务水平", "level of service")

    def named(terms: Terms) -> dict[str, Service]:
        return {" ".join(p for p in (s.property, s.element, s.driver) if p): s for s in terms.services}

    for name, before, after in _paired(named(old), named(new)):
        if before is None or after is None:
            yield _came_or_went(name, what, before is None, name)
        elif (before.value, before.unit) != (after.value, after.unit):
            better = before.property in _SOONER and before.unit == after.unit and _less(after.value, before.value)
            sides = (f"{before.value} {before.unit}".strip(), f"{after.value} {after.unit}".strip())
            yield Change(Effect.COMPATIBLE if better else Effect.BREAKING, name, what, *sides)


def _rest(old: Terms, new: Terms) -> Iterator[Change]:
    for words, a, b in (
        (Text("服务器", "server"), {s.server: s for s in old.servers}, {s.server: s for s in new.servers}),
        (Text("角色", "role"), {r.role: r for r in old.roles}, {r.role: r for r in new.roles}),
    ):
        for name, before, after in _paired(a, b):
            if before is None or after is None:
                yield _came_or_went(str(name), words, before is None, str(name))
            elif before != after:
                yield Change(Effect.BREAKING, str(name), words, str(name), str(name))
    if old.price != new.price:
        sides = tuple("" if p is None else f"{p.amount} {p.currency} / {p.unit}" for p in (old.price, new.price))
        yield Change(Effect.BREAKING, "price", Text("价格", "price"), *sides)
    for key, what in (
        ("name", Text("名称", "name")),
        ("purpose", Text("目的", "purpose")),
        ("usage", Text("用途", "usage")),
        ("limitations", Text("限制", "limitations")),
        ("domain", Text("领域", "domain")),
        ("status", Text("状态", "status")),
    ):
        before, after = str(getattr(old, key)), str(getattr(new, key))
        if before != after:
            effect = Effect.BREAKING if key == "limitations" and before else Effect.WORDS
            yield Change(effect, key, what, before, after)
    for key, what in (("team", Text("团队", "team")), ("support", Text("支持渠道", "support"))):
        if getattr(old, key) != getattr(new, key):
            yield Change(Effect.WORDS, key, what, str(len(getattr(old, key))), str(len(getattr(new, key))))


def _came_or_went(where: str, what: Text, came: bool, name: str) -> Change:
    return Change(
        Effect.COMPATIBLE if came else Effect.BREAKING, where, what, "" if came else name, name if came else ""
    )


def _paired(old: Mapping[str, T], new: Mapping[str, T]) -> Iterator[tuple[str, T | None, T | None]]:
    for key in dict.fromkeys([*old, *new]):
        yield key, old.get(key), new.get(key)


def _less(one: Plain, other: Plain) -> bool:
    numbers = [value for value in (one, other) if isinstance(value, int | float)]
    return len(numbers) == 2 and numbers[0] < numbers[1]  # noqa: PLR2004 - the two of them


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _shown(value: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={value[key]}" for key in sorted(value))
