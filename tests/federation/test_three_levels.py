"""Region, city and county: what one tells travels one step at a time, and nobody hears what is not for him. On both databases."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beijiang.federation import Identity, LetterState
from beijiang.federation.store import NodeStore
from beijiang.kit import Conflict, FixedClock, NotFound
from beijiang.outbound import Target, Use
from linked import AUDITOR, GUARD, Node, linked, reads_into
from waiting import until

MORNING = datetime(2026, 6, 1, 4, tzinfo=UTC)
BANNER = Identity("NM-1502-150221", "土默特右旗", "Tumd Right Banner", 3, "150221")


@pytest.fixture
def three(tmp_path: Path) -> Iterator[tuple[Node, Node, Node]]:
    """A region, a city and a banner, each linked with the next."""
    clock = FixedClock(MORNING)
    made = [Node(tmp_path / one.node_id, one, clock) for one in (Identity("NM"), Identity("NM-1502"), BANNER)]
    region, city, banner = made
    linked(region, city)
    linked(city, banner)
    yield region, city, banner
    for node in made:
        node.close()


def test_a_letter_goes_on_to_the_next_level_in_the_transaction_that_read_it(three: tuple[Node, Node, Node]) -> None:
    region, city, banner = three
    reads_into(region, seen := [])

    def pass_on(tx: Any, letter: Any) -> None:
        city.platform.letters.send(tx, region.id, letter.kind, letter.body)

    city.platform.letters.reads("test.note", pass_on)
    region.down()
    banner.send(city, "test.note", {"n": 1})
    banner.posted(1)
    assert city.post() == 0, "the region is away; the city keeps what it has to pass on"
    assert seen == []
    region.up()
    city.clock.advance(city.platform.nodes.link(AUDITOR, region.id).next_at - city.clock.now())
    city.posted(1)
    assert seen == [1]
    with pytest.raises(NotFound):
        banner.send(region, "test.note", {"n": 2})


def test_what_is_ended_above_goes_on_below(three: tuple[Node, Node, Node]) -> None:
    region, city, banner = three
    reads_into(city, seen := [])
    region.platform.nodes.end(GUARD, city.id, "撤并")
    region.posted(1)
    banner.send(city, "test.note", {"n": 1})
    banner.posted(1)
    assert seen == [1]
    with pytest.raises(Conflict):
        city.send(region, "test.note", {"n": 2})


def test_a_node_that_hangs_holds_up_no_other(three: tuple[Node, Node, Node]) -> None:
    region, city, banner = three
    reads_into(region, up := [])
    reads_into(banner, down := [])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = Target(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            network="127.0.0.1/32",
            uses=frozenset({Use.TELL}),
            plain_http=True,
        )
        city.platform.sources.allow(GUARD, target, "不应答")
        with city.platform.db.begin() as tx:
            NodeStore(tx.connection).change_link(banner.id, url=f"http://127.0.0.1:{target.port}")
        city.send(region, "test.note", {"n": 1})
        held = city.send(banner, "test.note", {"n": 2})
        posting = threading.Thread(target=city.post)
        posting.start()
        line, _ = silent.accept()
        with line:
            until(lambda: up)
            assert posting.is_alive(), "the one that hangs is still waited for"
        posting.join()
    assert (up, down) == ([1], [])
    assert city.letter(banner, held).state is LetterState.WAITING
    assert city.platform.nodes.link(AUDITOR, banner.id).failures == 1


def test_on_postgresql_two_processes_read_and_post_each_letter_once(tmp_path: Path, postgres_url: str) -> None:
    clock = FixedClock(MORNING)
    region = Node(tmp_path / "region", Identity("NM"), clock, database_url=postgres_url)
    city = Node(tmp_path / "city", Identity("NM-1502"), clock)
    try:
        linked(region, city)
        reads_into(region, up := [])
        reads_into(city, down := [])
        for number in range(30):
            city.send(region, "test.note", {"n": number})
            region.send(city, "test.note", {"n": number})
        posts = [threading.Thread(target=node.post) for node in (city, region)]
        for one in posts:
            one.start()
        for one in posts:
            one.join()
        assert (up, down) == ([*range(30)], [*range(30)])
        assert city.states(region) == [LetterState.READ] * 30
        assert region.states(city) == [LetterState.READ] * 30
    finally:
        region.close()
        city.close()
