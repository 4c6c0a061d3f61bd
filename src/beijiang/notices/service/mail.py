"""Mail of notices: addresses that were proved, a queue of ids that outlives the process, and words that are found when they are sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from beijiang.access import Permission
from beijiang.kit import (
    Actor,
    ActorKind,
    BeijiangError,
    Conflict,
    Invalid,
    Language,
    NotFound,
    Refused,
    Rounds,
    Throttled,
    new_id,
)
from beijiang.notices.models import NoticeKind, Way
from beijiang.notices.models.mail import (
    Letter,
    MailAddress,
    Purpose,
    Words,
    checked_address,
    message_of,
    signature,
    stop_link,
    words_of_code,
    words_of_notice,
    words_of_test,
)
from beijiang.notices.store import MailStore, NoticeStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from beijiang.access import Access
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.notices.models import Notice
    from beijiang.notices.service.notices import Notices
    from beijiang.outbound import MailServer, Outbound
    from beijiang.settings import Settings

__all__ = ["Mail"]

PURPOSE: Final = "notice-mail"
CODES_A_DAY: Final = 5
TRIES: Final = 5
LETTERS_AN_HOUR: Final = 30
"""Mails about notices that one person gets in an hour; more stay on the page."""
PAUSES: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
"""How long a letter waits after each failure; after the last it is given up."""
_ACCOUNT: Final = "account"
_CODE_LIVES: Final = timedelta(minutes=30)
_IN_HAND: Final = timedelta(minutes=5)
_KEPT: Final = timedelta(days=30)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_LOOK_SECONDS: Final = 2.0
_AT_ONCE: Final = 20


class Mail:
    """Send notices by mail to those who want it, in their language, to the address that they proved."""

    def __init__(  # noqa: PLR0913 - the parts, all named by their types
        self,
        db: Database,
        notices: Notices,
        *,
        access: Access,
        evidence: Evidence,
        vault: Vault,
        outbound: Outbound,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db = db
        self._notices = notices
        self._access = access
        self._evidence = evidence
        self._vault = vault
        self._outbound = outbound
        self._clock = clock
        self._settings = settings
        self._rounds = Rounds("mail", self.send_due, _LOOK_SECONDS)

    @property
    def is_set_up(self) -> bool:
        """Tell whether mail can be sent at all."""
        return bool(self._settings.mail_host and self._settings.mail_sender)

    # One's own address

    def address(self, actor: Actor) -> MailAddress | None:
        """Return one's own address, proved or not."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        return self._address(actor.id)

    def set_address(self, actor: Actor, address: str, language: Language) -> MailAddress:
        """Name the address that one wants mail at; a code is sent there, and nothing else before it is entered.

        Raises:
            Invalid: it is no address.
            Refused: mail is not set up here.
            Throttled: too many codes were sent within a day, to whatever addresses.

        """
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        self.require_set_up()
        checked, now = checked_address(address), self._clock.now()
        sealed = self._vault.seal(
            json.dumps({"address": checked, "key": secrets.token_hex(16)}), purpose=PURPOSE, context=actor.id
        )
        with self._db.begin(counted=False) as tx:
            store = MailStore(tx.connection)
            if store.asked_since(actor.id, now - _DAY) >= CODES_A_DAY:
                raise Throttled(
                    "今天请求的验证码太多，请明天再试。", "Too many codes were asked for today; try again tomorrow."
                )
            store.put_address(actor.id, {"sealed": sealed, "language": language.value})
            store.queue([(new_id("ltr"), actor.id, Purpose.CODE, "")], now)
            self._evidence.record(tx, actor, "notices.address_set", target=actor.id)
        found = self._address(actor.id)
        assert found is not None  # noqa: S101 - it was stored in this unit of work
        return found

    def prove_address(self, actor: Actor, code: str) -> None:
        """Enter the code that was sent to one's address.

        Raises:
            Conflict: it is not the code, is too old, or was tried too often (``mail_code``).

        """
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        now = self._clock.now()
        with self._db.begin(counted=False) as tx:
            store = MailStore(tx.connection)
            row = store.address(actor.id)
            good = row is not None and row.tries < TRIES and row.code_until is not None and now < row.code_until
            fits = good and hmac.compare_digest(row.code_digest, _digest(actor.id, code.strip()))
            if fits:
                store.change_address(actor.id, {"verified_at": now, "code_digest": "", "code_until": None})
                self._evidence.record(tx, actor, "notices.address_prove", target=actor.id)
            elif row is not None:
                store.change_address(actor.id, {"tries": row.tries + 1})
        if not fits:
            raise Conflict(
                "验证码不对，或者已失效。请核对；连续填错后须重新获取。",
                "That is not the code, or it is no longer good. Look again; after several wrong ones ask for a new code.",
                code="mail_code",
            )

    def drop_address(self, actor: Actor) -> None:
        """Forget one's own address; no mail is sent any more."""
        self._access.require(actor, Permission.NOTICES_OWN_READ)
        with self._db.begin(counted=False) as tx:
            MailStore(tx.connection).drop_address(actor.id)
            self._evidence.record(tx, actor, "notices.address_drop", target=actor.id)

    def end_by_link(self, person_id: str, kind: str, signed: str) -> NoticeKind:
        """End a kind of mail by the link in one of them, without signing in.

        Raises:
            NotFound: we did not sign that link; unknown people and forged links look the same.

        """
        found = self._address(person_id)
        expected = signature(found.key if found else "", person_id, kind)
        fits = hmac.compare_digest(expected, signed) if signed.isascii() else False
        if not fits or found is None or kind not in set(NoticeKind):
            raise NotFound("这个链接无效。", "This link is not good.", code="bad_link")
        with self._db.begin(counted=False) as tx:
            NoticeStore(tx.connection).choose(person_id, {NoticeKind(kind): Way.PAGE})
        return NoticeKind(kind)

    # Setting it up

    def standing(self, actor: Actor) -> dict[str, Any]:
        """Return whether mail is set up, how many letters wait, and the newest trouble."""
        self._access.require(actor, Permission.NOTICES_MAIL_MANAGE)
        with self._db.read() as connection:
            store = MailStore(connection)
            counts, error = store.standing()
            return {"set_up": self.is_set_up, "password": bool(store.account()), "letters": counts, "error": error}

    def set_password(self, actor: Actor, password: str) -> None:
        """Seal the password of the mail account; an empty one forgets it.

        Raises:
            Invalid: it has characters that mail servers do not take (``mail_password``).

        """
        self._access.require(actor, Permission.NOTICES_MAIL_MANAGE)
        if not password.isascii() or (password and not password.isprintable()):
            raise Invalid(
                "邮件口令只能含英文字母、数字和符号。",
                "The password of the mail account may hold ASCII letters, digits and signs only.",
                code="mail_password",
            )
        sealed = self._vault.seal(password, purpose=PURPOSE, context=_ACCOUNT) if password else ""
        with self._db.begin(counted=False) as tx:
            MailStore(tx.connection).put_account(sealed, self._clock.now())
            self._evidence.record(tx, actor, "notices.mail_password", target="mail", detail={"set": bool(password)})

    def try_out(self, actor: Actor, to: str) -> None:
        """Send a test at once and say what came of it.

        Raises:
            Refused: mail is not set up, or the server will not take it.
            Unavailable: the server cannot be reached.

        """
        self._access.require(actor, Permission.NOTICES_MAIL_MANAGE)
        self.require_set_up()
        self.post(new_id("ltr"), checked_address(to), self._settings.language, words_of_test(self._settings.language))

    def renew(self, tx: UnitOfWork) -> int:
        """Wrap every address and the password under the newest root key; return how many."""
        store = MailStore(tx.connection)
        held = store.sealed()
        for owner, sealed in held:
            store.change_address(owner, {"sealed": self._vault.rewrap(sealed, purpose=PURPOSE, context=owner)})
        account = store.account()
        if account:
            rewrapped = self._vault.rewrap(account, purpose=PURPOSE, context=_ACCOUNT)
            store.put_account(rewrapped, self._clock.now())
        return len(held) + bool(account)

    # What other parts send

    def require_set_up(self) -> None:
        """Return if mail can be sent at all.

        Raises:
            Refused: it is not set up here.

        """
        if not self.is_set_up:
            raise Refused(
                "本平台没有设置邮件服务器，不发送邮件。请系统管理员设置 mail_host 和 mail_sender。",
                "No mail server is set up here, so no mail is sent. Ask the system administrator to set mail_host and mail_sender.",
                code="mail_not_set_up",
            )

    def post(self, letter_id: str, to: str, language: Language, words: Words) -> None:
        """Hand one message to the mail server now; the same id again is the same message to a mail program.

        Raises:
            Refused: the server will never take it.
            Unavailable: not now.

        """
        from beijiang.outbound import hand_over

        site = urlsplit(self._settings.public_url).hostname or "localhost"
        sender = self._settings.mail_sender
        message = message_of(words, letter_id=letter_id, sender=sender, to=to, language=language, site=site)
        hand_over(self._outbound, self._server(), sender, to, message)

    # The queue

    def hear(self, connection: Connection, new: Sequence[Notice]) -> None:
        """Queue mails of new notices in the transaction that stores them."""
        if not self.is_set_up or not new:
            return
        store, now = MailStore(connection), self._clock.now()
        proved = store.verified(sorted({one.person_id for one in new}))
        room = {person: LETTERS_AN_HOUR - store.sent_since(person, now - _HOUR) for person in proved}
        letters = []
        for one in new:
            if room.get(one.person_id, 0) > 0:
                room[one.person_id] -= 1
                letters.append((new_id("ltr"), one.person_id, Purpose.NOTICE, one.id))
        store.queue(letters, now)

    def start(self) -> None:
        """Begin to send in a thread of its own, where mail is set up. Again is a no-op."""
        if self.is_set_up:
            self._rounds.start()

    def stop(self) -> None:
        """Stop sending; what waits is sent after the next start."""
        self._rounds.stop()

    def send_due(self) -> int:
        """Send what is due; return how many letters were taken in hand.

        A process that dies between sending and noting it sends that letter again, under the same Message-ID.
        """
        now = self._clock.now()
        with self._db.read() as connection:
            due = MailStore(connection).due(now, _AT_ONCE)
        for letter in due:
            if self._rounds.stopping:
                break
            with self._db.begin(counted=False) as tx:
                mine = MailStore(tx.connection).claim(letter, now + _IN_HAND)
            if mine:
                self._send(letter, now)
        if due:
            with self._db.begin(counted=False) as tx:
                MailStore(tx.connection).sweep(now - _KEPT)
        return len(due)

    def _send(self, letter: Letter, now: datetime) -> None:
        state, error = "sent", ""
        try:
            if not self._sent(letter, now):
                state = "dropped"
        except BeijiangError as trouble:
            error = trouble.reason
            state = "given_up" if not trouble.transient or letter.attempts >= len(PAUSES) else "waiting"
        with self._db.begin(counted=False) as tx:
            store = MailStore(tx.connection)
            if state == "waiting":
                store.later(letter.id, now + PAUSES[letter.attempts], error)
            else:
                store.end(letter.id, state, now, error)

    def _sent(self, letter: Letter, now: datetime) -> bool:
        """Find the words of a letter as its reader would now, and send it; False where there is nothing to send any more."""
        found = self._address(letter.person_id)
        if found is None:
            return False
        if letter.purpose is Purpose.CODE:
            code = f"{secrets.randbelow(10**8):08}"
            with self._db.begin(counted=False) as tx:
                fresh = {"code_digest": _digest(found.person_id, code), "code_until": now + _CODE_LIVES, "tries": 0}
                MailStore(tx.connection).change_address(found.person_id, fresh)
            words = words_of_code(code, found.language)
        elif found.verified_at is None or (told := self._words(letter, found)) is None:
            return False
        else:
            words = told
        self.post(letter.id, found.address, found.language, words)
        return True

    def _words(self, letter: Letter, found: MailAddress) -> Words | None:
        """Return what a letter says; None where the notice is read, gone, not wanted or about what may not be seen any more."""
        try:
            reader = self._access.current(Actor(letter.person_id, "", ActorKind.PERSON))
            shown = self._notices.peek(reader, letter.notice_id)
            way = self._notices.choices(reader)[shown.notice.kind]
        except BeijiangError:
            return None
        if shown.seen is None or shown.notice.read_at is not None or way is not Way.MAIL:
            return None
        base = self._settings.public_url.rstrip("/")
        link = f"{base}/console/notices/{shown.notice.id}/open"
        return words_of_notice(
            shown, found.language, link, stop_link(base, found.person_id, shown.notice.kind, found.key)
        )

    def _server(self) -> MailServer:
        from beijiang.outbound import MailServer

        settings = self._settings
        with self._db.read() as connection:
            sealed = MailStore(connection).account()
        return MailServer(
            host=settings.mail_host,
            port=settings.mail_port,
            security=settings.mail_security,
            account=settings.mail_account,
            password=self._vault.open(sealed, purpose=PURPOSE, context=_ACCOUNT) if sealed else "",
            trusted="" if settings.mail_authority is None else settings.mail_authority.read_text("ascii"),
        )

    def _address(self, person_id: str) -> MailAddress | None:
        with self._db.read() as connection:
            row = MailStore(connection).address(person_id)
        if row is None:
            return None
        held = json.loads(self._vault.open(row.sealed, purpose=PURPOSE, context=person_id))
        return MailAddress(
            person_id=person_id,
            address=held["address"],
            key=held["key"],
            language=Language(row.language),
            verified_at=row.verified_at,
        )


def _digest(person_id: str, code: str) -> str:
    return hashlib.sha256(f"{person_id}\n{code}".encode()).hexdigest()
