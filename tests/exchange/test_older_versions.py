"""Versions that readers go back to are shown by what was offered with them then, and by what is offered now."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from exchange_bureau import TABLE, Bureau, firms
from fastapi.testclient import TestClient
from share_reader import Recipient, lines, recipient

from agreed import lowered
from beijiang.app import create_app
from beijiang.catalog import ItemEdit, ResourceEdit, ShareType
from beijiang.exchange import RecallDraft, Remedy, Way
from beijiang.kit import SYSTEM, NotFound
from beijiang.protection import Level
from beijiang.tables import Exit, Filter, FilterOp

CAPITAL, CITY, NAME, PHONE = "注册资本", "盟市", "企业名称", "法定代表人电话"
DELTA = frozenset({Way.DELTA, Way.API})


@pytest.fixture(scope="module")
def client(region: Bureau) -> TestClient:
    return TestClient(create_app(region.platform), base_url="http://127.0.0.1:8150")


@pytest.fixture(scope="module")
def reader(region: Bureau, client: TestClient) -> Recipient:
    return recipient(region, "consumer", client)


def republish(bureau: Bureau, resource: str, table: str, **types: ShareType) -> None:
    """Publish a new version of the entry, with a new version of the table."""
    bureau.clock.advance(timedelta(hours=1))
    bureau.write(table, firms(bureau.platform.protection.facts(table).version + 3)[-1:])  # type: ignore[union-attr]
    bureau.platform.db.deliver_waiting()
    items = tuple(
        ItemEdit(
            column=column,
            share_type=kind,
            no_share_basis="条例第八条" if kind is ShareType.NOT_SHARED else None,
            share_condition="按项审批" if kind is ShareType.CONDITIONAL else None,
        )
        for column, kind in types.items()
    )
    catalog = bureau.platform.catalog
    catalog.edit(bureau["steward"], resource, ResourceEdit(items=items, summary=f"修订于 {bureau.clock.at}"))
    catalog.submit(bureau["steward"], resource)
    catalog.approve(bureau["reviewer"], resource)
    catalog.publish(bureau["publisher"], resource)
    bureau.clock.advance(timedelta(hours=1))


def columns(reader: Recipient, table: str, share: str = "unconditional", **body: Any) -> set[str]:
    found = [
        row
        for file in reader.files(share, table, **body)
        for row in pq.read_table(io.BytesIO(reader.fetch(file["url"]).content)).to_pylist()
    ]
    return {name for row in found for name in row}


@pytest.mark.threat("TM-02")
def test_an_older_version_shows_no_column_that_was_closed_then_or_is_closed_now(
    bureau: Bureau, reader: Recipient
) -> None:
    table = "旧版样本"
    resource = bureau.publish(table, 3).id
    republish(bureau, resource, table, 盟市=ShareType.UNCONDITIONAL)
    assert columns(reader, table) == {NAME, CITY}
    assert columns(reader, table, version=1) == {NAME}  # the city was on offer with the second version only
    republish(bureau, resource, table, 盟市=ShareType.CONDITIONAL)
    newest = max(bureau.platform.catalog.releases(resource))
    assert columns(reader, table) == {NAME}
    for version in bureau.platform.catalog.releases(resource):
        assert columns(reader, table, version=version) == {NAME}
    at = reader.at("unconditional", table)
    told = reader.get(f"{at}/changes", params={"startingVersion": 1, "endingVersion": newest})
    assert told.status_code == 200
    for line in lines(told)[2:]:
        found = pq.read_table(io.BytesIO(reader.fetch(line["cdf"]["url"]).content)).column_names
        assert CITY not in found


@pytest.mark.threat("TM-02")
def test_a_recall_gives_readers_no_more_of_the_older_version_than_they_had(bureau: Bureau, reader: Recipient) -> None:
    table = "召回旧版"
    resource = bureau.publish(table, 3).id
    bureau.granted(CITY, resource=resource, ways=DELTA)
    republish(bureau, resource, table, 盟市=ShareType.UNCONDITIONAL)
    assert set(bureau.read("banner", table)[0]) == {NAME, CITY}
    newest = max(bureau.platform.catalog.releases(resource))
    gone = tuple(v for v in bureau.platform.catalog.releases(resource) if v > 1)
    assert newest > 1
    draft = RecallDraft(resource_id=resource, versions=gone, reason="有误", remedy=Remedy.REPLACE)
    bureau.platform.recalls.recall(bureau["lead"], draft)
    assert set(bureau.read("banner", table)[0]) == {NAME}
    assert columns(reader, table) == {NAME}
    assert set(bureau.read("consumer", table)[0]) == {NAME, CITY}  # by the grant, which covers it under both entries


@pytest.mark.threat("TM-02")
def test_an_item_that_was_not_in_the_older_entry_cannot_be_verified_in_it(bureau: Bureau) -> None:
    table = "核验旧版"
    resource = bureau.publish(table, 3).id
    bureau.granted(CAPITAL, CITY, NAME, resource=resource, ways=frozenset({Way.VERIFY}), calls_per_day=50)
    values = {CAPITAL: "0.50", CITY: "呼和浩特市", NAME: "内蒙古第0商贸有限公司"}
    assert bureau.platform.gate.verify(bureau["consumer"], table, values, "supervision").match
    republish(bureau, resource, table, 盟市=ShareType.NOT_SHARED)
    with pytest.raises(NotFound):
        bureau.platform.gate.verify(bureau["consumer"], table, values, "supervision")


@pytest.mark.threat("TM-02")
def test_rows_kept_back_then_stay_kept_back_in_the_older_version(bureau: Bureau, reader: Recipient) -> None:
    table = "行规旧版"
    resource = bureau.publish(table, 6).id
    protection = bureau.platform.protection
    rule = protection.restrict(SYSTEM, table, (Filter(NAME, FilterOp.NE, "内蒙古第0商贸有限公司"),), reason="核查中")
    republish(bureau, resource, table)
    protection.lift(SYSTEM, rule.id, "核查结束")

    def names(**body: Any) -> set[str]:
        files = reader.files("unconditional", table, **body)
        return {
            name
            for file in files
            for name in pq.read_table(io.BytesIO(reader.fetch(file["url"]).content)).column(NAME).to_pylist()
        }

    assert "内蒙古第0商贸有限公司" in names()
    assert "内蒙古第0商贸有限公司" not in names(version=1)


def test_a_grade_that_was_lowered_since_lowers_nothing_in_the_older_version(bureau: Bureau) -> None:
    table = "定级旧版"
    protection, gate = bureau.platform.protection, bureau.platform.gate
    bureau.write(table, firms(3))
    bureau.platform.db.deliver_waiting()
    protection.correct(SYSTEM, table, CITY, level=Level.L2, reason="涉及敏感区域")
    items = (
        ItemEdit(column=NAME, share_type=ShareType.UNCONDITIONAL),
        ItemEdit(column=CITY, share_type=ShareType.UNCONDITIONAL),
        ItemEdit(column=PHONE, share_type=ShareType.NOT_SHARED, no_share_basis="个人信息保护法第13条"),
    )
    resource = bureau.publish(table, 3, items=items).id
    first = min(bureau.platform.catalog.releases(resource))
    lowered(protection, SYSTEM, table, CITY, level=Level.L1, reason="复核后降级")
    republish(bureau, resource, table)

    def masked(version: int | None) -> bool:
        governed = gate.open(bureau["banner"], table, "supervision", Exit.DELTA, version)
        return next(c.masked for c in governed.columns if c.name == CITY)

    assert not masked(None)
    assert masked(first)


def test_nothing_else_changed_for_the_newest_version(bureau: Bureau) -> None:
    bureau.granted(CAPITAL)
    release = bureau.platform.catalog.released(TABLE)
    assert release is not None
    assert release.then is None
    assert set(bureau.read("consumer")[0]) == {NAME, CAPITAL}
