"""Sources of a library: both sides agree before a row is read, and either may end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.fusion.errors import bad_mapping, changed, circle, no_link, reason_needed
from beijiang.fusion.models import Library, Link, LinkDraft, LinkState
from beijiang.fusion.service.declaring import Declaring
from beijiang.fusion.store import LibraryStore
from beijiang.kit import Conflict, NotFound, Text, new_id
from beijiang.quality import by_words
from beijiang.standards import DataElement

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Sourcing"]

ALIKE: Final = 0.3
"""From here on the names of a column and an element are alike enough to be proposed."""


class Sourcing(Declaring):
    """Which tables serve a library."""

    def source(self, actor: Actor, link_id: str) -> Link:
        """Return one source of a library.

        Raises:
            NotFound: no such source, or its library is hidden from the actor.

        """
        library, link = self._link(actor, link_id)
        self._seen(actor, library.id)
        return link

    def links(self, actor: Actor, library_id: str) -> Sequence[Link]:
        """Return the sources of a library, ended ones too."""
        found = self._seen(actor, library_id)
        with self.db.read() as connection:
            return LibraryStore(connection).links(found.id)

    def serves(self, actor: Actor, table: str) -> Sequence[tuple[Library, Link]]:
        """Return the libraries that take rows of a table."""
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            store = LibraryStore(connection)
            found = [(store.get(link.library_id), link) for link in store.links_of_table(table)]
        return [(library, link) for library, link in found if library is not None and not library.retired]

    def suggest(self, actor: Actor, library_id: str, table: str) -> Mapping[str, str]:
        """Return which column of a table seems to be which element, by their names; empty where nothing is alike.

        Raises:
            NotFound: no such library or table, or the table is hidden.

        """
        library = self._seen(actor, library_id)
        self.tables.get(actor, table)
        likely: list[tuple[float, str, str]] = []
        for one in library.elements:
            meant = self.standards.element(one.element) if one.element else DataElement(id="", name=Text(one.name, ""))
            for column in self.measures.version(table).columns:
                score = sum(reason.weight for reason in by_words(column.name, column.comment or "", meant))
                likely.append((score, one.name, column.name))
        found: dict[str, str] = {}
        for score, element, name in sorted(likely, key=lambda pair: -pair[0]):
            if score >= ALIKE and element not in found and name not in found.values():
                found[element] = name
        return {one.name: found[one.name] for one in library.elements if one.name in found}

    def propose(self, actor: Actor, library_id: str, draft: LinkDraft, reason: str = "") -> Link:
        """Offer a table as a source; the keeper of the library takes it, and whoever is both has it in force at once.

        A keeper who sees the table of another department may ask for it in the same way.

        Raises:
            NotFound: no such library or table, or the table is hidden.
            Denied: the actor speaks for neither side.
            Invalid: columns or elements are not there.
            Conflict: the table serves the library already.

        """
        library = self._seen(actor, library_id)
        org_id = self.tables.get(actor, draft.table).org_id
        keeper = self.access.allows(actor, Permission.FUSION_LIBRARY_MANAGE, library.org_id)
        if not keeper:
            self.access.require(actor, Permission.FUSION_SOURCE_AGREE, org_id)
        giver = self.access.allows(actor, Permission.FUSION_SOURCE_AGREE, org_id)
        self._check(library, draft)
        state = LinkState.IN_FORCE if keeper and giver else LinkState.ASKED if keeper else LinkState.OFFERED
        with self.db.begin() as tx:
            store = LibraryStore(tx.connection)
            if any(o.table == draft.table and o.state is not LinkState.ENDED for o in store.links(library.id)):
                raise Conflict(
                    f"表“{draft.table}”已是这个库的来源。请修改原有对应关系。",
                    f'Table "{draft.table}" serves this library already; change what is there.',
                    code="library_source_there",
                )
            made = Link(
                **{name: getattr(draft, name) for name in LinkDraft.__dataclass_fields__},
                id=new_id("lnk"),
                library_id=library.id,
                number=store.next_number(library.id),
                org_id=org_id,
                state=state,
                reason=reason.strip()[:1000],
                asked_by=actor,
                agreed_by=actor if state is LinkState.IN_FORCE else None,
                at=self.clock.now(),
            )
            store.add_link(made)
            self._say(tx, actor, library, made, "propose")
        return made

    def agree(self, actor: Actor, link_id: str, *, seen: str | None = None) -> Link:
        """Agree to what the other side proposed; rows are read from now on; ``seen`` is the token of what was shown.

        Raises:
            NotFound: no such source.
            Denied: it is the other side's turn.
            Conflict: nothing waits, or something else is proposed by now (``changed_since_seen``).

        """
        library, link = self._link(actor, link_id)
        if link.state is LinkState.ASKED:
            self.access.require(actor, Permission.FUSION_SOURCE_AGREE, link.org_id)
        elif link.state is LinkState.OFFERED:
            self.access.require(actor, Permission.FUSION_LIBRARY_MANAGE, library.org_id)
        else:
            self.access.require(actor, Permission.FUSION_LIBRARY_READ)
            raise Conflict("这个来源不在等待同意。", "Nothing waits for agreement here.", code="nothing_to_agree")
        link.shown.check(seen)
        return self._put_link(
            actor, library, link, replace(link, state=LinkState.IN_FORCE, agreed_by=actor, at=self.clock.now()), "agree"
        )

    def remap(self, actor: Actor, link_id: str, draft: LinkDraft, reason: str) -> Link:
        """Change which columns are taken and how; more than was agreed on needs the other side's word again.

        Raises:
            Invalid: no reason, or columns or elements are not there.

        """
        library, link = self._link(actor, link_id)
        keeper = self.access.allows(actor, Permission.FUSION_LIBRARY_MANAGE, library.org_id)
        if not keeper:
            self.access.require(actor, Permission.FUSION_SOURCE_AGREE, link.org_id)
        giver = self.access.allows(actor, Permission.FUSION_SOURCE_AGREE, link.org_id)
        if not reason.strip():
            raise reason_needed()
        if link.state is LinkState.ENDED:
            raise Conflict(
                "这个来源已停用，请重新接入。", "This source has ended; propose it anew.", code="library_source_ended"
            )
        draft = replace(draft, table=link.table)
        self._check(library, draft)
        more = not set(draft.columns.values()) <= set(link.columns.values())
        state = link.state
        if state is LinkState.IN_FORCE and more and not giver:
            state = LinkState.ASKED
        made = replace(
            link,
            **{name: getattr(draft, name) for name in LinkDraft.__dataclass_fields__},
            state=state,
            reason=reason.strip()[:1000],
            asked_by=actor,
            at=self.clock.now(),
        )
        return self._put_link(actor, library, link, made, "remap")

    def end(self, actor: Actor, link_id: str, reason: str) -> Link:
        """End a source, as either side may; with the next run its records leave the library.

        Raises:
            Invalid: no reason.

        """
        library, link = self._link(actor, link_id)
        if not self.access.allows(actor, Permission.FUSION_LIBRARY_MANAGE, library.org_id):
            self.access.require(actor, Permission.FUSION_SOURCE_AGREE, link.org_id)
        if not reason.strip():
            raise reason_needed()
        made = replace(link, state=LinkState.ENDED, reason=reason.strip()[:1000], at=self.clock.now())
        return self._put_link(actor, library, link, made, "end")

    def _link(self, actor: Actor, link_id: str) -> tuple[Library, Link]:
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            store = LibraryStore(connection)
            link = store.link(link_id)
            library = None if link is None else store.get(link.library_id)
        if link is None or library is None or library.retired:
            raise no_link()
        return library, link

    def _check(self, library: Library, draft: LinkDraft) -> None:
        """Return if what is to be taken is there, and is enough to tell subjects apart."""
        self._straight(library, [draft.table])
        measured = self.measures.version(draft.table)
        there = {column.name for column in measured.columns}
        wanted = [*draft.columns.values(), *draft.key, *([draft.seen] if draft.seen else [])]
        if missing := next((name for name in wanted if name not in there), None):
            raise bad_mapping(
                f"表“{draft.table}”没有列“{missing[:40]}”。", f'Table "{draft.table}" has no column "{missing[:40]}".'
            )
        names = {one.name for one in library.elements}
        if unknown := next((name for name in draft.columns if name not in names), None):
            raise bad_mapping(f"库中没有数据项“{unknown[:40]}”。", f'The library has no element "{unknown[:40]}".')
        if not draft.columns:
            raise bad_mapping("请至少对应一个数据项。", "Map one element at least.")
        if not library.matching and (
            missing := next((name for name in library.key if name not in draft.columns), None)
        ):
            raise bad_mapping(
                f"这个库只按主键归并，来源必须提供“{missing}”。请先在来源表补上这一列。",
                f'This library knows subjects by their key only, so a source has to give "{missing}".',
            )
        if not 1 <= draft.priority <= 98:  # noqa: PLR2004 - two digits, 0 and 99 are the platform's
            raise bad_mapping("优先级应在 1 至 98 之间，1 最优先。", "A priority is 1 to 98; 1 comes first.")

    def _straight(self, library: Library, tables: Sequence[str]) -> None:
        """Return if no source is made of the library itself, however indirectly: it would feed itself for ever.

        Raises:
            Conflict: one is (``library_circle``).

        """
        made_of = {facts.name: facts.origins for facts in self.protection.all_facts()}
        own, todo, seen = {library.target, library.crosswalk}, list(tables), set[str]()
        while todo:
            name = todo.pop()
            if name in own:
                raise circle(library.name)
            if name not in seen:
                seen.add(name)
                todo += [origin.table for origins in made_of.get(name, {}).values() for origin in origins]

    def _put_link(self, actor: Actor, library: Library, before: Link, made: Link, what: str) -> Link:
        with self.db.begin() as tx:
            store = LibraryStore(tx.connection)
            if store.link(before.id) != before:
                raise changed()
            store.put_link(made)
            self._say(tx, actor, library, made, what)
        return made

    def _say(self, tx: UnitOfWork, actor: Actor, library: Library, link: Link, what: str) -> None:
        detail: dict[str, JsonValue] = {
            "library": library.id,
            "link": link.id,
            "org_id": link.org_id,
            "columns": dict(link.columns),
            "priority": link.priority,
            "state": link.state.value,
            "reason": link.reason,
        }
        self.evidence.record(tx, actor, f"fusion.source_{what}", target=link.table, detail=detail)

    def _key_of(self, link: Link) -> tuple[Sequence[str], bool]:
        """Return the columns that name a row of a source, and whether its table keeps history.

        Raises:
            NotFound: the table is gone.

        """
        measured = self.measures.version(link.table)
        own = tuple(name for name in measured.key if name != "valid_from")
        there = {column.name for column in measured.columns}
        if missing := next((name for name in [*link.columns.values(), *link.key] if name not in there), None):
            raise NotFound(
                f"来源表“{link.table}”不再有列“{missing}”，请修改对应关系。",
                f'Table "{link.table}" no longer has the column "{missing}"; change what is mapped.',
                code="library_source_column_gone",
            )
        return link.key or own, measured.history
