"""Finding what is in documents; every result carries the grade of what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.mining.errors import too_few_labels
from beijiang.mining.models.texts import Alike, Keys, KeywordWay, Passage, PlanFound, tasks_of
from beijiang.mining.models.texts.firms import ShortNames, keys_of, places_of
from beijiang.mining.models.texts.keys import key_sentences, keywords
from beijiang.mining.models.texts.likeness import LIKE, alike, candidates, passages, shingles
from beijiang.mining.models.texts.mentions import (
    Entity,
    EntityKind,
    Mention,
    Names,
    company_names,
    mentions_of,
    settled,
)
from beijiang.mining.models.texts.sorting import LEAST, Classified, sorter_of
from beijiang.mining.service.texts.keeping import Keeping

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.mining.models.texts import Sentence

__all__ = ["Finding"]

_TOO_WIDE: Final = frozenset({"人民政府", "办公厅", "办公室", "行政公署", "委员会", "自治区", "内蒙古"})
"""What is left of some names without their prefix, and is a part of many others."""


class Finding(Keeping):
    """Look into documents."""

    def keywords(self, actor: Actor, document_id: str, way: KeywordWay = KeywordWay.TFIDF) -> Keys:
        """Return the keywords and key sentences of a document.

        Words are weighed against the documents that the actor sees of his organisation; the result is as sensitive as this
        document, of which alone it holds words.
        """
        found = self._seen(actor, document_id)
        sentences = self._sentences(actor, found)
        cut = self._cut().cut_all([one.text for one in sentences])
        others = [one.words for one in self.documents(actor, org_id=found.org_id) if one.id != found.id]
        words, size = keywords([word for line in cut for word in line], others, way)
        return Keys(way, words, key_sentences(sentences, cut), size, found.grade)

    def alike(self, actor: Actor, document_id: str) -> Sequence[Alike]:
        """Return the documents that say nearly the same, the most alike first; half of the word shingles in common."""
        found = self._seen(actor, document_id)
        others = {one.id: one for one in self.documents(actor, org_id=found.org_id) if one.id != found.id}
        near = candidates(found.signature, {name: one.signature for name, one in others.items()})
        if not near:
            return ()
        mine = shingles(self._cut().words(self._text(actor, found)))
        made = []
        for name in near:
            other = others[name]
            share, contained = alike(mine, shingles(self._cut().words(self._text(actor, other))))
            if share >= LIKE:
                made.append(Alike(other, round(share, 4), round(contained, 4), max(found.grade, other.grade)))
        return sorted(made, key=lambda one: (-one.share, one.document.id))

    def compare(self, actor: Actor, document_id: str, other_id: str) -> tuple[Sequence[Passage], str]:
        """Return the sentences of a document, each beside the one most like it in another, and the grade of both."""
        here, there = self._seen(actor, document_id), self._seen(actor, other_id)
        sides = [self._lined(self._sentences(actor, one)) for one in (here, there)]
        return passages(*sides), max(here.grade, there.grade)

    def classes(self, actor: Actor, document_id: str = "") -> Classified:
        """Return what was learned from the labelled documents, and the class of one, or of all without a label.

        Raises:
            Conflict: fewer than two classes have enough documents (``too_few_labels``).

        """
        chosen = self._seen(actor, document_id) if document_id else None
        documents = self.documents(actor, org_id="" if chosen is None else chosen.org_id)
        wanted = [one for one in documents if not one.label] if chosen is None else [chosen]
        made = sorter_of([one for one in documents if one.id != document_id], wanted)
        if isinstance(made, int):
            raise too_few_labels(made, LEAST)
        return made

    def mentions(self, actor: Actor, document_id: str) -> tuple[Sequence[Mention], str]:
        """Return the regions, departments and legal entities that a document names, with the doubt, and its grade.

        Legal entities are asked of the base library as the actor: what he may not see there is not linked here.
        """
        found = self._seen(actor, document_id)
        sentences = self._sentences(actor, found)
        entries = self._entries()
        firms = company_names("\n".join(one.text for one in sentences))
        for words, known in (self.registers.named(actor, firms) if firms else {}).items():
            entries[words] = [Entity(EntityKind.COMPANY, one.id, one.name, one.note, one.page) for one in known]
        names = Names(entries)
        plain = mentions_of([(one.place, one.start, one.text) for one in sentences], names)
        regions = self.standards.table("regions")
        shorts = self._short_names(actor, sentences, places_of(regions))
        full = settled(plain, {row["code"]: row["parent"] for row in regions})
        return shorts.find(sentences, full), found.grade

    def _short_names(
        self, actor: Actor, sentences: Sequence[Sentence], places: Mapping[str, frozenset[str]]
    ) -> ShortNames:
        """Return the legal entities, as the actor may see them, that may stand in a text without region and legal form."""
        parts = keys_of(sentences)
        known = self.registers.containing(actor, parts) if parts else ()
        return ShortNames.of(
            [Entity(EntityKind.COMPANY, one.id, one.name, one.note, one.page) for one in known], places
        )

    def tasks(self, actor: Actor, document_id: str) -> PlanFound:
        """Return the tasks that a work plan sets: who leads, who takes part, targets, deadlines; a proposal, no decision."""
        found = self._seen(actor, document_id)
        year, tasks = tasks_of(self._text(actor, found), self._bodies())
        return PlanFound(year, tasks, found.grade, found.id, found.sha256)

    # Inside

    def _lined(self, sentences: Sequence[Sentence]) -> Sequence[tuple[Sentence, Sequence[str]]]:
        cutter = self._cut()
        return [(one, cutter.words(one.text)) for one in sentences]

    def _bodies(self) -> Mapping[str, Sequence[str]]:
        """Return every name that an organisation goes by, with the organisations that go by it."""
        later = {row["dept_id"]: row["later_name_zh"] for row in self.standards.table("departments_2018")}
        known: dict[str, dict[str, None]] = {}
        for one in self.access.organisations():
            names = {one.name_zh, one.short_zh or "", *(n.strip() for n in later.get(one.id, "").split(";"))}
            for name in {variant for said in names for variant in _variants(said)}:
                known.setdefault(name, {})[one.id] = None
        return {name: list(ids) for name, ids in known.items()}

    def _entries(self) -> dict[str, Sequence[Entity]]:
        bodies = {one.id: one for one in self.access.organisations()}
        regions = {row["code"]: row for row in self.standards.table("regions")}
        entries: dict[str, list[Entity]] = {}
        for code, row in regions.items():
            above = regions.get(row["parent"])
            entity = Entity(EntityKind.REGION, code, row["name"], above["name"] if above else "")
            entries.setdefault(row["name"], []).append(entity)
        places = frozenset(entries)
        for name, ids in self._bodies().items():
            if name not in places:  # a city's government goes by the city's name, and a text means the city
                entries[name] = [Entity(EntityKind.DEPARTMENT, one, bodies[one].name_zh) for one in ids]
        return dict(entries)


def _variants(name: str) -> set[str]:
    """Return the ways a body is written: with and without the words that say of what it is."""
    found = {name}
    for prefix in ("内蒙古自治区", "自治区", "党委", "人民政府", "内蒙古"):
        found |= {one.removeprefix(prefix) for one in found}
    return {one for one in found if len(one) > 2 and one not in _TOO_WIDE}  # noqa: PLR2004 - shorter ones name too much
