"""A region over HTTP for the clients of others: an open register with a masked column, one that is shared on conditions, keys."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import ID, TABLE, Bureau, firms

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.build import build
from beijiang.catalog import OpenType
from beijiang.kit import FixedClock, SystemClock
from beijiang.settings import Settings
from beijiang.worker import address_of, listen

OPEN, HIDDEN, ROWS = "公开企业名录", "雪豹台账", 300
PHONE = "法定代表人电话"
__all__ = ["HIDDEN", "ID", "OPEN", "PHONE", "ROWS", "TABLE", "Region", "firms", "region_of"]


@dataclass
class Region:
    """The bureau, served."""

    bureau: Bureau
    base: str
    open_id: str
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, login: str) -> str:
        """Return a key of a person with every scope that a key may have for data."""
        if login not in self.keys:
            wanted = (
                "exchange:",
                "protection:",
                "opendata:",
                "catalog:",
                "lineage:",
                "assess:",
                "evidence:",
                "tables:",
            )
            scopes = frozenset(str(p) for p in Permission if p.startswith(wanted))
            person = self.bureau[login]
            _, self.keys[login] = self.bureau.platform.access.issue_key(
                person, KeyDraft(name=login, scopes=scopes, days=1)
            )
        return self.keys[login]

    def client(self, login: str = "") -> httpx.Client:
        """Return a plain client, of somebody or of a visitor."""
        headers = {"Authorization": f"Bearer {self.key(login)}"} if login else {}
        return httpx.Client(base_url=self.base, headers=headers, timeout=300, trust_env=False)


@contextmanager
def region_of(folder: Path, **words: Any) -> Iterator[Region]:
    """Serve a region on a free port of the loopback, in a thread."""
    listener = listen("127.0.0.1", 0)
    clock = FixedClock(SystemClock().now())
    built = build(Settings.for_tests(folder, public_url=address_of(listener), **words), clock)
    built.first_start()
    bureau = Bureau(built, clock)
    opened = bureau.publish(
        OPEN,
        ROWS,
        open_type=OpenType.UNCONDITIONAL,
        open_condition="",
        licence="CC-BY-4.0",
        open_items=("企业名称", "盟市", "注册资本"),
    )
    bureau.write(HIDDEN, firms(20))
    built.db.deliver_waiting()
    server = uvicorn.Server(uvicorn.Config(create_app(built), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Region(bureau, address_of(listener), opened.id)
    server.should_exit = True
    thread.join(90)
    built.close()
