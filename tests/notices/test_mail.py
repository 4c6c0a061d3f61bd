"""Mail goes to a proved address only, names nothing that is not public, waits for its server, and ends where its reader says so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import Bureau
from fastapi.testclient import TestClient
from mailing import WORD, mailing
from postbox import Postbox, listening

from beijiang.app import create_app
from beijiang.kit import (
    SYSTEM,
    BeijiangError,
    Conflict,
    Denied,
    Invalid,
    Language,
    NotFound,
    Refused,
    Throttled,
)
from beijiang.notices import NoticeKind, NoticeQuery, Way
from beijiang.notices.models.mail import Words, checked_address, message_of
from beijiang.notices.service.mail import CODES_A_DAY, LETTERS_AN_HOUR, PAUSES, TRIES
from beijiang.outbound import MailServer, Outbound, Target, Use, hand_over
from beijiang.settings import MailSecurity

CAPITAL, ADDRESS = "注册资本", "reviewer@example.cn"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory, box: Postbox) -> Iterator[Bureau]:
    with mailing(tmp_path_factory.mktemp("mail"), box) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _another_day(bureau: Bureau, box: Postbox) -> None:
    """Send what waits from the test before, and let its limits run out."""
    box.refuse.clear()
    bureau.clock.at += timedelta(days=2)
    while bureau.platform.mail.send_due():
        pass
    box.letters.clear()
    box.talk.clear()


def proved(bureau: Bureau, box: Postbox, login: str = "reviewer", language: Language = Language.ZH) -> None:
    """Name an address and enter the code that came there."""
    mail = bureau.platform.mail
    mail.set_address(bureau[login], f"{login}@example.cn", language)
    mail.send_due()
    mail.prove_address(bureau[login], code_in(box))
    bureau.platform.notices.choose(bureau[login], {NoticeKind.TASK: Way.MAIL})
    box.letters.clear()


def code_in(box: Postbox) -> str:
    found = re.search(r"\b\d{8}\b", plain(box.letters[-1][2]))
    assert found
    return found[0]


def plain(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content())


def told(bureau: Bureau) -> None:
    while bureau.platform.notices.take():
        pass
    while bureau.platform.mail.send_due():
        pass


def test_a_notice_comes_by_mail_after_the_address_was_proved_and_never_before(bureau: Bureau, box: Postbox) -> None:
    mail = bureau.platform.mail
    bureau.platform.notices.choose(bureau["reviewer"], {NoticeKind.TASK: Way.MAIL})
    mail.set_address(bureau["reviewer"], ADDRESS, Language.ZH)
    bureau.asked(CAPITAL)
    told(bureau)
    ((sender, to, message),) = box.letters
    assert (sender, to, message["Subject"]) == ("noreply@data.example.cn", [ADDRESS], "[云上北疆] 验证您的邮箱")
    mail.prove_address(bureau["reviewer"], code_in(box))
    box.letters.clear()
    bureau.asked(CAPITAL)
    told(bureau)
    ((_, to, message),) = box.letters
    assert to == [ADDRESS]
    assert message["Subject"] == "[云上北疆] 有新的共享申请"
    whole = message.as_string() + plain(message) + str(message.get_body(("html",)).get_content())
    assert bureau.resource.entry.name not in whole, "the name of what was asked for is for those who sign in"
    assert bureau["consumer"].name not in whole
    assert "https://data.example.cn/console/notices/ntc_" in plain(message)
    assert not re.search(r"<(img|script|link|style)|src=", whole)
    assert "STARTTLS" in box.talk
    assert box.talk.index("STARTTLS") < next(n for n, line in enumerate(box.talk) if line.startswith("AUTH"))


def test_mail_is_in_the_language_of_its_reader(bureau: Bureau, box: Postbox) -> None:
    proved(bureau, box, language=Language.EN)
    bureau.asked(CAPITAL)
    told(bureau)
    ((_, _, message),) = box.letters
    assert message["Subject"] == "[Beijiang] A share request came in"
    assert message["Content-Language"] == "en"


def test_what_was_read_or_may_not_be_seen_any_more_is_not_sent(bureau: Bureau, box: Postbox) -> None:
    proved(bureau, box)
    bureau.asked(CAPITAL)
    bureau.platform.notices.take()
    bureau.platform.notices.read_all(bureau["reviewer"])
    told(bureau)
    assert box.letters == []
    bureau.asked(CAPITAL)
    bureau.platform.notices.take()
    access = bureau.platform.access
    access.disable_person(SYSTEM, bureau["reviewer"].id, "离职")
    told(bureau)
    access.enable_person(SYSTEM, bureau["reviewer"].id)
    assert box.letters == []


def test_a_letter_waits_for_a_server_that_is_out_of_sorts_and_is_given_up_in_the_end(
    bureau: Bureau, box: Postbox
) -> None:
    proved(bureau, box)
    box.refuse["MAIL"] = "451 later"
    bureau.asked(CAPITAL)
    told(bureau)
    assert bureau.platform.mail.standing(SYSTEM)["letters"]["waiting"] == 1
    assert bureau.platform.mail.send_due() == 0, "not at once"
    box.refuse.clear()
    bureau.clock.at += PAUSES[0]
    told(bureau)
    assert len(box.letters) == 1
    box.refuse["MAIL"] = "451 later"
    bureau.asked(CAPITAL)
    told(bureau)
    for pause in PAUSES:
        bureau.clock.at += pause
        told(bureau)
    standing = bureau.platform.mail.standing(SYSTEM)
    assert "waiting" not in standing["letters"]
    assert (standing["letters"]["given_up"], standing["error"]) == (1, "mail_unavailable")


def test_a_kind_of_mail_ends_by_the_link_in_it_and_by_no_other(bureau: Bureau, box: Postbox) -> None:
    proved(bureau, box)
    bureau.asked(CAPITAL)
    told(bureau)
    (message,) = [one for _, _, one in box.letters]
    link = message["List-Unsubscribe"].strip("<>").removeprefix("https://data.example.cn")
    browser = TestClient(create_app(bureau.platform), base_url="https://data.example.cn")
    *_, person, kind, signed = link.split("/")
    page = browser.get(link, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert bureau.platform.notices.choices(bureau["reviewer"])[NoticeKind.TASK] is Way.MAIL, "looking changes nothing"
    forged = [
        f"/console/unsubscribe/{a}/{b}/{c}"
        for a, b, c in (
            (person, "run", signed),
            (bureau["lead"].id, kind, signed),
            (person, kind, "0" * 64),
            ("per_made_up", kind, signed),
        )
    ]
    answers = {browser.post(one, headers={"Accept": "text/html"}).status_code for one in forged}
    assert answers == {404}
    with pytest.raises(NotFound):
        bureau.platform.mail.end_by_link(person, kind, "é" * 64)
    assert browser.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert bureau.platform.notices.choices(bureau["reviewer"])[NoticeKind.TASK] is Way.PAGE
    box.letters.clear()
    bureau.asked(CAPITAL)
    told(bureau)
    assert box.letters == []


def test_codes_are_not_guessed_and_addresses_not_flooded(bureau: Bureau, box: Postbox) -> None:
    mail, who = bureau.platform.mail, bureau["lead"]
    mail.set_address(who, "someone@example.cn", Language.ZH)
    mail.send_due()
    good = code_in(box)
    for _ in range(TRIES):
        with pytest.raises(Conflict):
            mail.prove_address(who, "00000000")
    with pytest.raises(Conflict):
        mail.prove_address(who, good)
    mail.set_address(who, "someone@example.cn", Language.ZH)
    mail.send_due()
    late = code_in(box)
    bureau.clock.at += timedelta(minutes=31)
    with pytest.raises(Conflict):
        mail.prove_address(who, late)
    with pytest.raises(Conflict):
        mail.prove_address(bureau["steward"], late)
    for n in range(CODES_A_DAY - 2):
        mail.drop_address(who)
        mail.set_address(who, f"victim{n}@example.cn", Language.ZH)
        mail.send_due()
    with pytest.raises(Throttled):
        mail.set_address(who, "victim@example.cn", Language.ZH)


def test_a_flood_of_facts_is_no_flood_of_mail(bureau: Bureau, box: Postbox) -> None:
    proved(bureau, box)
    for _ in range(LETTERS_AN_HOUR + 3):
        bureau.asked(CAPITAL)
    told(bureau)
    assert len(box.letters) == LETTERS_AN_HOUR
    assert len(bureau.platform.notices.notices(bureau["reviewer"], NoticeQuery(unread_only=True))) > LETTERS_AN_HOUR


@pytest.mark.parametrize(
    "given",
    [
        "a@example.cn\r\nBcc: b@example.cn",
        "a@example.cn\n",
        "<a@example.cn>",
        "a@example.cn,b@example.cn",
        '"a b"@example.cn',
        "a@localhost",
        "a@[127.0.0.1]",
        "甲@example.cn",
        f"{'a' * 65}@example.cn",
        "a@b@example.cn",
        "",
    ],
)
def test_an_address_carries_nothing_but_an_address(given: str) -> None:
    if given.endswith("cn\n"):
        assert checked_address(given) == "a@example.cn"
        return
    with pytest.raises(Invalid):
        checked_address(given)


def test_a_title_steers_no_mail_program() -> None:
    nasty = "标题\r\nBcc: victim@example.cn\r\n\r\n<script>alert(1)</script>\u202eexe"
    message = message_of(
        Words(nasty, (nasty,)),
        letter_id="ltr_1",
        sender="a@example.cn",
        to="b@example.cn",
        language=Language.ZH,
        site="example.cn",
    )
    assert message["Bcc"] is None
    assert "\u202e" not in str(message["Subject"])
    assert "<script>" not in str(message.get_body(("html",)).get_content())  # type: ignore[union-attr]


def test_the_line_is_checked_verified_and_never_gives_the_password_to_others(tmp_path: Path, box: Postbox) -> None:
    message = message_of(
        Words("x", ("x",)), letter_id="l", sender="a@example.cn", to="b@example.cn", language=Language.EN, site="x"
    )
    target = Target(host="127.0.0.1", port=box.port, network="127.0.0.1/32", uses=frozenset({Use.CALL}))
    ok = {
        "host": "127.0.0.1",
        "port": box.port,
        "security": MailSecurity.STARTTLS,
        "account": "platform",
        "password": WORD,
    }
    trusted = box.authority.read_text()

    def sent(outbound: Outbound, **change: Any) -> str:
        try:
            hand_over(
                outbound, MailServer(**{**ok, "trusted": trusted, **change}), "a@example.cn", "b@example.cn", message
            )
        except BeijiangError as error:
            return error.reason
        return "sent"

    free = Outbound(lambda: [target])
    assert sent(free) == "sent"
    assert sent(Outbound(list)) == "target_not_allowed"
    assert sent(free, trusted="") == "mail_unavailable", "a certificate that nobody vouches for"
    assert sent(free, password="wrong") == "mail_unavailable"
    assert sent(free, security=MailSecurity.NONE) == "mail_plain_password"
    box.talk.clear()
    box.offer_starttls = False
    assert sent(free) == "mail_unavailable", "somebody on the way took STARTTLS out of the offer"
    assert not [line for line in box.talk if line.startswith(("AUTH", "MAIL"))]
    box.offer_starttls = True
    box.refuse["RCPT"] = "550 no such user"
    assert sent(free) == "mail_no_recipient"
    box.refuse["RCPT"] = "554 5.7.1 relay access denied"
    assert sent(free) == "mail_refused", "a rule of the server says nothing of the address"
    box.refuse.clear()
    box.refuse["MAIL"] = "550 no"
    assert sent(free) == "mail_refused"
    box.refuse.clear()
    folder = tmp_path / "tls"
    folder.mkdir()
    with listening(Postbox(folder, implicit_tls=True)) as other:
        also = Target(host="127.0.0.1", port=other.port, network="127.0.0.1/32", uses=frozenset({Use.CALL}))
        change = {"port": other.port, "security": MailSecurity.TLS, "trusted": other.authority.read_text()}
        assert sent(Outbound(lambda: [also]), **change) == "sent"
        assert len(other.letters) == 1


def test_only_the_system_administrator_sets_mail_up_and_the_password_shows_nowhere(
    bureau: Bureau, box: Postbox
) -> None:
    mail = bureau.platform.mail
    for login in ("reviewer", "steward", "consumer"):
        with pytest.raises(Denied):
            mail.set_password(bureau[login], "x")
        with pytest.raises(Denied):
            mail.try_out(bureau[login], ADDRESS)
    mail.try_out(SYSTEM, ADDRESS)
    assert box.letters[-1][1] == [ADDRESS]
    assert WORD not in str(mail.standing(SYSTEM))
    home = bureau.platform.settings.home
    for name in home.glob("*.db*"):
        assert WORD.encode() not in name.read_bytes()
        assert ADDRESS.encode() not in name.read_bytes()


def test_addresses_and_password_stay_readable_under_a_new_root_key(bureau: Bureau, box: Postbox) -> None:
    proved(bureau, box)
    bureau.platform.sources.rotate(SYSTEM)
    bureau.asked(CAPITAL)
    told(bureau)
    assert len(box.letters) == 1


def test_where_mail_is_not_set_up_nothing_is_sent_and_the_page_says_so(platform: Any) -> None:
    assert not platform.mail.is_set_up
    with pytest.raises(Refused) as error:
        platform.mail.try_out(SYSTEM, ADDRESS)
    assert error.value.reason == "mail_not_set_up"
    platform.mail.start()
    assert "beijiang-mail" not in {thread.name for thread in threading.enumerate()}
