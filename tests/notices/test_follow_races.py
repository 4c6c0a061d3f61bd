"""What is heard of while a subscription is being told is told too, on PostgreSQL, where two write at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from beijiang.db import Database
from beijiang.kit import Language
from beijiang.opendata.follows import Follow, FollowKind, FollowPace, FollowState, FollowWay, Happening
from beijiang.opendata.store.follows import FollowStore
from waiting import until

NOW = datetime(2026, 3, 10, tzinfo=UTC)
ID = "fol_1"


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    opened = Database(postgres_url)
    opened.create_all()
    with opened.begin(counted=False) as tx:
        store = FollowStore(tx.connection)
        store.add(
            Follow(
                id=ID,
                by="per_1",
                kind=FollowKind.DATASET,
                what="ds_1",
                way=FollowWay.WEBHOOK,
                pace=FollowPace.ONCE,
                language=Language.ZH,
                state=FollowState.ACTIVE,
                sealed="",
                lane="host",
                address_digest="",
                code_digest="",
                end_digest="",
                code_until=None,
                attempts=0,
                error="",
                created_at=NOW,
                told_at=None,
                next_at=NOW + timedelta(minutes=5),
                ended_at=None,
            )
        )
        store.add_news([(ID, "ds_1", Happening.ROWS, 1, NOW)])
    yield opened
    opened.close()


def hear(store: FollowStore) -> None:
    store.add_news([(ID, "ds_2", Happening.ROWS, 2, NOW)])
    store.wake({ID: NOW})


def note(store: FollowStore) -> None:
    left = store.told(ID, [("ds_1", Happening.ROWS, 1, NOW)])
    store.change(ID, FollowState.ACTIVE, {"next_at": NOW if left else None})


@pytest.mark.parametrize(("first", "second"), [(hear, note), (note, hear)])
def test_news_heard_while_others_are_told_wait_for_no_further_change(
    database: Database, first: Callable[[FollowStore], None], second: Callable[[FollowStore], None]
) -> None:
    written, go_on = threading.Event(), threading.Event()

    def at_length() -> None:
        with database.begin(counted=False) as tx:
            first(FollowStore(tx.connection))
            written.set()
            go_on.wait(60)

    def meanwhile() -> None:
        with database.begin(counted=False) as tx:
            second(FollowStore(tx.connection))

    def waits() -> bool:
        with database.read() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    threads = [threading.Thread(target=at_length), threading.Thread(target=meanwhile)]
    threads[0].start()
    assert written.wait(60)
    threads[1].start()
    until(lambda: waits() or not threads[1].is_alive())
    go_on.set()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        store = FollowStore(connection)
        found = store.get(ID)
        assert [one[0] for one in store.news(ID, 50)] == ["ds_2"]
    assert found is not None
    assert found.next_at == NOW
