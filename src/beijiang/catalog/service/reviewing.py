"""From draft to published and back: who asks, who decides, and what becomes immutable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.events import EntryMoved
from beijiang.catalog.models import EXTENSION, Action, ExtensionField, Gap, Resource, State, Version
from beijiang.catalog.models.entry import canonical, digest
from beijiang.catalog.service.base import graded
from beijiang.catalog.service.rules import gaps
from beijiang.catalog.service.serving import Serving
from beijiang.catalog.store import ResourceStore
from beijiang.kit import Actor, Conflict, Denied, Invalid, Refused, Text, Unauthenticated

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork


class Reviewing(Serving):
    """The steps of the lifecycle table."""

    def missing(self, actor: Actor, resource_id: str) -> tuple[Gap, ...]:
        """Return what an entry still lacks, in words for its steward."""
        found = self._seen(actor, Permission.CATALOG_RESOURCE_READ, resource_id)
        return self._gaps(found, self._day_of(found))

    def endorse(self, actor: Actor, resource_id: str, *, seen: str | None = None) -> Resource:
        """Note that the department's reviewer stands behind the entry as it is; an edit undoes it.

        Raises:
            Denied: the actor is no reviewer of this department.
            Refused: the actor submitted the entry.
            Conflict: the entry is not being compiled or reviewed.

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_ENDORSE, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if found.state not in {State.DRAFT, State.RETURNED, State.PENDING_REGISTER}:
                self._move(found, Action.APPROVE)
            self._not_own(actor, found)
            found.shown.check(seen)
            saved = self._save(tx, found, replace(found, endorsed_by=actor.id))
            self._record(tx, actor, "endorse", saved, revision=saved.revision)
            return saved

    def submit(self, actor: Actor, resource_id: str) -> Resource:
        """Hand an entry to the bureau for review, and for publication after it.

        Raises:
            Denied: the actor does not compile for this provider.
            Conflict: the state does not allow it.
            Invalid: the entry is incomplete; ``detail`` lists what is missing (code ``incomplete``).

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_SUBMIT, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            move = self._move(found, Action.SUBMIT)
            self._complete(found)
            approved = None if move.target is State.PENDING_REGISTER else found.approved_by
            saved = self._save(
                tx, found, replace(found, state=move.target, submitted_by=actor.id, approved_by=approved, reasons=())
            )
            self._note_step(tx, actor, saved.id, move)
            self._wait_for(tx, saved)
            self._record(tx, actor, "submit", saved, revision=saved.revision)
            return saved

    def approve(self, actor: Actor, resource_id: str, *, seen: str | None = None) -> Resource:
        """Register an entry: its codes are made, and it waits for publication as its provider asked.

        Raises:
            Denied: the actor does not review for the bureau.
            Refused: the actor submitted it (``self_approval``).
            Conflict: the state does not allow it.

        """
        self._seen(actor, Permission.CATALOG_RESOURCE_APPROVE, resource_id)
        with self._db.begin() as tx:
            store = ResourceStore(tx.connection)
            found = self._stored(store, resource_id)
            move = self._move(found, Action.APPROVE)
            self._not_own(actor, found)
            found.shown.check(seen)
            self._complete(found)
            store.allocate(found.id, found.entry.categories, self._clock.now())
            self._note_step(tx, actor, found.id, move)
            onward = self._move(replace(found, state=move.target), Action.REQUEST_PUBLISH)
            self._note_step(tx, actor, found.id, onward)
            registered = replace(self._stored(store, resource_id), state=onward.target, approved_by=actor.id)
            saved = self._save(tx, found, replace(registered, reviewer_org=actor.org_id))
            self._wait_for(tx, saved)
            codes = [str(code) for code in saved.codes]
            self._record(tx, actor, "approve", saved, codes=list(codes), revision=saved.revision)
            return saved

    def return_for_mending(
        self, actor: Actor, resource_id: str, reasons: Sequence[str], *, for_good: bool = False
    ) -> Resource:
        """Send an entry back with reasons; ``for_good`` refuses its registration altogether.

        Raises:
            Denied: the actor may not decide about it in its present state.
            Invalid: no reason was given.
            Conflict: the state does not allow it.

        """
        told = _told(reasons)
        seen = self._seen(actor, Permission.CATALOG_RESOURCE_READ, resource_id)
        action = Action.REJECT if for_good else Action.RETURN
        publishing = seen.state is State.PENDING_PUBLISH
        permission = Permission.CATALOG_RESOURCE_PUBLISH if publishing else Permission.CATALOG_RESOURCE_RETURN
        self._access.require(actor, permission, seen.provider_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if found.state is not seen.state:
                raise Conflict("状态刚刚改变，请刷新后重试。", "Its state has just changed; reload and try again.")
            return self._go(tx, actor, found, action, told)

    def publish(self, actor: Actor, resource_id: str, *, seen: str | None = None) -> Resource:
        """Make an immutable version, pin the table version that readers get, and announce the entry.

        Raises:
            Denied: the actor does not publish for the bureau.
            Refused: the actor submitted it, or approved it for the own department.
            Conflict: the state does not allow it, or quality or the release check keeps the version back (``version_held``).
            Invalid: what was complete at submission no longer is.

        """
        before = self._seen(actor, Permission.CATALOG_RESOURCE_PUBLISH, resource_id)
        why = self._kept_back(self._candidate(before))
        if why is not None:
            raise Conflict(why.zh, why.en, code="version_held")
        with self._db.begin() as tx:
            store = ResourceStore(tx.connection)
            found = self._stored(store, resource_id)
            move = self._move(found, Action.PUBLISH)
            self._not_own(actor, found)
            found.shown.check(seen)
            self._complete(found)
            now = self._clock.now()
            store.allocate(found.id, found.entry.categories, now)  # they may have changed since the registration
            number = found.versions + 1
            published = replace(
                found,
                codes=self._stored(store, resource_id).codes,
                state=move.target,
                version=number,
                versions=number,
                released_table_version=found.facts.version or None,
                published_at=now,
                reasons=(),
            )
            law = self._standards.profile_on(published.provider_id, self._today())
            version = _version(published, actor, law.id)
            store.add_version(version)
            store.add_release(found.id, number, found.facts.version, now, actor.id)
            saved = self._save(tx, found, published)
            self._note_step(tx, actor, saved.id, move, f"v{number}")
            self._wait_for(tx, saved)
            pinned = version.table_version
            self._record(tx, actor, "publish", saved, version=number, digest=version.digest, table_version=pinned)
            return saved

    def release_as(self, actors: Sequence[Actor], resource_id: str) -> Text | None:
        """Take the steps to publication that these people may take; return which step then waits for whom, if any.

        Every step asks for access and keeps its own rules: who submits does not decide.

        Raises:
            Invalid: the entry is incomplete.
            Conflict: the entry cannot be published from its state.

        """
        while True:
            found = self._peek(resource_id)
            if found.state is State.PUBLISHED:
                return None
            step = self._next_step(found)
            if not self._one_of(actors, step, found):
                return waits(found)

    def _next_step(self, found: Resource) -> Callable[[Actor, str], Resource]:
        if found.state is State.PENDING_REGISTER:
            return self.approve
        if found.state is State.PENDING_PUBLISH:
            return self.publish
        self._move(found, Action.SUBMIT)
        return self.submit

    def _one_of(self, actors: Sequence[Actor], step: Callable[[Actor, str], Resource], found: Resource) -> bool:
        for actor in actors:
            try:
                step(actor, found.id)
            except (Denied, Unauthenticated, Refused):
                continue
            return True
        return False

    def withdraw(self, actor: Actor, resource_id: str, reason: str, *, for_good: bool = False) -> Resource:
        """Take a published entry offline; ``for_good`` ends it and retires its codes, which are never used again.

        Raises:
            Denied: the actor is neither its provider nor a publisher.
            Invalid: no reason was given.
            Conflict: it is not published.

        """
        told = _told([reason])
        self._seen(actor, Permission.CATALOG_RESOURCE_WITHDRAW, resource_id)
        with self._db.begin() as tx:
            found = self._stored(ResourceStore(tx.connection), resource_id)
            if found.is_serving:
                found = self._offline(tx, actor, found, told)
            elif not (for_good and found.state is State.UNPUBLISHED):
                self._move(found, Action.TAKE_OFFLINE)
            if for_good:
                found = self._go(tx, actor, found, Action.WITHDRAW, told)
                ResourceStore(tx.connection).retire_codes(found.id, self._clock.now())
            return found

    def _offline(self, tx: UnitOfWork, actor: Actor, found: Resource, told: tuple[str, ...]) -> Resource:
        """Stop serving, whatever the working entry is at; an unfinished new version is given up."""
        version = ResourceStore(tx.connection).version(found.id, found.version or 0)
        entry = found.entry if version is None or found.state is State.PUBLISHED else version.entry
        entry = replace(entry, items=graded(entry.items, found.grades))
        bare = replace(found, entry=entry, state=State.PUBLISHED, version=None, released_table_version=None)
        tx.publish(EntryMoved(resource_id=found.id))
        return self._go(tx, actor, bare, Action.TAKE_OFFLINE, told)

    def _go(self, tx: UnitOfWork, actor: Actor, found: Resource, action: Action, reasons: tuple[str, ...]) -> Resource:
        move = self._move(found, action)
        saved = self._save(tx, found, replace(found, state=move.target, reasons=reasons))
        self._note_step(tx, actor, saved.id, move, "；".join(reasons))
        self._wait_for(tx, saved)
        self._record(tx, actor, str(action), saved, reasons=list(reasons))
        return saved

    def _complete(self, found: Resource) -> None:
        blocking = [gap for gap in self._gaps(found, self._today()) if gap.blocking]
        if blocking:
            zh = "".join(f"\n· {gap.text.zh}" for gap in blocking[:8])
            en = "".join(f"\n· {gap.text.en}" for gap in blocking[:8])
            raise Invalid(
                f"目录“{found.entry.name}”还有 {len(blocking)} 处需要补全：{zh}",
                f"“{found.entry.name}” still lacks {len(blocking)} things:{en}",
                code="incomplete",
                detail={
                    "missing": [
                        {"field": g.field, "column": g.column, "zh": g.text.zh, "en": g.text.en} for g in blocking
                    ]
                },
            )

    def _gaps(self, found: Resource, day: date) -> tuple[Gap, ...]:
        """Return what the rules of the catalog and the other parts find missing, blocking ones first."""
        others = [gap for one in self.entry_checks for gap in one.gaps(found)]
        others += [_unfilled(one) for one in self._needed(found, day) if not found.entry.extension(one.key)]
        return tuple(sorted([*gaps(found, self._standards, day), *others], key=lambda gap: not gap.blocking))

    def _needed(self, found: Resource, day: date) -> list[ExtensionField]:
        return [one for one in self._asked(self._fields(), found.provider_id, day) if one.needed(day)]

    def _day_of(self, found: Resource) -> date:
        """Return the day whose law an entry is held against: that of its publication, today while it is compiled."""
        published = found.published_at if found.state is State.PUBLISHED else None
        return self._today() if published is None else published.astimezone(self._zone).date()

    def _not_own(self, actor: Actor, found: Resource) -> None:
        """Refuse to decide about one's own request, or for one's own department (TM-15).

        A bureau that provides data itself has nobody above it here: then three people must share the three steps.
        """
        if actor.id == found.submitted_by:
            raise Refused(
                "提交人不能审核或发布自己提交的目录。请由另一位审核人员办理。",
                "Whoever submitted an entry cannot decide about it. Another reviewer has to.",
                code="self_approval",
            )
        if actor.org_id == found.provider_id and actor.id == found.approved_by:
            raise Refused(
                "本单位提供的目录，审核人与发布人不能是同一人。",
                "For an entry of one's own department, reviewer and publisher must be two people.",
                code="same_person_twice",
            )


def _unfilled(field: ExtensionField) -> Gap:
    return Gap(
        EXTENSION + field.key,
        Text(
            f"请填写“{field.name.zh}”（本地区要求的字段）。", f"Fill in “{field.name.en}”, which the region asks for."
        ),
    )


def _version(found: Resource, actor: Actor, profile: str) -> Version:
    number = found.version or 0
    published_at = found.published_at or found.updated_at
    document = canonical(
        {
            "resource_id": found.id,
            "number": number,
            "profile": profile,
            "codes": [str(code) for code in found.codes],
            "table": found.table,
            "table_version": found.facts.version,
            "published_at": published_at.isoformat(),
            "published_by": actor.id,
            "entry": found.entry.to_json(),
        }
    )
    return Version(
        resource_id=found.id,
        number=number,
        document=document,
        digest=digest(document),
        profile=profile,
        table_version=found.facts.version,
        published_at=published_at,
        published_by=actor.id,
    )


def waits(found: Resource) -> Text:
    """Say for whose step an entry waits."""
    provider = found.entry.provider_name or found.provider_id
    if found.state is State.PENDING_REGISTER:
        return Text(
            "等待数据局审核员审核（须与提交人不同）。",
            "Waiting for the review of a reviewer of the data authority other than the submitter.",
        )
    if found.state is State.PENDING_PUBLISH:
        return Text(
            "等待数据局发布员发布（须与提交人不同）。",
            "Waiting for publication by a publisher of the data authority other than the submitter.",
        )
    return Text(f"等待{provider}的数据专员提交。", f"Waiting for submission by a steward of {provider}.")


def _told(reasons: Sequence[str]) -> tuple[str, ...]:
    told = tuple(reason.strip()[:500] for reason in reasons if reason.strip())
    if not told:
        raise Invalid("请写明原因，以便对方处理。", "Say why, so that others know what to do.", code="reason_missing")
    return told


__all__ = ["Reviewing", "waits"]
