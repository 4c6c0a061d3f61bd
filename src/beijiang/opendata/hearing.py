"""The verbs on what the public says: taken, passed to the department that has the data, answered in public, in time."""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog import SearchQuery
from beijiang.ingest import AlertKind
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Conflict, Invalid, NotFound, Part, Refused, Text, new_id
from beijiang.opendata.members import CONTACT_LONGEST, clean_line, clean_words
from beijiang.opendata.registering import PURPOSE
from beijiang.opendata.store import VoiceStore
from beijiang.opendata.voices import (
    OUTCOMES,
    TOPICS,
    Outcome,
    PublicVoice,
    Raised,
    Voice,
    VoiceKind,
    VoiceQuery,
    VoiceState,
    VoiceView,
    without_persons,
)
from beijiang.quality import Doubt
from beijiang.standards import CaseState, begin, deadline, stop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beijiang.catalog import Catalog, SearchHit
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.opendata.registering import PublicParts
    from beijiang.opendata.voices import VoiceAnswer, VoiceDraft
    from beijiang.standards import Deadline

__all__ = ["Voices"]

log = logging.getLogger(__name__)
TITLE_LONGEST = 80
MATCHES = 5
_ALERTS = (AlertKind.VOICE, AlertKind.VOICE_OVERDUE)


class Voices:
    """Feedback on data sets, and requests for data that are not open."""

    def __init__(self, parts: PublicParts, catalog: Catalog) -> None:
        self.parts = parts
        self._catalog = catalog
        self._db = parts.db
        self._access = parts.access

    # The public

    def matches(self, actor: Actor, words: str) -> Sequence[SearchHit]:
        """Return published entries that a request may be about, so that nobody waits for what is there."""
        self._access.require(actor, Permission.OPENDATA_VOICE_RAISE)
        text = clean_line(words[:TITLE_LONGEST], TITLE_LONGEST)
        return self._catalog.search(ANONYMOUS, SearchQuery(text=text, size=MATCHES)).hits if text else ()

    def raise_(self, actor: Actor, draft: VoiceDraft) -> Raised:
        """Take what somebody says; about a data set it goes to its provider at once, else the authority passes it on.

        Raises:
            NotFound: no such published data set.
            Invalid: no words, or no data set where one is needed.

        """
        self._access.require(actor, Permission.OPENDATA_VOICE_RAISE)
        words, title = clean_words(draft.words), clean_line(draft.title, TITLE_LONGEST)
        if not words:
            raise Invalid("请写明内容。", "Say what it is about.", code="words_needed", detail={"field": "words"})
        name, org = self._about(draft, title)
        contact, now, made_id = clean_line(draft.contact, CONTACT_LONGEST), self.parts.clock.now(), new_id("voi")
        code, digest = self._access.member_code()
        voice = Voice(
            id=made_id,
            kind=draft.kind,
            dataset_id=draft.dataset_id,
            dataset_title=name,
            org_id=org,
            title=title or name,
            words=words,
            by="" if actor.is_anonymous else actor.id,
            contact=self.parts.vault.seal(contact, purpose=PURPOSE, context=made_id) if contact else "",
            digest=digest,
            state=VoiceState.DISPATCHED if org else VoiceState.RECEIVED,
            case=None,
            created_at=now,
            changed_at=now,
        )
        voice = self._timed(voice, now)
        detail: dict[str, JsonValue] = {"kind": voice.kind.value, "dataset": voice.dataset_id, "org": voice.org_id}
        with self._db.begin() as tx:
            VoiceStore(tx.connection).add(voice)
            self.parts.evidence.record(tx, actor, "opendata.voice_raise", target=voice.id, detail=detail)
        self._tell(voice)
        return Raised(voice=voice, code=code)

    def heard(self, actor: Actor, query: VoiceQuery) -> tuple[Sequence[PublicVoice], int]:
        """Return what everybody may see, newest first, and how many there are."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._db.read() as connection:
            store = VoiceStore(connection)
            found, count = store.public(query)
            supporters = store.supporters([one.id for one in found])
        return [self._shown(one, supporters.get(one.id, 0)) for one in found], count

    def one(self, actor: Actor, voice_id: str) -> PublicVoice:
        """Return one that everybody may see.

        Raises:
            NotFound: there is none, or it is not public; both look the same.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._db.read() as connection:
            store = VoiceStore(connection)
            found = store.get(voice_id)
            supporters = store.supporters([voice_id])
        if found is None or not found.is_public:
            raise _no_voice()
        return self._shown(found, supporters.get(voice_id, 0))

    def follow(self, actor: Actor, voice_id: str, code: str = "") -> VoiceView:
        """Return one's own word: a member's by who asks, a visitor's by the code that was shown once.

        Raises:
            NotFound: there is none, or it is another's, or the code is another; all look the same.

        """
        self._access.require(actor, Permission.OPENDATA_VOICE_RAISE)
        with self._db.read() as connection:
            found = VoiceStore(connection).get(voice_id)
        given = self._access.member_digest(code)
        by_code = hmac.compare_digest(given, found.digest if found else "")
        if found is None or not (by_code or (found.by and found.by == actor.id)):
            raise _no_voice()
        return self._view(actor, found, own=True)

    def own(self, actor: Actor) -> Sequence[VoiceView]:
        """Return what the member said, newest first."""
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.read() as connection:
            found = VoiceStore(connection).said_by(actor.id)
        return [self._view(actor, one, own=True) for one in found]

    def withdraw(self, actor: Actor, voice_id: str, code: str = "") -> Voice:
        """Take back one's own word before it is answered.

        Raises:
            NotFound: there is none, or it is another's.
            Conflict: it is over.

        """
        before = self.follow(actor, voice_id, code).voice
        return self._put(actor, before, replace(before, state=VoiceState.WITHDRAWN), "withdraw")

    def support(self, actor: Actor, voice_id: str, *, on: bool = True) -> int:
        """Say that one needs the requested data too, or take that back; return how many do.

        Raises:
            NotFound: no such request is public.
            Conflict: it is answered.

        """
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        found = self.one(actor, voice_id)
        if found.kind is not VoiceKind.REQUEST or found.state.is_over:
            raise Conflict("这件需求已经办结。", "This request is answered already.", code="voice_over")
        with self._db.begin() as tx:
            store = VoiceStore(tx.connection)
            if on:
                store.support(voice_id, actor.id, self.parts.clock.now())
            else:
                store.unsupport(voice_id, actor.id)
            count = store.supporters([voice_id]).get(voice_id, 0)
            self.parts.evidence.record(tx, actor, "opendata.voice_support", target=voice_id, detail={"on": on})
        return count

    # Those who answer

    def desk(self, actor: Actor, query: VoiceQuery) -> tuple[Sequence[VoiceView], int]:
        """Return what the actor's department, or for the authority every department, deals with."""
        self._access.require(actor, Permission.OPENDATA_VOICE_ANSWER)
        every = self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            store = VoiceStore(connection)
            if query.mine:
                found, count = store.found_running(query, actor.org_id, received=every)
            else:
                found, count = store.desk(query, None if every else (actor.org_id or "",))
            supporters = store.supporters([one.id for one in found])
        return [self._view(actor, one, supporters=supporters.get(one.id, 0)) for one in found], count

    def voice_part(self, actor: Actor, query: VoiceQuery, wanted: Wanted) -> Part[VoiceView]:
        """Return a part of what ``desk`` lists, narrowed, counted and sorted."""
        self._access.require(actor, Permission.OPENDATA_VOICE_ANSWER)
        every = self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            store = VoiceStore(connection)
            found = store.part(query, wanted, actor.org_id, self.parts.clock.now(), every=every)
            supporters = store.supporters([one.id for one in found.rows])
        views = [self._view(actor, one, supporters=supporters.get(one.id, 0)) for one in found.rows]
        return Part(views, found.found, found.counts)

    def waiting(self, actor: Actor) -> Sequence[Voice]:
        """Return what waits for the actor: to be passed on, or to be answered by the own department."""
        self._access.require(actor, Permission.OPENDATA_VOICE_ANSWER)
        manages = self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            running = VoiceStore(connection).running()
        return [one for one in running if _waits_for(one, actor, manages=manages)]

    def count_waiting(self, actor: Actor) -> int:
        """Return how much waits for the actor."""
        self._access.require(actor, Permission.OPENDATA_VOICE_ANSWER)
        manages = self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            return VoiceStore(connection).count_running(actor.org_id, received=manages)

    def view(self, actor: Actor, voice_id: str) -> VoiceView:
        """Return one for whoever deals with it.

        Raises:
            NotFound: there is none, or another department deals with it.

        """
        return self._view(actor, self._handled(actor, voice_id))

    def contact(self, actor: Actor, voice_id: str) -> str:
        """Return how to reach who said it; that it was looked at is on record. Empty where none was left."""
        found = self._handled(actor, voice_id)
        with self._db.begin() as tx:
            self.parts.evidence.record(tx, actor, "opendata.contact_read", target=found.id)
        return self.parts.vault.open(found.contact, purpose=PURPOSE, context=found.id) if found.contact else ""

    def dispatch(self, actor: Actor, voice_id: str, org_id: str) -> Voice:
        """Pass it to the department that shall answer; its time begins anew.

        Raises:
            NotFound: no such word, or no such department.
            Conflict: it is over.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        before = self._handled(actor, voice_id)
        department = self._access.organisation(org_id)
        after = self._timed(
            replace(before, state=VoiceState.DISPATCHED, org_id=department.id, urged=0), self.parts.clock.now()
        )
        changed = self._put(actor, before, after, "dispatch")
        self._tell(changed)
        return changed

    def answer(self, actor: Actor, voice_id: str, answer: VoiceAnswer) -> Voice:
        """Answer in public.

        Raises:
            NotFound: no such word, another department's, or the data set that it led to is not published.
            Conflict: it is over, or nobody was charged with it yet.
            Invalid: no words, or no law where one is needed.
            Refused: the outcome is of another kind, or the answer names a person (``personal_answer``).

        """
        before = self._handled(actor, voice_id)
        if before.state is not VoiceState.DISPATCHED:
            raise Conflict("现在不能答复这一件。", "It cannot be answered now.", code="voice_over")
        words, basis = clean_words(answer.words), clean_line(answer.basis, 500)
        self._check(before, answer, words, basis)
        if answer.result_id:
            self._catalog.published(ANONYMOUS, answer.result_id)
        after = replace(
            before,
            state=VoiceState.ANSWERED,
            outcome=answer.outcome,
            answer=words,
            basis=basis,
            result_id=answer.result_id,
            answered_by=actor.id,
        )
        return self._put(actor, before, after, "answer")

    def decline(self, actor: Actor, voice_id: str, reason: str) -> Voice:
        """Not take it up (abuse, no matter of data), with the reason that who said it reads; nothing of it becomes public.

        Raises:
            NotFound: no such word.
            Conflict: it is over.
            Invalid: no reason.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        before = self._handled(actor, voice_id)
        after = replace(before, state=VoiceState.DECLINED, answer=_reason(reason), answered_by=actor.id)
        return self._put(actor, before, after, "decline")

    def hide(self, actor: Actor, voice_id: str, reason: str) -> Voice:
        """Take it from the public pages, with a reason that stays on record.

        Raises:
            NotFound: no such word.
            Invalid: no reason.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        before = self._handled(actor, voice_id)
        return self._put(actor, before, replace(before, hidden=True, hidden_reason=_reason(reason)), "hide", over=True)

    def show(self, actor: Actor, voice_id: str) -> Voice:
        """Give it back to the public pages.

        Raises:
            NotFound: no such word.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        before = self._handled(actor, voice_id)
        return self._put(actor, before, replace(before, hidden=False, hidden_reason=""), "show", over=True)

    def open_ticket(self, actor: Actor, voice_id: str, columns: Sequence[str] = ()) -> Voice:
        """Make a ticket of quality (校核) of a correction, so that the source mends the rows; the answer is still to be given.

        Raises:
            NotFound: no such word.
            Conflict: it is no correction, is over, or has a ticket.

        """
        before = self._handled(actor, voice_id)
        if before.kind is not VoiceKind.CORRECTION or before.state.is_over or before.ticket_id:
            raise Conflict("这一件不能再开校核工单。", "No ticket can be made of it.", code="voice_no_ticket")
        doubt = Doubt(words=f"公众纠错：{without_persons(before.words)}"[:1500], columns=tuple(columns))
        ticket = self.parts.tickets.doubt(actor, before.dataset_id, doubt)
        return self._put(actor, before, replace(before, ticket_id=ticket.id), "ticket", over=True)

    def due(self, voice: Voice) -> Deadline | None:
        """Return how the time of a word stands that its reader holds already."""
        if voice.case is None:
            return None
        return deadline(voice.case, self.parts.clock.now(), self.parts.standards.calendar, self.parts.zone)

    def timed(self, actor: Actor) -> Sequence[tuple[Voice, Deadline]]:
        """Return every word of the public that was to be answered by a day, with how that stands; for assessment."""
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            found, _ = VoiceStore(connection).desk(VoiceQuery(size=1_000_000), None)
        return [(one, standing) for one in found if (standing := self.due(one)) is not None]

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every contact under the newest root key, when a new one was made; return how many."""
        store = VoiceStore(tx.connection)
        held = store.contacts()
        for owner, sealed in held:
            store.put_contact(owner, self.parts.vault.rewrap(sealed, purpose=PURPOSE, context=owner))
        return len(held)

    def watch(self) -> None:
        """Remind departments, and say what is overdue. Called by the dispatcher every minute."""
        with self._db.read() as connection:
            running = VoiceStore(connection).running()
        for voice in running:
            standing = self.due(voice)
            if standing is None or standing.state is CaseState.ANSWERED:
                continue
            overdue = standing.state is CaseState.OVERDUE
            passed = sum(self.parts.clock.now() >= moment for moment in standing.warnings)
            stage = len(standing.warnings) + standing.step if overdue else passed
            if stage > voice.urged:
                self._urge(voice, standing, stage, overdue=overdue)

    # Inside

    def _urge(self, voice: Voice, standing: Deadline, stage: int, *, overdue: bool) -> None:
        words = Text(
            f"公众{voice.kind.text.zh}“{voice.title}”{'已超过' if overdue else '须在'} {standing.last_day} {'的期限' if overdue else '前答复'}。",
            f"{voice.kind.text.en.capitalize()} of the public on {voice.title} {'was' if overdue else 'is'} due on {standing.last_day}.",
        )
        try:
            self._put(SYSTEM, voice, replace(voice, urged=stage), "urge")
        except Conflict as error:
            log.info("a word of the public was moved by somebody else: %s", error.reason)
            return
        self.parts.alerts.say(AlertKind.VOICE_OVERDUE if overdue else AlertKind.VOICE, voice.id, voice.org_id, words)

    def _tell(self, voice: Voice) -> None:
        words = Text(
            f"收到公众{voice.kind.text.zh}：{voice.title}。请按期办理。",
            f"{voice.kind.text.en.capitalize()} came from the public: {voice.title}. Please answer in time.",
        )
        self.parts.alerts.say(AlertKind.VOICE, voice.id, voice.org_id, words)

    def _about(self, draft: VoiceDraft, title: str) -> tuple[str, str]:
        """Return the name of the data set and who answers for it; both empty for data that nobody registered."""
        if draft.dataset_id:
            entry = self._catalog.published(ANONYMOUS, draft.dataset_id).version.entry
            return entry.name, entry.provider_id
        if draft.kind is not VoiceKind.REQUEST or not title:
            raise Invalid(
                "请指明数据集；开放需求可以只写所需数据的名称。",
                "Name the data set; a request may name the wanted data instead.",
                code="dataset_needed",
                detail={"field": "title"},
            )
        return "", ""

    def _check(self, voice: Voice, answer: VoiceAnswer, words: str, basis: str) -> None:
        if not words or (answer.outcome.needs_law and not basis):
            raise Invalid(
                "请写明答复；不予开放、申诉不成立的，还须写明法律依据。",
                "Write the answer; where it is a no, name the law that it rests on.",
                code="answer_incomplete",
            )
        if answer.outcome not in OUTCOMES[voice.kind]:
            raise Refused(
                f"“{answer.outcome.text.zh}”不是{voice.kind.text.zh}的办理结果。",
                f"{answer.outcome.text.en.capitalize()} is no outcome of {voice.kind.text.en}.",
                code="outcome_of_another_kind",
            )
        if answer.outcome is Outcome.OPENED and not (answer.result_id or voice.dataset_id):
            raise Invalid(
                "已开放的，请指明开放出来的数据集。", "Name the data set that was opened.", code="answer_incomplete"
            )
        if without_persons(words + basis) != words + basis:
            raise Refused(
                "答复会公开，其中有身份证号、电话、邮箱或账号，请删去后再提交。",
                "The answer will be public and has an identity number, a telephone, an address of e-mail or an account in it; take it out.",
                code="personal_answer",
            )

    def _shown(self, voice: Voice, supporters: int) -> PublicVoice:
        complaint = voice.kind is VoiceKind.COMPLAINT
        calendar, zone = self.parts.standards.calendar, self.parts.zone
        until = voice.ended_at or self.parts.clock.now()
        began, ended = (moment.astimezone(zone).date() for moment in (voice.created_at, until))
        return PublicVoice(
            id=voice.id,
            kind=voice.kind,
            state=voice.state,
            dataset_id=voice.dataset_id,
            dataset_title=voice.dataset_title,
            org_id=voice.org_id,
            title=voice.dataset_title if complaint else without_persons(voice.title),
            words="" if complaint else without_persons(voice.words),
            outcome=voice.outcome,
            answer=voice.answer,
            basis=voice.basis,
            result_id=voice.result_id,
            created_at=voice.created_at,
            ended_at=voice.ended_at,
            days=calendar.working_days_between(began, ended),
            due=None if voice.state.is_over else self.due(voice),
            supporters=supporters,
        )

    def _view(self, actor: Actor, voice: Voice, *, own: bool = False, supporters: int = 0) -> VoiceView:
        mine = bool(voice.org_id) and self._access.allows(actor, Permission.OPENDATA_VOICE_ANSWER, voice.org_id)
        manages = self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
        return VoiceView(
            voice=voice,
            due=self.due(voice),
            supporters=supporters,
            may_answer=mine and voice.state is VoiceState.DISPATCHED,
            may_manage=manages,
            waits=_waits_for(voice, actor, manages=manages) and (manages or mine),
            own=own,
        )

    def _handled(self, actor: Actor, voice_id: str) -> Voice:
        """Return one that the actor's department, or the authority, deals with; unknown and another's look the same."""
        with self._db.read() as connection:
            found = VoiceStore(connection).get(voice_id)
        if found is not None and (
            self._access.allows(actor, Permission.OPENDATA_PORTAL_MANAGE)
            or (found.org_id and self._access.allows(actor, Permission.OPENDATA_VOICE_ANSWER, found.org_id))
        ):
            return found
        self._access.require(actor, Permission.OPENDATA_VOICE_ANSWER)
        raise _no_voice()

    def _timed(self, voice: Voice, now: datetime) -> Voice:
        rule = self.parts.standards.limit(TOPICS[voice.kind], voice.org_id)
        return replace(voice, case=None if rule is None else begin(rule, now))

    def _put(self, actor: Actor, before: Voice, after: Voice, move: str, *, over: bool = False) -> Voice:
        """Write the next revision with its evidence; what is over moves only where ``over`` says so.

        Raises:
            Conflict: it is over, or somebody else moved it first.

        """
        if before.state.is_over and not over:
            raise Conflict("这一件已经办结。", "It is over already.", code="voice_over")
        now = self.parts.clock.now()
        ends = after.state.is_over and not before.state.is_over
        case = stop(after.case, now) if ends and after.case is not None else after.case
        changed = replace(
            after,
            case=case,
            revision=before.revision + 1,
            changed_at=now,
            ended_at=now if ends else before.ended_at,
        )
        detail: dict[str, JsonValue] = {
            "move": move,
            "from": before.state.value,
            "to": changed.state.value,
            "org": changed.org_id,
            "outcome": None if changed.outcome is None else changed.outcome.value,
            "basis": changed.basis,
            "reason": changed.hidden_reason,
            "ticket": changed.ticket_id,
        }
        with self._db.begin() as tx:
            if not VoiceStore(tx.connection).save(changed):
                raise Conflict(
                    "别人刚刚办理了这一件，请刷新后再试。",
                    "Somebody else moved it a moment ago; reload and try again.",
                    code="changed_meanwhile",
                )
            self.parts.evidence.record(tx, actor, "opendata.voice_move", target=changed.id, detail=detail)
        if ends:
            for kind in _ALERTS:
                self.parts.alerts.clear(kind, changed.id)
        return changed


def _reason(words: str) -> str:
    reason = clean_words(words)
    if not reason:
        raise Invalid("请写明理由。", "Give the reason.", code="reason_needed")
    return reason


def _waits_for(voice: Voice, actor: Actor, *, manages: bool) -> bool:
    """Tell whether a word waits for somebody: to be passed on, or to be answered by the own department."""
    if voice.state.is_over:
        return False
    return (manages and voice.state is VoiceState.RECEIVED) or bool(voice.org_id and voice.org_id == actor.org_id)


def _no_voice() -> BeijiangError:
    return NotFound(
        "没有这一件，或者它没有公开。您自己的来件请用受理号和查询码查询，或登录后在“我的”中查看。",
        "There is no such word, or it is not public. Follow your own with its number and code, or sign in and look under My page.",
        code="voice_not_found",
    )
