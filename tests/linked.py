"""Real nodes on the loopback: each its own home, its own server, and the one outbound client between them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import text

from beijiang.access import Role
from beijiang.app import create_app
from beijiang.build import Platform, build
from beijiang.federation import Bearing, Identity, Letter, LetterState, Way
from beijiang.federation.models import NOTE_HEADER, Envelope, canonical
from beijiang.federation.store import NodeStore
from beijiang.kit import SYSTEM, Actor, ActorKind, FixedClock
from beijiang.outbound import Target, Use
from beijiang.settings import Settings
from ports import own_port
from waiting import until

GUARD = Actor(id="per_sec", name="安全", kind=ActorKind.PERSON, roles=frozenset({Role.SEC_ADMIN}))
AUDITOR = Actor(id="per_aud", name="审计", kind=ActorKind.PERSON, roles=frozenset({Role.AUDIT_ADMIN}))
PUBLISHER = Actor(
    id="per_pub", name="发布", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({Role.BUREAU_PUBLISHER})
)
STEWARD = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON, org_id="bigdata", roles=frozenset({Role.STEWARD}))


ORIGIN = "https://testserver"
BODY: dict[str, Any] = {
    "resource": "res_1",
    "version": 1,
    "published_at": "2026-06-01T00:00:00+00:00",
    "codes": ["301001/1"],
    "url": "https://city.example/datasets/res_1",
    "org": {"id": "health", "zh": "卫生健康委", "en": "Health"},
    "entry": {"name": "好目录", "share_type": "unconditional", "open_type": "not_open", "later": {"kept": 1}},
    "items_left_off": 0,
}
"""An entry of a node below, as it tells it."""


class Node:
    """One platform and its server; ``down`` and ``up`` as often as a test likes, always at the same port."""

    def __init__(self, home: Path, identity: Identity, clock: FixedClock, **settings: Any) -> None:
        home.mkdir()
        self.home = home
        self.id = identity.node_id
        self.clock = clock
        self.platform: Platform = build(Settings.for_tests(home, public_url=ORIGIN, **settings), clock)
        self.port = own_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: uvicorn.Server | None = None
        self.platform.nodes.set_identity(
            GUARD,
            Identity(
                identity.node_id, identity.name_zh, identity.name_en, identity.tier, identity.region_code, self.url
            ),
        )
        self.up()

    def up(self) -> None:
        config = uvicorn.Config(
            create_app(self.platform), host="127.0.0.1", port=self.port, log_level="warning", access_log=False
        )
        self.server = uvicorn.Server(config)
        self.serving = threading.Thread(target=self.server.run, daemon=True)
        self.serving.start()
        until(lambda: self.server is not None and self.server.started)

    def down(self) -> None:
        if self.server is not None:
            self.server.should_exit = True
            self.serving.join()
            self.server = None

    def again(self, **settings: Any) -> None:
        """Stop the platform, and start it with other settings."""
        self.close()
        self.platform = build(Settings.for_tests(self.home, public_url=ORIGIN, **settings), self.clock)
        self.up()

    def reaches(self, other: Node) -> None:
        target = Target(
            host="127.0.0.1", port=other.port, network="127.0.0.1/32", uses=frozenset({Use.TELL}), plain_http=True
        )
        self.platform.sources.allow(GUARD, target, "三级联动")

    def send(self, other: Node, kind: str, body: dict[str, Any], subject: str = "") -> Letter:
        with self.platform.db.begin() as tx:
            return self.platform.letters.send(tx, other.id, kind, body, subject=subject)

    def post(self) -> int:
        return self.platform.letters.post_due()

    def post_until(self, done: Callable[[], object]) -> int:
        """Post until something holds, and return how many letters were answered; what a slow machine cut off goes again a minute later."""
        answered = [self.post()]

        def again() -> bool:
            if not done():
                self.clock.advance(timedelta(minutes=1))
                answered.append(self.post())
            return bool(done())

        until(again)
        return sum(answered)

    def posted(self, count: int) -> None:
        """Post until so many of the letters that wait are answered, and see that no more were."""
        before = self.waiting()
        assert self.post_until(lambda: self.waiting() <= before - count) == count

    def waiting(self) -> int:
        """Return how many letters wait to be posted, to whomever."""
        return self.platform.letters.page(AUDITOR, ways=(Way.OUT,), states=(LetterState.WAITING,))[1]

    def letter(self, other: Node, letter: Letter, way: Way = Way.OUT) -> Letter:
        return self.platform.letters.letter(AUDITOR, other.id, way, letter.id)

    def states(self, other: Node, way: Way = Way.OUT) -> list[LetterState]:
        found, _ = self.platform.letters.page(AUDITOR, other.id, (way,))
        return [one.state for one in reversed(found) if not one.kind.startswith("node.")]

    def evidence(self, action: str) -> list[tuple[str, str]]:
        """Return target and body of the records of one action, oldest first."""
        with self.platform.db.read() as connection:
            query = text("SELECT target, body FROM evidence_record WHERE action = :action ORDER BY sequence")
            return [(row.target, row.body) for row in connection.execute(query, {"action": action})]

    def close(self) -> None:
        self.down()
        self.platform.close()


def linked(above: Node, below: Node) -> None:
    """Link two nodes as their administrators would."""
    above.reaches(below)
    below.reaches(above)
    invitation = str(above.platform.nodes.invite(GUARD, below.id, Bearing.BELOW))
    below.platform.nodes.accept(GUARD, invitation, below.platform.nodes.look(GUARD, invitation).shown.token)
    above.platform.nodes.confirm(GUARD, below.id, above.platform.nodes.link(GUARD, below.id).shown.token)
    above.posted(1)


def region_and_city(folder: Path) -> tuple[Node, Node]:
    """Return the region and a city below it, not linked yet, under one clock."""
    clock = FixedClock(datetime(2026, 6, 1, 4, tzinfo=UTC))
    return Node(folder / "region", Identity("NM"), clock), Node(folder / "city", Identity("NM-1502"), clock)


def reads_into(node: Node, seen: list[Any], kind: str = "test.note") -> None:
    """Have a node read letters of a kind and keep what they say."""
    node.platform.letters.reads(kind, lambda _, letter: seen.append(letter.body["n"]))


def body_of(number: int = 1, **changed: Any) -> bytes:
    letter = {
        "id": f"ltr_{number:020d}",
        "number": number,
        "kind": "test.note",
        "subject": "test.note",
        "written_at": "2026-06-01T04:00:00+00:00",
        "body": {"n": number},
    }
    return canonical({"letters": [{**letter, **changed}]}).encode()


def knock(city: Node, region: Node, body: bytes, **told: Any) -> httpx.Response:
    """Post to the region as the city would, or as somebody who pretends to."""
    at = told.get("at", city.clock.now())
    envelope = Envelope.over(
        told.get("purpose", "letters"),
        (told.get("sender", city.id), told.get("receiver", region.id)),
        at,
        told.get("nonce", "0123456789abcdef"),
        told.get("signed", body),
    )
    with city.platform.db.read() as connection:
        own = NodeStore(connection).identity()
    assert own is not None
    header = told.get("header") or city.platform.nodes._parts.keys.sign(own.key, envelope)
    return httpx.post(f"{region.url}/api/v1/federation/letters", content=body, headers={NOTE_HEADER: header})


__all__ = [
    "AUDITOR",
    "BODY",
    "GUARD",
    "PUBLISHER",
    "STEWARD",
    "SYSTEM",
    "Node",
    "body_of",
    "knock",
    "linked",
    "reads_into",
    "region_and_city",
]
