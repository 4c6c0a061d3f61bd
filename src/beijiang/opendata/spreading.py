"""Hear from the log what happened to data, and tell who follows it: at once or in digests, and only what everybody may see then.

The place up to which the log was heard moves in the transaction that stores what is to be told, so nothing is lost and nothing is
stored twice. A process that dies between sending and noting it sends the same letter again, under the same id. Several are told
at a time (``lanes``), so that a receiver that hangs holds up itself alone.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.crypto import webhook_signature
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Invalid, NotFound, Rounds, Text, Unavailable
from beijiang.notices import Words
from beijiang.opendata.following import CONFIRM_WITHIN
from beijiang.opendata.follows import (
    FollowKind,
    FollowState,
    FollowWay,
    Happening,
    Tiding,
    digest_of,
    end_token,
    letter_words,
    next_telling,
    page_path,
)
from beijiang.opendata.lanes import Lanes
from beijiang.opendata.store.follows import FollowStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from beijiang.opendata.following import Follows
    from beijiang.opendata.follows import Follow

__all__ = ["Spreading"]

log = logging.getLogger(__name__)

HEARD: Final = {
    "catalog.publish": Happening.ENTRY,
    "catalog.advance_release": Happening.ROWS,
    "catalog.move_readers": Happening.ROWS,
}
BATCH: Final = 200
LETTER_MOST: Final = 50
"""Data sets in one letter or post; the rest comes with the next."""
PAUSES: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
"""How long a subscription waits after each failure in a row; after the last a webhook is switched off and its owner is told."""
MAIL_DAYS: Final = 30
"""How many days a letter is tried once a day after that: a mail server that is away ends nobody's subscription."""
NO_RECIPIENT: Final = "mail_no_recipient"
_BACK: Final = timedelta(days=1)
_DAILY: Final = timedelta(days=1)
_IN_HAND: Final = timedelta(minutes=5)
_ENDED_KEPT: Final = timedelta(days=30)
_LOOK_SECONDS: Final = 2.0
_GOOD: Final = range(200, 300)
_ECHO_MOST: Final = 64 * 1024
_POST_SECONDS: Final = 30.0
END_SECONDS: Final = 5.0
"""How long a stop waits for what is on its way."""


class Spreading:
    """Tell subscribers."""

    def __init__(self, follows: Follows) -> None:
        self._follows = follows
        self._parts = follows.parts
        self._public = follows.parts.public
        self._db = follows.parts.public.db
        self._rounds = Rounds("follows", self.round, _LOOK_SECONDS)
        self._lanes = Lanes()
        self._lock = threading.Lock()
        """Guards the lanes, and what is in hand."""
        self._claims: dict[str, datetime] = {}
        self._beside = False
        self._hands: set[threading.Thread] = set()
        follows.nudge = self._rounds.nudge

    def start(self) -> None:
        """Begin in threads of its own. Again is a no-op."""
        if not self._beside:
            self._beside = True
            self._rounds.start()

    def stop(self) -> None:
        """Stop; what waits is told after the next start.

        What is on its way has a moment to come to its end; what takes longer is let go and told again, under the same id.
        """
        if not self._beside:
            return
        self._rounds.stop()
        until = time.monotonic() + END_SECONDS
        with self._lock:
            hands = [*self._hands]
        for hand in hands:
            hand.join(max(0.0, until - time.monotonic()))
        with self._lock:
            self._claims.clear()
            self._beside = False

    def round(self) -> None:
        """Hear what is new, hold on to what is in hand, and tell what is due: in this thread where the others were not started."""
        while self.hear() and not self._rounds.stopping:
            pass
        self._hold_on()
        while self.tell_due() and not self._beside:
            pass

    def watch(self) -> None:
        """Forget what nobody confirmed, what ended long ago, and where to what ended went. Called by the dispatcher every minute."""
        now = self._public.clock.now()
        with self._db.begin(counted=False) as tx:
            FollowStore(tx.connection).sweep(now - 2 * CONFIRM_WITHIN, now - _ENDED_KEPT, now - _DAILY)

    # Hearing

    def hear(self) -> bool:
        """Store what the log says since the last look; tell whether there may be more to look at at once."""
        with self._db.read() as connection:
            place = FollowStore(connection).place()
        evidence = self._public.evidence
        begin = evidence.place_at(self._public.clock.now() - _BACK) if place is None else place
        records, upto = evidence.following(begin, tuple(HEARD), BATCH)
        if upto == place:
            return False
        newest = {one.target.removeprefix("catalog:"): one for one in records if not one.erased}
        with self._db.read() as connection:
            store = FollowStore(connection)
            concerned = self._follows.matching(store, newest.keys())
        with self._db.begin(counted=False) as tx:
            store = FollowStore(tx.connection)
            if place is None:
                store.put_key("")
            if not store.move(place, upto):
                return True
            told = {
                dataset_id: [one for one in found if one.way is not FollowWay.NOTICE]
                for dataset_id, found in concerned.items()
            }
            for dataset_id, found in told.items():
                record = newest[dataset_id]
                store.add_news(
                    [(one.id, dataset_id, HEARD[record.action], record.sequence, record.at) for one in found]
                )
            now, zone = self._public.clock.now(), self._public.zone
            store.wake({one.id: next_telling(one, now, zone) for found in told.values() for one in found})
        return len(records) == BATCH

    # Telling

    def tell_due(self) -> int:
        """Tell what is due as far as there are hands; return how many subscriptions were taken in hand."""
        at = time.monotonic()
        with self._lock:
            free, closed = self._lanes.free(at), self._lanes.closed(at)
        if free <= 0:
            return 0
        without = None if self._parts.mail.is_set_up else FollowWay.MAIL
        with self._db.read() as connection:
            due = FollowStore(connection).due(self._public.clock.now(), free, closed, without)
        return sum(self._take(one) for one in due)

    def _take(self, one: Follow) -> bool:
        """Take one in hand and tell it, beside everything else where threads were started."""
        with self._lock:
            if self._rounds.stopping or not self._lanes.take(one.id, one.lane, time.monotonic()):
                return False
        handed = False
        try:
            if not self._claim(one):
                return False
            if self._beside:
                self._begin(one)
            handed = True
        finally:
            if not handed:
                with self._lock:
                    self._claims.pop(one.id, None)
                    self._lanes.give_back(one.id)
        if not self._beside:
            self._tell(one)
        return True

    def _begin(self, one: Follow) -> None:
        """Tell one in a thread of its own, which holds up no end of the process."""

        def tell() -> None:
            try:
                self._tell(one)
            finally:
                with self._lock:
                    self._hands.discard(hand)

        hand = threading.Thread(target=tell, name=f"beijiang-follow-{one.id}", daemon=True)
        with self._lock:
            self._hands.add(hand)
        try:
            hand.start()
        except RuntimeError:
            with self._lock:
                self._hands.discard(hand)
            raise

    def _is_in_hand(self, one: Follow) -> bool:
        """Tell whether what came of telling one may be noted: not after it was let go at a stop."""
        with self._lock:
            return one.id in self._claims

    def _claim(self, one: Follow) -> bool:
        until = self._public.clock.now() + _IN_HAND
        with self._db.begin(counted=False) as tx:
            mine = FollowStore(tx.connection).claim(one, until)
        if mine:
            with self._lock:
                self._claims[one.id] = until
        return mine

    def _hold_on(self) -> None:
        """Keep what is in hand for longer, before another process takes it for left behind."""
        now = self._public.clock.now()
        with self._lock:
            short = {one: until for one, until in self._claims.items() if until - now < _IN_HAND / 2}
        for one, until in short.items():
            with self._db.begin(counted=False) as tx:
                held = FollowStore(tx.connection).renew(one, until, now + _IN_HAND)
            with self._lock:
                if held and one in self._claims:
                    self._claims[one] = now + _IN_HAND

    def _tell(self, one: Follow) -> None:
        try:
            if one.state is FollowState.WAITING:
                self._ask(one)
            else:
                self._tell_news(one)
        except BeijiangError as trouble:
            if self._is_in_hand(one):
                self._failed(one, trouble)
        except Exception:
            log.exception("telling a subscription broke off; it will be tried again")
        finally:
            with self._lock:
                self._claims.pop(one.id, None)
                self._lanes.done(one.id, time.monotonic())
            if self._beside:
                self._rounds.nudge()

    def _tell_news(self, one: Follow) -> None:
        with self._db.read() as connection:
            news = FollowStore(connection).news(one.id, LETTER_MOST)
        found = [made for item in news if (made := self._tiding(*item)) is not None]
        if found:
            letter = digest_of(f"{one.id} {[(item[0], item[2]) for item in news]}")[:32]
            self._send(one, letter, found)
        if not self._is_in_hand(one):
            return
        now = self._public.clock.now()
        with self._db.begin(counted=False) as tx:
            store = FollowStore(tx.connection)
            left = store.told(one.id, news)
            told_at = now if found else one.told_at
            later = now if len(news) == LETTER_MOST else next_telling(one, now, self._public.zone)
            more = later if left else None
            values = {"attempts": 0, "error": "", "told_at": told_at, "next_at": more}
            store.change(one.id, FollowState.ACTIVE, values)

    def _tiding(self, dataset_id: str, what: Happening, _place: int, at: datetime) -> Tiding | None:
        """Return what everybody may know of a change now; None for what is not published any more."""
        try:
            name = self._parts.catalog.published(ANONYMOUS, dataset_id).version.entry.name
        except NotFound:
            return None
        return Tiding(
            dataset_id=dataset_id, title=name, what=what, at=at, href=f"{self._parts.base}/datasets/{dataset_id}"
        )

    def _send(self, one: Follow, letter: str, found: Sequence[Tiding]) -> None:
        held = self._follows.opened(one)
        if one.way is FollowWay.WEBHOOK:
            self._post(
                held, letter, {"type": "datasets.changed", "datasets": [tiding.to_json() for tiding in found]}, one
            )
            return
        name = self._name(one)
        subject, lines = letter_words(found, name, one.language, self._public.zone)
        link = f"{self._parts.base}{page_path(one.kind, one.what)}"
        self._parts.mail.post(
            letter, held["to"], one.language, Words(subject, tuple(lines), link, self._stop(one, held))
        )

    def _ask(self, one: Follow) -> None:
        """Ask who would be told whether they want to: a link by mail, or a first post that has to be answered."""
        held = self._follows.opened(one)
        if one.way is FollowWay.WEBHOOK:
            self._post(held, f"{one.id}.{one.attempts}", {"type": "follow.begin"}, one)
            if not self._is_in_hand(one):
                return
            with self._db.begin(counted=False) as tx:
                begun = {"state": FollowState.ACTIVE.value, "attempts": 0, "error": "", "next_at": None}
                FollowStore(tx.connection).change(one.id, FollowState.WAITING, begun)
            return
        code = secrets.token_urlsafe(24)
        fresh = {"code_digest": digest_of(code), "code_until": self._public.clock.now() + CONFIRM_WITHIN}
        with self._db.begin(counted=False) as tx:
            FollowStore(tx.connection).change(one.id, FollowState.WAITING, fresh)
        link = f"{self._parts.base}/follow/confirm/{one.id}/{code}"
        subject = Text("请确认订阅", "Confirm your subscription").in_language(one.language)
        name = self._asked_name(one)
        line = Text(
            f"有人（可能是您）用这个邮箱订阅：{name}。请在 24 小时内打开下面的链接确认；如果不是您本人操作，请忽略，不会再收到来信。",
            f"Somebody, perhaps you, asked that news of {name} be sent here. Open the link within 24 hours to confirm. If it was not you, ignore this and nothing more is sent.",
        ).in_language(one.language)
        words = Words(subject, (line,), link, self._stop(one, held))
        self._parts.mail.post(f"{one.id}.{one.attempts}", held["to"], one.language, words)
        with self._db.begin(counted=False) as tx:
            FollowStore(tx.connection).change(one.id, FollowState.WAITING, {"attempts": 0, "next_at": None})

    def _name(self, one: Follow) -> str:
        try:
            return self._follows.name(ANONYMOUS, one.kind, one.what)
        except NotFound:
            return Text("一项订阅", "a subscription").in_language(one.language)

    def _asked_name(self, one: Follow) -> str:
        """Return what is followed, for one who did not ask perhaps: never the words that somebody typed into a search."""
        if one.kind is FollowKind.SEARCH:
            return Text("目录的一项搜索", "a search of the catalog").in_language(one.language)
        return self._name(one)

    def _stop(self, one: Follow, held: dict[str, str]) -> str:
        return f"{self._parts.base}/follow/end/{one.id}/{end_token(held['key'], one.id)}"

    def _post(self, held: dict[str, str], name: str, body: dict[str, Any], one: Follow) -> None:
        """Post to a receiver, signed; its address is checked at this very moment, and no redirect is followed.

        Raises:
            Refused: the address may not be reached.
            Invalid: the receiver refused it.
            Unavailable: no answer, or trouble at the far side.

        """
        from beijiang.outbound import Credentials, Http, HttpLimits, Use, parsed

        way, place = self._parts.outbound.bound(Use.TELL, ""), parsed(held["to"])
        if place.scheme != "https":
            way.require_plain(place.host, place.port or 80)
        at = str(int(self._public.clock.now().timestamp()))
        content = json.dumps({**body, "id": name, "follow": one.id, "at": at}, ensure_ascii=False).encode()
        shown = Credentials({"webhook-signature": webhook_signature(held["secret"], name, at, content)})
        headers = {"Content-Type": "application/json; charset=utf-8", "webhook-id": name, "webhook-timestamp": at}
        with Http(way, HttpLimits(body=_ECHO_MOST, seconds=_POST_SECONDS, idle=_POST_SECONDS, redirects=0)) as http:
            answer = http.fetch("POST", place, headers=headers, credentials=shown, content=content)
        if answer.status not in _GOOD:
            raise _unheard(answer.status)

    def _failed(self, one: Follow, trouble: BeijiangError) -> None:
        """Try again later, or switch a subscription off after failures in a row and tell its owner.

        A visitor's ends only where the mail server says that there is no such address; otherwise it rests until there is more to tell.
        """
        unknown = one.way is FollowWay.MAIL and trouble.reason == NO_RECIPIENT
        pause, now = _pause(one), self._public.clock.now()
        with self._db.begin() as tx:
            store = FollowStore(tx.connection)
            values: dict[str, Any] = {"attempts": one.attempts + 1, "error": trouble.reason[:60]}
            if pause is not None and not unknown:
                store.change(one.id, one.state, {**values, "next_at": now + pause})
            elif not one.by and not unknown:
                store.change(one.id, one.state, {**values, "attempts": 0, "next_at": None})
            elif not one.by:
                store.end(one.id, now)  # a visitor's address that is none: it is forgotten
                self._public.evidence.record(tx, SYSTEM, "opendata.follow_end", target=one.id, detail={"by": "failure"})
            else:
                store.change(one.id, one.state, {**values, "state": FollowState.OFF.value, "next_at": None})
                detail = {"person": one.by, "reason": trouble.reason[:60]}
                self._public.evidence.record(tx, SYSTEM, "opendata.follow_off", target=one.id, detail={**detail})
        log.info("a subscription could not be told (%s)", trouble.reason)


def _pause(one: Follow) -> timedelta | None:
    """Return how long a subscription waits after one more failure; None when it waited long enough."""
    if one.attempts < len(PAUSES):
        return PAUSES[one.attempts]
    return _DAILY if one.way is FollowWay.MAIL and one.attempts < len(PAUSES) + MAIL_DAYS else None


def _unheard(status: int) -> BeijiangError:
    busy = status in {408, 409, 425, 429} or status >= 500  # noqa: PLR2004
    made = Unavailable if busy else Invalid
    return made(
        f"接收地址答复 {status}。请检查接收程序；多次失败后订阅会停用。",
        f"The receiver answered {status}. Look at its program; after several failures the subscription is switched off.",
        code="follow_unheard",
        detail={"status": status},
    )
