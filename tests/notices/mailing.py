"""A region whose letters go to a postbox of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from exchange_bureau import Bureau
from postbox import Postbox

from beijiang.build import build
from beijiang.kit import SYSTEM, FixedClock
from beijiang.outbound import Target, Use
from beijiang.settings import Settings

WORD = "Wort-fuer-die-Post-7"
"""The postbox's password."""


@contextmanager
def mailing(home: Path, box: Postbox) -> Iterator[Bureau]:
    """Open a region that sends its mail to ``box``."""
    clock = FixedClock(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
    settings = Settings.for_tests(
        home,
        public_url="https://data.example.cn",
        mail_host="127.0.0.1",
        mail_port=box.port,
        mail_account="platform",
        mail_sender="noreply@data.example.cn",
        mail_authority=box.authority,
    )
    built = build(settings, clock)
    built.first_start()
    built.mail.set_password(SYSTEM, WORD)
    target = Target(host="127.0.0.1", port=box.port, network="127.0.0.1/32", uses=frozenset({Use.CALL}))
    built.sources.allow(SYSTEM, target, "邮件服务器")
    yield Bureau(built, clock)
    built.close()
