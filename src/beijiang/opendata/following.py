"""The verbs on subscriptions: ask, confirm, end; by mail for anybody, by webhook and notice for who is signed in.

Nobody's address is ever listed: it is sealed, found again only by a digest under a key of this platform, and forgotten when the
subscription ends; the digest stays for the rest of a day, so that ending and asking again sends no more letters. The answer to a visitor is the same whether an address is known here or not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import Facet, SearchQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Conflict, NotFound, Throttled, new_id
from beijiang.notices import checked_address
from beijiang.opendata.follows import (
    Follow,
    FollowDraft,
    FollowKind,
    FollowMade,
    FollowState,
    FollowWay,
    canonical,
    digest_of,
    end_token,
    wanted,
)
from beijiang.opendata.lanes import MAIL_LANE
from beijiang.opendata.store.follows import FollowStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from beijiang.catalog import Catalog, Sieve
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.notices import Mail
    from beijiang.opendata.registering import PublicParts
    from beijiang.outbound import Outbound

__all__ = ["PURPOSE", "FollowParts", "Follows"]

PURPOSE: Final = "portal-follow"
CONFIRMS_A_DAY: Final = 3
"""Letters that ask an address to confirm, in a day: nobody is flooded by others who write in that address."""
PERSON_CONFIRMS_A_DAY: Final = 10
"""Letters that one person has sent to whatever addresses, in a day."""
ADDRESS_MOST: Final = 50
PERSON_MOST: Final = 100
CONFIRM_WITHIN: Final = timedelta(hours=24)
_DAY: Final = timedelta(days=1)
_KEY_CONTEXT: Final = "digests"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowParts:
    """What subscriptions work with."""

    public: PublicParts
    catalog: Catalog
    mail: Mail
    outbound: Outbound
    base: str


class Follows:
    """Who hears of which data."""

    def __init__(self, parts: FollowParts) -> None:
        self.parts = parts
        self.nudge: Callable[[], None] = lambda: None
        """Called when something is to be sent at once."""
        self._db = parts.public.db
        self._access = parts.public.access
        self._clock = parts.public.clock
        self._vault = parts.public.vault

    # Asking

    def follow(self, actor: Actor, draft: FollowDraft) -> FollowMade:
        """Follow something. By mail it begins when the link in a letter is used; by webhook when the receiver answers a first post.

        Raises:
            Invalid: what is followed or where to tell will not do.
            NotFound: there is no such published data set, department or topic.
            Denied: a webhook or the notice centre, without signing in.
            Refused: mail is not set up here, or the receiver may not be reached.
            Conflict: this person follows it already.
            Throttled: too many subscriptions or letters of this person.

        """
        own = draft.way is not FollowWay.MAIL
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP if own else Permission.OPENDATA_DATASET_READ)
        what = canonical(draft.kind, draft.what)
        self.name(actor, draft.kind, what)
        by = "" if actor.is_anonymous else actor.id
        follow_id, secret = new_id("fol"), secrets.token_urlsafe(32)
        key = secrets.token_hex(16)
        to, digest, lane = self._place(draft)
        held = {"to": to, "key": key, "secret": secret if draft.way is FollowWay.WEBHOOK else ""}
        now = self._clock.now()
        ready = draft.way is FollowWay.NOTICE
        made = Follow(
            id=follow_id,
            by=by,
            kind=draft.kind,
            what=what,
            way=draft.way,
            pace=draft.pace,
            language=draft.language,
            state=FollowState.ACTIVE if ready else FollowState.WAITING,
            sealed="" if ready else self._vault.seal(json.dumps(held), purpose=PURPOSE, context=follow_id),
            lane=lane,
            address_digest=digest,
            end_digest=digest_of(end_token(key, follow_id)),
            created_at=now,
            next_at=None if ready else now,
        )
        if self._add(actor, made):
            self.nudge()
        return FollowMade(follow=made, secret=held["secret"])

    def _place(self, draft: FollowDraft) -> tuple[str, str, str]:
        """Return where to tell, checked, its digest, and the lane of its host."""
        if draft.way is FollowWay.NOTICE:
            return "", "", ""
        if draft.way is FollowWay.WEBHOOK:
            from beijiang.outbound import parsed

            place = parsed(draft.to.strip())
            found = str(place)
            return found, self._digest(found), self._digest(f"lane\n{place.host}")
        self.parts.mail.require_set_up()
        found = checked_address(draft.to)
        return found, self._digest(found.lower()), MAIL_LANE

    def _add(self, actor: Actor, made: Follow) -> bool:
        """Store a subscription within the limits; False where nothing is sent.

        What others have at an address is not told: who is signed in gets one that waits, as after a letter, and a visitor the same answer.
        """
        with self._db.begin() as tx:
            store = FollowStore(tx.connection)
            mine = store.own(made.by) if made.by else []
            there = store.at_address(made.address_digest) if made.address_digest else mine
            letters = self._letters(store, made)
            if made.by:
                _refuse_own(mine, letters, made)
            quiet = len(there) >= ADDRESS_MOST or _letters_there(letters, made) >= CONFIRMS_A_DAY
            quiet = quiet or (made.way is FollowWay.MAIL and any(_same(one, made) for one in there))
            if quiet and not made.by:
                return False
            store.add(replace(made, next_at=None) if quiet else made)
            detail = {"kind": made.kind.value, "way": made.way.value, "pace": made.pace.value}
            self.parts.public.evidence.record(tx, actor, "opendata.follow", target=made.id, detail={**detail})
        return not quiet

    def _letters(self, store: FollowStore, made: Follow) -> Sequence[tuple[str, str]]:
        """Return who asked for the confirming letters of the last day by this person or to this address, and where to; ended ones too."""
        if made.way is not FollowWay.MAIL:
            return ()
        return store.letters(made.by, made.address_digest, made.created_at - _DAY)

    def confirm(self, actor: Actor, follow_id: str, code: str) -> Follow:
        """Begin a subscription by the link that its letter brought; the link is good once, and for a day.

        Raises:
            NotFound: the link is not ours, was used, or is too old; all look the same.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        now = self._clock.now()
        with self._db.begin() as tx:
            store = FollowStore(tx.connection)
            found = store.get(follow_id)
            good = found is not None and found.code_until is not None and now < found.code_until
            fits = hmac.compare_digest(digest_of(code), found.code_digest if found else "")
            begun = {"state": FollowState.ACTIVE.value, "code_digest": "", "code_until": None, "next_at": None}
            if found is None or not (good and fits) or not store.change(follow_id, FollowState.WAITING, begun):
                raise _bad_link()
            self.parts.public.evidence.record(tx, actor, "opendata.follow_confirm", target=follow_id)
        return found

    def end_by_link(self, actor: Actor, follow_id: str, token: str) -> Follow:
        """End a subscription by the link in one of its mails, in one click and without signing in; again is the same.

        Raises:
            NotFound: that link is not ours.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._db.begin() as tx:
            store = FollowStore(tx.connection)
            found = store.get(follow_id)
            if not hmac.compare_digest(digest_of(token), found.end_digest if found else "") or found is None:
                raise _bad_link()
            if found.state is not FollowState.ENDED:
                store.end(follow_id, self._clock.now())
                self.parts.public.evidence.record(tx, actor, "opendata.follow_end", target=follow_id)
        return found

    # One's own

    def own(self, actor: Actor) -> Sequence[tuple[Follow, str]]:
        """Return one's own subscriptions with what is followed, as everybody may know it now."""
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.read() as connection:
            found = FollowStore(connection).own(actor.id)
        return [(one, self._named(one)) for one in found]

    def one(self, actor: Actor, follow_id: str) -> Follow:
        """Return one of one's own subscriptions.

        Raises:
            NotFound: there is none, or it is another's.

        """
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.read() as connection:
            found = FollowStore(connection).get(follow_id)
        if found is None or found.by != actor.id or found.state is FollowState.ENDED:
            raise NotFound(
                "没有这项订阅，或者它不是您的。", "There is no such subscription of yours.", code="no_follow"
            )
        return found

    def end(self, actor: Actor, follow_id: str) -> None:
        """End one of one's own subscriptions.

        Raises:
            NotFound: there is none, or it is another's.

        """
        found = self.one(actor, follow_id)
        with self._db.begin() as tx:
            FollowStore(tx.connection).end(found.id, self._clock.now())
            self.parts.public.evidence.record(tx, actor, "opendata.follow_end", target=found.id)

    def resume(self, actor: Actor, follow_id: str) -> Follow:
        """Begin again with a subscription that was switched off after failures: a receiver is asked by a first post again.

        Raises:
            NotFound: there is none, or it is another's.
            Conflict: it is not switched off.

        """
        found, now = self.one(actor, follow_id), self._clock.now()
        again = {"state": FollowState.WAITING.value, "attempts": 0, "error": "", "next_at": now, "created_at": now}
        with self._db.begin() as tx:
            if not FollowStore(tx.connection).change(found.id, FollowState.OFF, again):
                raise Conflict("这项订阅没有停用。", "This subscription is not switched off.", code="follow_not_off")
            self.parts.public.evidence.record(tx, actor, "opendata.follow_resume", target=found.id)
        self.nudge()
        return self.one(actor, follow_id)

    def counts(self, actor: Actor) -> Sequence[tuple[str, str, str, int]]:
        """Return how many subscriptions there are by kind, way and state; never whose."""
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            return FollowStore(connection).counts()

    def name(self, actor: Actor, kind: FollowKind, what: str) -> str:
        """Return what something that can be followed is called, to everybody's eyes.

        Raises:
            NotFound: there is no such published data set, department or topic.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        if kind is FollowKind.DATASET:
            return self.parts.catalog.published(ANONYMOUS, what).version.entry.name
        if kind is FollowKind.SEARCH:
            return _search_words(what)
        facet = Facet.DEPARTMENT if kind is FollowKind.ORG else Facet.THEME
        counted = self.parts.catalog.search(ANONYMOUS, SearchQuery(size=1, facets={facet: frozenset({what})}))
        labels = counted.facets.get(facet, ())
        found = next((one.label for one in labels if one.value == what and one.count), None)
        if found is None:
            raise NotFound(
                "没有这个部门或主题，或者它还没有发布数据。",
                "There is no such department or topic, or it has published nothing.",
                code="follow_unknown",
            )
        return found.zh

    # For the platform's other parts

    def number_following(self, dataset_id: str) -> int:
        """Return how many people and addresses hear of a published data set, whichever way."""
        with self._db.read() as connection:
            found = self.matching(FollowStore(connection), {dataset_id}).get(dataset_id, ())
        return len({one.by or one.address_digest for one in found})

    def followers(self, dataset_ids: AbstractSet[str]) -> Mapping[str, Collection[str]]:
        """Return who follows each data set in the notice centre, itself, its department, its topics or a search that finds it.

        Of one that went, who follows itself or its department: they hear that it went, and not its name.
        """
        with self._db.read() as connection:
            store = FollowStore(connection)
            concerned = self.matching(store, dataset_ids)
            for one in {*dataset_ids} - concerned.keys():
                concerned = {**concerned, one: store.following(self._last_known(one))}
        return {one: {each.by for each in found if each.way is FollowWay.NOTICE} for one, found in concerned.items()}

    def matching(self, store: FollowStore, dataset_ids: AbstractSet[str]) -> Mapping[str, Sequence[Follow]]:
        """Return the active subscriptions that each published data set concerns; each followed search is looked at once for all."""
        sieve = self.parts.catalog.sift(ANONYMOUS, dataset_ids)
        exact = {one: _about(sieve, one) for one in sieve.ids}
        if not exact:
            return {}
        for what in store.searches():
            for one in sieve.meets(wanted(what)):
                exact[one].add((FollowKind.SEARCH, what))
        found: dict[tuple[FollowKind, str], list[Follow]] = {}
        for follow in store.following(set().union(*exact.values())):
            found.setdefault((follow.kind, follow.what), []).append(follow)
        return {one: [each for thing in about for each in found.get(thing, ())] for one, about in exact.items()}

    def _last_known(self, dataset_id: str) -> set[tuple[FollowKind, str]]:
        try:
            provider = self.parts.catalog.get(SYSTEM, dataset_id).entry.provider_id
        except NotFound:
            return set()
        return {(FollowKind.DATASET, dataset_id), (FollowKind.ORG, provider)}

    def opened(self, one: Follow) -> dict[str, str]:
        """Return where a subscription goes to and its keys; for the one who tells, never for a page."""
        found: dict[str, str] = json.loads(self._vault.open(one.sealed, purpose=PURPOSE, context=one.id))
        return found

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every address under the newest root key; return how many."""
        store = FollowStore(tx.connection)
        held = store.sealed()
        for owner, sealed in held:
            store.put_sealed(owner, self._vault.rewrap(sealed, purpose=PURPOSE, context=owner))
        key = store.key()
        if key:
            store.change_key(self._vault.rewrap(key, purpose=PURPOSE, context=_KEY_CONTEXT))
        return len(held) + bool(key)

    def _named(self, one: Follow) -> str:
        try:
            return self.name(ANONYMOUS, one.kind, one.what)
        except NotFound:
            return ""

    def _digest(self, address: str) -> str:
        """Return the digest of an address under the key of this platform: who reads the database cannot try addresses."""
        with self._db.read() as connection:
            sealed = FollowStore(connection).key()
        if not sealed:
            drawn = self._vault.seal(secrets.token_hex(32), purpose=PURPOSE, context=_KEY_CONTEXT)
            with self._db.begin(counted=False) as tx:
                FollowStore(tx.connection).put_key(drawn)
            with self._db.read() as connection:
                sealed = FollowStore(connection).key()
        key = self._vault.open(sealed, purpose=PURPOSE, context=_KEY_CONTEXT)
        return hmac.new(key.encode(), address.encode(), hashlib.sha256).hexdigest()


def _same(one: Follow, made: Follow) -> bool:
    return (one.kind, one.what, one.way) == (made.kind, made.what, made.way) and one.state is not FollowState.WAITING


def _letters_there(letters: Sequence[tuple[str, str]], made: Follow) -> int:
    return sum(digest == made.address_digest for _, digest in letters)


def _refuse_own(mine: Sequence[Follow], letters: Sequence[tuple[str, str]], made: Follow) -> None:
    """Refuse what one's own subscriptions and letters forbid; it tells nothing of those of others.

    Raises:
        Conflict: one follows it already.
        Throttled: too many subscriptions or letters.

    """
    own = [digest for by, digest in letters if by == made.by]
    at_address = [one for one in mine if made.address_digest and one.address_digest == made.address_digest]
    if len(mine) >= PERSON_MOST or len(at_address) >= ADDRESS_MOST:
        raise _too_many()
    if any(_same(one, made) for one in mine if one.address_digest == made.address_digest):
        raise Conflict("您已经订阅了。", "You follow it already.", code="follow_there")
    if len(own) >= PERSON_CONFIRMS_A_DAY or own.count(made.address_digest) >= CONFIRMS_A_DAY:
        raise _too_many()


def _about(sieve: Sieve, dataset_id: str) -> set[tuple[FollowKind, str]]:
    """Return what one follows by name to hear of a data set."""
    orgs = {(FollowKind.ORG, value) for value in sieve.values(dataset_id, Facet.DEPARTMENT)}
    topics = {(FollowKind.TOPIC, value) for value in sieve.values(dataset_id, Facet.THEME)}
    return {(FollowKind.DATASET, dataset_id), *orgs, *topics}


def _search_words(what: str) -> str:
    from urllib.parse import parse_qsl

    return " · ".join(value for _, value in parse_qsl(what))


def _too_many() -> Throttled:
    return Throttled(
        "订阅太多，或者今天发往这个邮箱的确认信太多。请先退订一些，或明天再试。",
        "There are too many subscriptions, or too many letters went to this address today. End some, or try again tomorrow.",
        code="follows_many",
    )


def _bad_link() -> NotFound:
    return NotFound(
        "这个链接无效、已经用过或已经过期。请重新订阅。",
        "This link is not good, was used, or is too old. Subscribe again.",
        code="bad_link",
    )
