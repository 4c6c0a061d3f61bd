"""What tests of subscriptions share: a reader, letters with links, and programs that listen."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from exchange_bureau import Bureau, firms
from postbox import Postbox

from beijiang.kit import ANONYMOUS, SYSTEM
from beijiang.opendata import FollowDraft, FollowKind, FollowPace, FollowState, FollowWay
from beijiang.outbound import Target, Use

READER = "Leser@example.cn"


def told(bureau: Bureau) -> None:
    bureau.platform.spreading.round()


def changed(bureau: Bureau, table: str, number: int) -> None:
    """Write one more row and let its release follow."""
    bureau.write(table, firms(number)[-1:])
    bureau.platform.db.deliver_waiting()


def draft(what: str, kind: FollowKind = FollowKind.DATASET, **words: Any) -> FollowDraft:
    return FollowDraft(**{"kind": kind, "what": what, "to": READER, "pace": FollowPace.ONCE, **words})


def plain(message: Any) -> str:
    return str(message.get_body(("plain",)).get_content())


def link_in(message: Any, part: str) -> str:
    found = re.search(rf"https://data\.example\.cn(/follow/{part}/\S+)", plain(message))
    assert found, plain(message)
    return found[1]


def confirmed(bureau: Bureau, box: Postbox, wanted: FollowDraft) -> str:
    """Follow by mail as a visitor and use the link in the letter; return the id."""
    bureau.platform.follows.follow(ANONYMOUS, wanted)
    told(bureau)
    _, _, follow_id, code = link_in(box.letters[-1][2], "confirm").strip("/").split("/")
    bureau.platform.follows.confirm(ANONYMOUS, follow_id, code)
    box.letters.clear()
    return follow_id


@dataclass
class Receiver:
    """A program that listens, keeps what it is sent, and answers as it is told to."""

    answer: int = 200
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    host: str = "127.0.0.1"
    wait: threading.Event | None = None
    """What it waits for before it answers."""


@contextmanager
def receiving(made: Receiver) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
            if made.wait is not None:
                made.wait.wait()
            self.send_response(made.answer)
            self.send_header("Content-Length", "0")
            if made.answer in {301, 302}:
                self.send_header("Location", f"http://127.0.0.1:{made.port}/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet."""

    with ThreadingHTTPServer((made.host, 0), Handler) as server:
        made.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        server.shutdown()


def allowed(bureau: Bureau, receiver: Receiver) -> None:
    target = Target(
        host=receiver.host,
        port=receiver.port,
        network=f"{receiver.host}/32",
        uses=frozenset({Use.TELL}),
        plain_http=True,
    )
    bureau.platform.sources.allow(SYSTEM, target, "订阅接收程序")


def hook(receiver: Receiver, what: str, path: str = "/news") -> FollowDraft:
    return draft(what, way=FollowWay.WEBHOOK, to=f"http://{receiver.host}:{receiver.port}{path}")


@contextmanager
def working(bureau: Bureau) -> Iterator[None]:
    """Let subscriptions be told in threads of their own, as in a running platform."""
    bureau.platform.spreading.start()
    try:
        yield
    finally:
        bureau.platform.spreading.stop()


def active(bureau: Bureau, what: str, receiver: Receiver, hooks: int = 1) -> list[str]:
    """Have somebody follow by as many webhooks of a receiver, all begun."""
    allowed(bureau, receiver)
    drafts = [hook(receiver, what, f"/{number}") for number in range(hooks)]
    made = [bureau.platform.follows.follow(bureau["consumer"], one).follow.id for one in drafts]
    told(bureau)
    assert {bureau.platform.follows.one(bureau["consumer"], one).state for one in made} == {FollowState.ACTIVE}
    receiver.posts.clear()
    return made
