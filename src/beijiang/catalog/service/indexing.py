"""Turn a resource into its search rows, in the transaction that changes the resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from beijiang.catalog.models import Entry, ExtensionField, Facet, FieldKind, Level, Mark, Resource, State
from beijiang.catalog.models.extension import shown_value
from beijiang.catalog.search.sieve import Grain
from beijiang.catalog.search.sounds import sound_terms, syllables
from beijiang.catalog.store import Document, ExtensionStore, ResourceStore, SearchRow, SearchStore
from beijiang.kit import NotFound, Text
from beijiang.standards import Standards

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MEANINGS = 60
"""Code meanings taken from one code set at most."""


def codes_of(standards: Standards, code_set: str) -> dict[str, Text]:
    """Return what may be chosen in a code set; of one that there is not, nothing."""
    try:
        return {value.code: value.name for value in standards.code_set(code_set).values} if code_set else {}
    except NotFound:
        return {}


class Indexer:
    """Write what a search finds: the working entry, and the published one while it differs."""

    def __init__(self, standards: Standards) -> None:
        self._standards = standards

    def put(self, connection: Connection, resource: Resource, at: datetime) -> None:
        """Bring the rows of one resource up to date."""
        store = SearchStore(connection)
        public = self._public_entry(connection, resource)
        held = bool(resource.entry.extensions or (public is not None and public.extensions))
        declared = ExtensionStore(connection).all() if held else ()
        same = public is not None and public == resource.entry
        gone = resource.state is State.WITHDRAWN
        rows: list[tuple[SearchRow, Document | None]] = []
        moments = (None, None) if public is None else ResourceStore(connection).public_moments(resource.id)
        rows.append(self._row(resource, resource.entry, declared, slot="w", public=same, inner=not gone))
        if public is not None and not same:
            rows.append(self._row(resource, public, declared, slot="p", public=True, inner=False))
        elif store.has(resource.id, "p"):
            rows.append((self._row(resource, resource.entry, declared, slot="p", public=False, inner=False)[0], None))
        first, last = moments
        store.put([(replace(row, first_at=first, changed_at=last), words) for row, words in rows], at)

    def add_all(self, connection: Connection, resources: Sequence[Resource], at: datetime) -> None:
        """Write the rows of resources that are new, and so have nothing published."""
        rows: list[tuple[SearchRow, Document | None]] = [
            self._row(resource, resource.entry, (), slot="w", public=False, inner=True) for resource in resources
        ]
        SearchStore(connection).put(rows, at)

    def grain(
        self,
        resource: Resource,
        entry: Entry,
        moments: tuple[datetime | None, datetime | None],
        declared: Sequence[ExtensionField],
    ) -> Grain:
        """Return an entry with the terms and facets that the index has of it, to try conditions on."""
        name, words, fields, _ = self._document(resource, entry, syllables(entry.name), declared).columns()
        created, changed = moments
        modified = changed if created is None or changed is None else max(created, changed)
        columns = Grain.joined(name), Grain.joined(words), Grain.joined(fields)
        return Grain(resource.id, columns, self._facets(entry, declared), created, modified or created)

    def _public_entry(self, connection: Connection, resource: Resource) -> Entry | None:
        if resource.version is None:
            return None
        if resource.state is State.PUBLISHED:
            return resource.entry
        version = ResourceStore(connection).version(resource.id, resource.version)
        return version.entry if version else None

    def _row(
        self,
        resource: Resource,
        entry: Entry,
        declared: Sequence[ExtensionField],
        *,
        slot: str,
        public: bool,
        inner: bool,
    ) -> tuple[SearchRow, Document]:
        sounds = syllables(entry.name)
        row = SearchRow(
            resource_id=resource.id,
            slot=slot,
            is_public=public,
            is_inner=inner,
            provider_id=entry.provider_id,
            provider_name=entry.provider_name,
            name=entry.name,
            sounds=" ".join(sound or "_" for sound in sounds),
            summary=entry.summary,
            fields=tuple(dict.fromkeys(item.name for item in entry.items)),
            facets=self._facets(entry, declared),
            state=str(resource.state),
            rows=None if resource.facts.rows_held else resource.facts.rows,
            published_at=resource.published_at,
            data_at=resource.facts.data_at,
        )
        return row, self._document(resource, entry, sounds, declared)

    def _facets(self, entry: Entry, declared: Sequence[ExtensionField]) -> dict[str, list[str]]:
        level = entry.level
        held = ((one.key, entry.extension(one.key)) for one in declared if one.narrows)
        return {
            Facet.THEME.value: [prefix[:3] for prefix in entry.categories],
            Facet.DEPARTMENT.value: [entry.provider_id],
            Facet.REGION.value: [entry.region_code] if entry.region_code else [],
            Facet.FORMAT.value: list(entry.formats),
            Facet.OPEN_TYPE.value: [str(entry.open_type)] if entry.open_type else [],
            Facet.UPDATE_CYCLE.value: [entry.update_cycle],
            Facet.GRADE.value: [str(level or Level.L4)] if entry.items else [],
            Mark.LICENCE.value: [entry.licence] if entry.licence else [],
            Mark.TAG.value: list(entry.keywords),
            Facet.EXTENSION.value: [f"{key}={value}" for key, value in held if value],
        }

    def _document(
        self, resource: Resource, entry: Entry, sounds: list[str], declared: Sequence[ExtensionField]
    ) -> Document:
        codes = [str(code) for code in resource.codes]
        words = [entry.summary, entry.provider_name, entry.inner_office, *entry.keywords, entry.time_span, *codes]
        fields: list[str] = []
        for item in entry.items:
            fields += [item.name, item.description]
            if item.column != item.name:
                fields.append(item.column)
            fields += self._meanings(item.code_set)
        return Document(
            name=entry.name,
            words=tuple(word for word in (*words, *self._category_names(entry), *self._told(entry, declared)) if word),
            fields=tuple(field for field in fields if field),
            sounds=tuple(dict.fromkeys((*sound_terms(sounds), *sound_terms(syllables(entry.provider_name))))),
            links=entry.related_codes,
        )

    def _told(self, entry: Entry, declared: Sequence[ExtensionField]) -> list[str]:
        """Return the words of the declared fields whose values everybody may see."""
        found: list[str] = []
        for field in declared:
            value = entry.extension(field.key) if field.is_public else ""
            if value and field.kind is FieldKind.YES_NO:
                found += [field.name.zh, field.name.en] if value == "yes" else []
            elif value:
                shown = shown_value(field, value, codes_of(self._standards, field.code_set))
                found += dict.fromkeys((value, shown.zh, shown.en))
        return found

    def _category_names(self, entry: Entry) -> list[str]:
        names: list[str] = []
        for prefix in entry.categories:
            for code in (prefix, prefix[:3]):
                try:
                    category = self._standards.category(code)
                except NotFound:
                    continue
                names += dict.fromkeys((category.name.zh, category.name.en, category.plain.zh, category.plain.en))
        return names

    def _meanings(self, code_set: str | None) -> list[str]:
        if code_set is None:
            return []
        try:
            found = self._standards.code_set(code_set)
        except NotFound:
            return []
        return [found.name.zh, *(value.name.zh for value in found.values[:_MEANINGS])]


__all__ = ["Indexer", "codes_of"]
