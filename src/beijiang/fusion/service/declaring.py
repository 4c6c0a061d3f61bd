"""Libraries: draft from a model, declare, change, retire; every revision is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.fusion.errors import bad_draft, reason_needed, taken
from beijiang.fusion.models import Choosing, Element, Library, LibraryDraft, LibraryModel
from beijiang.fusion.models.libraries import CROSSWALK, GOLDEN
from beijiang.fusion.models.starting import MATCHING
from beijiang.fusion.models.trees import CONFLICTS, PROVENANCE, RECORD, RECORD_COUNT, SOURCE_COUNT
from beijiang.fusion.service.base import Base, library_models
from beijiang.fusion.store import LibraryStore, library_part
from beijiang.kit import NotFound, new_id
from beijiang.tables import TableWriter, WriterKind

if TYPE_CHECKING:
    from beijiang.fusion.models import LibraryLine
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.standards import DataElement

__all__ = ["Declaring"]

ELEMENTS_MOST: Final = 200
NAME_LONGEST: Final = 100
_OWN: Final = frozenset({GOLDEN, RECORD, SOURCE_COUNT, RECORD_COUNT, PROVENANCE, CONFLICTS, "valid_from", "valid_to"})
"""Columns that the platform adds itself."""


class Declaring(Base):
    """Which libraries there are."""

    def models(self, actor: Actor) -> Sequence[LibraryModel]:
        """Return the kinds of libraries that the plan names, whether declared here or not."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        return library_models()

    def libraries(self, actor: Actor) -> Sequence[Library]:
        """Return the libraries in force."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            return LibraryStore(connection).all()

    def library_part(self, actor: Actor, wanted: Wanted) -> Part[LibraryLine]:
        """Return a part of the libraries that ``libraries`` lists, narrowed, counted and sorted."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            return library_part(connection, wanted, self.clock.now())

    def kinds(self, actor: Actor) -> set[str]:
        """Return the kinds of which there are libraries in force."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            return LibraryStore(connection).kinds()

    def library(self, actor: Actor, library_id: str) -> Library:
        """Return a library by its id or the table that it fills.

        Raises:
            NotFound: unknown or retired.

        """
        return self._seen(actor, library_id)

    def writer_of(self, table: str) -> TableWriter | None:
        """Return the library in force that fills a table; ingest asks before it takes anything in."""
        with self.db.read() as connection:
            found = LibraryStore(connection).filling(table)
        return None if found is None else TableWriter(WriterKind.LIBRARY, found.id, found.name, found.org_id)

    def history(self, actor: Actor, library_id: str) -> Sequence[Library]:
        """Return all revisions of a library, oldest first, with who set them and why."""
        found = self._seen(actor, library_id)
        with self.db.read() as connection:
            return LibraryStore(connection).history(found.id)

    def draft(self, actor: Actor, kind: str) -> LibraryDraft:
        """Return a library as the standards would have it, to be looked over and declared.

        Raises:
            Invalid: no such kind.

        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        model = _model(kind)
        found = self.standards.data_elements(model.library) if model.library else ()
        elements = tuple(_element(one, model.choosing.get(one.field, Choosing.SOURCE)) for one in found)
        names = {one.field: one.name.zh for one in found}
        return LibraryDraft(
            kind=kind,
            name=model.name.zh,
            target=model.name.zh.replace("·", "_"),
            elements=elements,
            key=tuple(names[field] for field in model.key if field in names),
            matching=model.matching,
        )

    def declare(self, actor: Actor, draft: LibraryDraft, reason: str = "") -> Library:
        """Put a library in force; it fills a table of its own, of the actor's organisation.

        Raises:
            Invalid: it cannot be used as it is.
            Conflict: its table is filled from elsewhere.

        """
        org_id = actor.org_id or ""
        self.access.require(actor, Permission.FUSION_LIBRARY_MANAGE, org_id)
        draft = _checked(draft)
        for name in (draft.target, f"{draft.target}{CROSSWALK}"):
            if self.tables.writers_of(name):
                raise taken(name)
            try:
                self.tables.get(actor, name)
            except NotFound:
                continue
            raise taken(name)
        made = Library(
            **{name: getattr(draft, name) for name in LibraryDraft.__dataclass_fields__},
            id=new_id("lib"),
            revision=1,
            org_id=org_id,
            prefix=_model(draft.kind).prefix,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )
        return self._put(actor, made, "declare")

    def change(self, actor: Actor, library_id: str, draft: LibraryDraft, reason: str) -> Library:
        """Make a new revision of a library; its kind and its table stay the same.

        Raises:
            Invalid: no reason, or it cannot be used as it is.

        """
        before = self._seen(actor, library_id, Permission.FUSION_LIBRARY_MANAGE)
        if not reason.strip():
            raise reason_needed()
        draft = _checked(replace(draft, kind=before.kind, target=before.target))
        made = replace(
            before,
            **{name: getattr(draft, name) for name in LibraryDraft.__dataclass_fields__},
            revision=before.revision + 1,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )
        return self._put(actor, made, "change")

    def retire(self, actor: Actor, library_id: str, reason: str) -> Library:
        """Let a library run no more; its tables and their history stay.

        Raises:
            Invalid: no reason.

        """
        before = self._seen(actor, library_id, Permission.FUSION_LIBRARY_MANAGE)
        if not reason.strip():
            raise reason_needed()
        ended = replace(
            before,
            revision=before.revision + 1,
            retired=True,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )
        return self._put(actor, ended, "retire")

    def _put(self, actor: Actor, made: Library, what: str) -> Library:
        with self.db.begin() as tx:
            store = LibraryStore(tx.connection)
            other = store.filling(made.target) or store.filling(made.crosswalk)
            if other is not None and other.id != made.id:
                raise taken(made.target)
            store.add(made)
            detail: dict[str, JsonValue] = {
                "library": made.id,
                "revision": made.revision,
                "kind": made.kind,
                "elements": len(made.elements),
                "key": list(made.key),
                "matching": made.matching,
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, f"fusion.library_{what}", target=made.target, detail=detail)
        return made


def _model(kind: str) -> LibraryModel:
    found = next((one for one in library_models() if one.kind == kind), None)
    if found is None:
        kinds = "、".join(one.kind for one in library_models())
        raise bad_draft(
            f"没有这种库“{kind[:40]}”。可选：{kinds}。", f'There is no kind "{kind[:40]}" of library: {kinds}.'
        )
    return found


def _element(found: DataElement, choosing: Choosing) -> Element:
    return Element(
        name=found.name.zh,
        element=found.id,
        type=found.type,
        length=found.length,
        check=found.check,
        choosing=choosing,
    )


def _checked(draft: LibraryDraft) -> LibraryDraft:
    """Return a draft that can be used, or say what is wrong with it."""
    names = [one.name for one in draft.elements]
    _model(draft.kind)
    if not names or len(names) > ELEMENTS_MOST:
        raise bad_draft(f"请给出 1 至 {ELEMENTS_MOST} 个数据项。", f"Give 1 to {ELEMENTS_MOST} elements.")
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise bad_draft(f"数据项“{twice[:40]}”重复。", f'Element "{twice[:40]}" stands there twice.')
    if wrong := next((name for name in names if not name.strip() or name in _OWN or len(name) > NAME_LONGEST), None):
        raise bad_draft(
            f"数据项名称“{wrong[:40]}”不能使用（为空、过长或由平台保留）。",
            f'"{wrong[:40]}" cannot name an element: it is empty, too long, or the platform\'s own.',
        )
    if missing := [name for name in draft.key if name not in names]:
        raise bad_draft(f"主键“{missing[0][:40]}”不在数据项中。", f'Key "{missing[0][:40]}" is none of the elements.')
    if draft.matching and draft.matching not in MATCHING:
        known = "、".join(MATCHING)
        raise bad_draft(f"没有匹配模型“{draft.matching[:40]}”。可选：{known}。", f"There is no such model: {known}.")
    if not draft.key and not draft.matching:
        raise bad_draft(
            "请指定主键或匹配模型，否则无法判断两条记录是否同一主体。",
            "Name a key or a model of matching; nothing else tells whether two records are the same.",
        )
    if not 0 < draft.grey <= draft.certain <= 1:
        raise bad_draft("阈值应满足 0 < 待判定 ≤ 自动归并 ≤ 1。", "Thresholds must be 0 < grey <= certain <= 1.")
    name = " ".join(draft.name.split())[:NAME_LONGEST] or draft.target
    return replace(draft, name=name, target=draft.target.strip())
