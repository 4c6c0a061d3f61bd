"""Turn facts of the log into notices: whom each concerns, and who of them may see what it is about."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import SYSTEM, BeijiangError, Denied, NotFound, new_id
from beijiang.notices.models import Notice, NoticeKind, Way, facts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from beijiang.access import Access, Person
    from beijiang.evidence import Evidence, EvidenceRecord
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.notices.models import Fact, Look, Seen

__all__ = ["Audience", "Followers", "followed_things", "looked", "things_of"]

log = logging.getLogger(__name__)


_FOLLOWERS: Final = frozenset({"followers", "keepers"})


@dataclass(frozen=True, slots=True)
class Followers:
    """Who hears of a data set: those who follow it now, and those who were told of it before."""

    now: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()


def followed_things(records: Iterable[EvidenceRecord]) -> tuple[set[str], set[str]]:
    """Return the data sets whose followers some records concern, and those of them that went."""
    things: set[str] = set()
    gone: set[str] = set()
    for record in records:
        for fact in () if record.erased else facts_of(record.action, record.detail):
            things |= {_thing(fact, record)} if fact.parties & _FOLLOWERS else set()
            gone |= {_thing(fact, record)} if "keepers" in fact.parties else set()
    return things, gone


def things_of(records: Iterable[EvidenceRecord]) -> set[str]:
    """Return what some records are about."""
    return {
        thing
        for record in records
        if not record.erased
        for fact in facts_of(record.action, record.detail)
        for thing in (_thing(fact, record), record.target)
    }


class Audience:
    """Whom a fact concerns, as of now; made anew for every batch, so that roles are those of today."""

    def __init__(
        self,
        access: Access,
        evidence: Evidence,
        looks: Mapping[str, Look],
        followers: Mapping[str, Followers],
    ) -> None:
        self._access = access
        self._evidence = evidence
        self._looks = looks
        self._followers = followers
        self._people = {one.id: one for one in access.people(SYSTEM) if one.disabled_at is None}
        self._verdicts: dict[tuple[object, ...], bool] = {}
        self._done: dict[tuple[str, str, str], bool] = {}

    def notices_of(self, record: EvidenceRecord) -> list[Notice]:
        """Return the notices that a record of the log makes."""
        if record.erased:
            return []
        found: dict[str, Notice] = {}
        for fact in facts_of(record.action, record.detail):
            thing = _thing(fact, record)
            keepers = self._told(fact, thing) if "keepers" in fact.parties else frozenset()
            for one in self._concerned(fact, record, thing):
                seen = None if one.id in found else looked(self._looks, one.as_actor(None), fact.subject, thing)
                if one.id in keepers if seen is None else seen.turn or fact.kind is not NoticeKind.TASK:
                    found.setdefault(one.id, _notice(one, fact, record, thing))
        return [*found.values()]

    def is_done(self, task: Notice) -> bool:
        """Tell whether nothing is left to do about a task for whoever was told of it; others may have done it.

        Raises:
            BeijiangError: it cannot be looked at now; whoever takes the records takes them again.

        """
        person, look = self._people.get(task.person_id), self._looks.get(task.subject)
        if person is None or look is None:  # an account that is stopped may come back
            return False
        key = (task.person_id, task.subject, task.thing)
        if key not in self._done:
            try:
                self._done[key] = not look(person.as_actor(None), task.thing).turn
            except (NotFound, Denied):
                self._done[key] = True
        return self._done[key]

    def _concerned(self, fact: Fact, record: EvidenceRecord, thing: str) -> list[Person]:
        chosen = {one.id for one in self._office(fact, record.detail)}
        if "others" in fact.parties:
            chosen |= self._evidence.actors_on(record.target, before=record.sequence)
        if fact.parties & _FOLLOWERS:
            chosen |= self._told(fact, thing)
        if "people" in fact.parties:
            named = record.detail.get("people")
            chosen |= {str(one) for one in named} if isinstance(named, list) else set()
        if "person" in fact.parties:
            chosen.add(str(record.detail.get("person")))
        if "people" not in fact.parties:
            chosen.discard(record.actor_id)
        if "doer" in fact.parties:
            chosen.add(record.actor_id)
        return [one for person_id, one in self._people.items() if person_id in chosen]

    def _told(self, fact: Fact, thing: str) -> frozenset[str]:
        """Return who hears of a data set because of what they said: of one that went also who was told that it is there."""
        found = self._followers.get(thing, Followers())
        return found.now | found.told if "keepers" in fact.parties else found.now

    def _office(self, fact: Fact, detail: Mapping[str, JsonValue]) -> Iterable[Person]:
        """Yield the people who hold the permission of a fact in a department that its record names."""
        if not fact.permissions:
            return
        orgs = _named(detail, fact.orgs)
        for one in self._people.values():
            asked: set[str | None] = {org for org in orgs if org in {one.org_id, ""} or fact.authority}
            if fact.authority and not orgs:
                asked = {None}
            if any(self._holds(one, permission, org) for permission in fact.permissions for org in asked):
                yield one

    def _holds(self, one: Person, permission: str, org_id: str | None) -> bool:
        key = (one.roles, one.org_id, permission, org_id)
        if key not in self._verdicts:
            self._verdicts[key] = self._access.allows(one.as_actor(None), permission, org_id)
        return self._verdicts[key]


def looked(looks: Mapping[str, Look], actor: Actor, subject: str, thing: str) -> Seen | None:
    """Return what a thing is called for somebody who may see it now, else None."""
    look = looks.get(subject)
    if look is None:
        return None
    try:
        return look(actor, thing)
    except BeijiangError:
        return None


def wanted(made: Sequence[Notice], choices: Mapping[tuple[str, NoticeKind], Way]) -> list[Notice]:
    """Return the notices whose readers did not choose to hear nothing of their kind.

    Of several steps that were looked at together, the last alone says whose turn it is.
    """
    last = {(one.person_id, one.thing): one for one in made if one.kind is NoticeKind.TASK}
    return [
        one
        for one in made
        if choices.get((one.person_id, one.kind)) is not Way.NONE
        and (one.kind is not NoticeKind.TASK or last[one.person_id, one.thing] is one)
    ]


def _named(detail: Mapping[str, JsonValue], keys: Iterable[str]) -> set[str | None]:
    """Return the departments that a record names under some words; the platform's own things name the empty one."""
    found: set[str | None] = set()
    for key in keys:
        value = detail.get(key)
        if isinstance(value, list):
            found |= {str(one) for one in value if one is not None}
        elif value is not None:
            found.add(str(value))
    return found


def _notice(one: Person, fact: Fact, record: EvidenceRecord, thing: str) -> Notice:
    return Notice(
        id=new_id("ntc"),
        person_id=one.id,
        fact=record.id,
        action=record.action,
        kind=fact.kind,
        subject=fact.subject,
        thing=thing,
        at=record.at,
    )


def _thing(fact: Fact, record: EvidenceRecord) -> str:
    """Return the id of what a record is about; the catalog writes its own before."""
    if fact.subject == "account":
        return str(record.detail.get("person"))
    if fact.subject == "library":  # a decision on records is about the table, and says whose queue it was in
        return str(record.detail.get("library") or record.target)
    return record.target.removeprefix("catalog:")
