"""Which facts become notices, and for whom: a packaged table, read once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from beijiang.kit import Text
from beijiang.notices.models.notices import NoticeKind, fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.kit.errors import JsonValue

__all__ = ["Fact", "actions", "facts_of", "limit_on", "subjects", "words_of"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the table: an action of the log, and whom it concerns.

    ``parties``: ``others`` are the people who acted on the thing before, ``doer`` the one who did it, ``person`` the one whom the
    record names, ``people`` those whom it names, ``followers`` those who follow the data set, ``keepers`` the same though
    they may see it no longer: they hear that it went, and not its name. ``orgs`` are the words of the record that name departments; of those,
    people who hold one of ``permissions`` there hear of it; with ``authority`` also people of other departments who hold it. A task is told to
    those alone who can do something about it at that moment.
    """

    action: str
    when: str
    kind: NoticeKind
    subject: str
    parties: frozenset[str]
    orgs: tuple[str, ...]
    permissions: tuple[str, ...]
    authority: bool
    words: Text


@cache
def _facts() -> Mapping[str, Sequence[Fact]]:
    found: dict[str, list[Fact]] = {}
    for row in _table("facts.csv"):
        fact = Fact(
            action=row["action"],
            when=row["when"],
            kind=NoticeKind(row["kind"]),
            subject=row["subject"],
            parties=frozenset(row["parties"].split()),
            orgs=tuple(row["orgs"].split()),
            permissions=tuple(row["permission"].split()),
            authority=row["authority"] == "yes",
            words=Text(row["zh"], row["en"]),
        )
        found.setdefault(fact.action, []).append(fact)
    return found


def actions() -> tuple[str, ...]:
    """Return the actions of the log that concern anybody."""
    return tuple(_facts())


def subjects() -> frozenset[str]:
    """Return every sort of thing that a notice may be about."""
    return frozenset(fact.subject for facts in _facts().values() for fact in facts)


def facts_of(action: str, detail: Mapping[str, JsonValue]) -> Sequence[Fact]:
    """Return the lines that fit a record; a person hears of it by the first that concerns him or her."""
    return [fact for fact in _facts().get(action, ()) if fits(fact.when, detail)]


def words_of(action: str, kind: NoticeKind, subject: str) -> Text:
    """Return what a notice of an action says of a sort of thing; an action that an older release knew shows itself."""
    found = _facts().get(action, ())
    return next((fact.words for fact in found if (fact.kind, fact.subject) == (kind, subject)), Text(action, action))


def limit_on(name: str, day: date) -> int:
    """Return a limit as it is in force on a day: the newest line that has begun."""
    rows = [row for row in _table("limits.csv") if row["name"] == name and date.fromisoformat(row["from"]) <= day]
    newest = max(rows, key=lambda row: row["from"], default=None)
    return int((newest or next(row for row in _table("limits.csv") if row["name"] == name))["value"])


@cache
def _table(name: str) -> Sequence[Mapping[str, str]]:
    text = files("beijiang").joinpath("notices", "reference", name).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
