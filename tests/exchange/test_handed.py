"""Grants and pushes as lineage sees them: nodes with edges of columns, as of a moment, hidden from others, as events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from exchange_bureau import Bureau
from push_bureau import KEY, MONEY, Far, end_all

from beijiang.exchange import Item, Way
from beijiang.kit import SYSTEM
from beijiang.lineage import Direction, Kind
from beijiang.outbound import Target, Use
from beijiang.protection import Handling
from handed import published, shown


@pytest.fixture
def far(bureau: Bureau, postgres_url: str) -> Iterator[Far]:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    if folder not in {one.folder for one in bureau.platform.sources.targets(SYSTEM)}:
        bureau.platform.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "目标库的套接字")
    yield Far(bureau, engine, {"host": folder, "database": url.database, "user": url.username, "tls": "off"})
    end_all(bureau)
    engine.dispose()


def test_a_grant_and_its_push_are_nodes_while_they_last(far: Far) -> None:
    bureau, lineage = far.bureau, far.bureau.platform.lineage
    items = (Item(KEY, Handling.AS_IS), Item(MONEY, Handling.AS_IS), Item("盟市", Handling.MASKED))
    far.publish(5, ways=frozenset({Way.PUSH}), items=items)
    push, table, grant = far.add(), far.table, far.grant
    assert grant is not None
    bureau.platform.db.deliver_waiting()
    graph = lineage.graph(SYSTEM, table, direction=Direction.DOWN)
    assert shown(graph) - published("exchange", {"登记": table}) == set()  # precision
    assert published("exchange", {"登记": table}) - shown(graph) == set()  # recall
    links = {node.kind: (node.name, node.link) for node in graph.nodes}
    assert links[Kind.GRANT] == (bureau.platform.access.organisation(grant.org_id).name_zh, grant.id)
    assert links[Kind.PUSH] == (push.name, push.id)
    seen = lineage.graph(bureau["steward"], table, direction=Direction.DOWN)
    assert links[Kind.GRANT] in {(node.name, node.link) for node in seen.nodes}
    told, _ = lineage.events(SYSTEM)
    outputs = {event["outputs"][0]["name"] for event in told if event["eventType"] == "COMPLETE"}
    assert {f"exchange/grants/{grant.id}", f"exchange/pushes/{push.id}"} <= outputs

    before = bureau.clock.now()
    bureau.clock.at += timedelta(minutes=1)
    bureau.exchange.revoke(SYSTEM, grant.id, "测试")
    bureau.platform.db.deliver_waiting()
    assert shown(lineage.graph(SYSTEM, table, direction=Direction.DOWN)) == set()
    assert shown(lineage.graph(SYSTEM, table, direction=Direction.DOWN, at=before)) == shown(graph)


def test_a_grant_that_ends_by_its_date_leaves_the_graph_that_day(bureau: Bureau) -> None:
    lineage, dispatched = bureau.platform.lineage, bureau.platform.dispatcher.watchers[-1]
    until = bureau.today + timedelta(days=3)
    grant = bureau.granted(KEY, until=until)
    bureau.platform.db.deliver_waiting()
    address = f"grant:exchange://grants/{grant.id}"
    began = bureau.clock.at

    def there() -> bool:
        return address in {node.id for node in lineage.graph(SYSTEM, grant.table, direction=Direction.DOWN).nodes}

    assert there()
    dispatched()
    bureau.clock.at += timedelta(days=3)
    dispatched()
    assert there(), "its last day"
    bureau.clock.at += timedelta(days=1)
    dispatched()
    assert not there()
    bureau.clock.at = began
    bureau.end_all()
