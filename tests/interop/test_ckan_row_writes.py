"""Rows that a CKAN client writes: a busy queue holds no page up, nothing that was not said is changed, and nothing is half done."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from ckan_writer import Writer

from beijiang.kit import SYSTEM
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interop_region import Region

MANY = 45
"""More than the threads that all pages share."""


@pytest.fixture(scope="module")
def writer(region: Region) -> Writer:
    made = Writer(region)
    made.platform.ckan.hand_ins.rows.intake.patience = 120.0
    return made


@pytest.fixture(scope="module", autouse=True)
def held_work(region: Region) -> Iterator[threading.Event]:
    """Teach the platform a kind of work that ends when it is told to."""
    free = threading.Event()
    free.set()

    def wait(job: Any, arguments: Any) -> None:
        del job, arguments
        free.wait(300)

    jobs = region.bureau.platform.jobs
    jobs.register("test.held", wait)
    jobs.start_worker()
    yield free
    free.set()
    jobs.stop()


@contextmanager
def busy(writer: Writer, free: threading.Event) -> Iterator[None]:
    """Occupy every worker for as long as this lasts."""
    platform = writer.platform
    free.clear()
    held = [platform.jobs.submit(SYSTEM, "test.held", {"n": n}) for n in range(platform.settings.workers)]
    until(lambda: all(job.state.value == "running" for job in platform.jobs.several(SYSTEM, held)))
    try:
        yield
    finally:
        free.set()


def test_writes_that_wait_for_a_busy_queue_hold_no_page_up(writer: Writer, held_work: threading.Event) -> None:
    entry = writer.entry("设施登记")
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=[{"编号": "A"}])

    def write(n: int) -> int:
        return writer.ask("datastore_upsert", resource_id=entry, records=[{"编号": f"K{n}"}]).status_code

    with ThreadPoolExecutor(MANY) as pool:
        with busy(writer, held_work):
            asked = [pool.submit(write, n) for n in range(MANY)]
            until(lambda: len([run for run in writer.platform.ingest.runs(writer.steward) if not run.ended]) >= 8)
            seen = [httpx.get(f"{writer.region.base}/datasets", timeout=30, trust_env=False) for _ in range(5)]
            assert [one.status_code for one in seen] == [200] * 5
            assert not any(one.done() for one in asked)
        assert [one.result() for one in asked] == [200] * MANY
    assert len(writer.rows(entry)) == MANY + 1


def test_what_is_not_done_in_time_is_answered_with_its_run_and_taken_in_later(
    writer: Writer, held_work: threading.Event
) -> None:
    entry = writer.entry("慢慢入库")
    writer.act("datastore_create", resource={"package_id": entry}, primary_key=["编号"], records=[{"编号": "A"}])
    writer.platform.ckan.hand_ins.rows.intake.patience = 0.2
    with busy(writer, held_work):
        told = writer.ask("datastore_upsert", resource_id=entry, records=[{"编号": "B"}])
        assert (told.status_code, told.json()["success"]) == (202, True)
        run = told.json()["result"]["run"]
        assert run["state"] == "queued"
        assert all(run["id"] in words for words in told.json()["result"]["message"])
    writer.platform.ckan.hand_ins.rows.intake.patience = 120.0
    until(lambda: writer.platform.ingest.run(writer.steward, run["id"]).ended)
    until(lambda: sorted(row["编号"] for row in writer.rows(entry)) == ["A", "B"])


def test_an_upsert_neither_empties_a_column_nor_makes_one(writer: Writer) -> None:
    entry = writer.entry("停车设施")
    rows = [{"编号": f"A{n}", "位置": f"区{n}", "车位": n} for n in range(3)]
    fields = [{"id": "编号"}, {"id": "备注"}]
    writer.act("datastore_create", resource={"package_id": entry}, fields=fields, primary_key=["编号"], records=rows)
    for sent, reason in (
        ({"编号": "A1", "车位": 99}, "column_not_sent"),
        ({"编号": "A1", "位置": "x", "车位": 9, "备注": "", "车 位": 9}, "unknown_column"),
    ):
        whole = {"编号": "A2", "位置": "新区", "车位": 5, "备注": "修"}
        assert writer.refused("datastore_upsert", resource_id=entry, records=[whole, sent]) == (409, reason)
    before = {row["编号"]: (row["位置"], row["车位"], row["备注"]) for row in writer.rows(entry)}
    assert before == {f"A{n}": (f"区{n}", n, None) for n in range(3)}
    changed = {"编号": "A1", "位置": None, "车位": 99, "备注": "修"}
    writer.act("datastore_upsert", resource_id=entry, records=[changed])
    assert next(row for row in writer.rows(entry) if row["编号"] == "A1") == changed


def test_an_insert_may_lack_a_column_and_makes_none(writer: Writer) -> None:
    entry = writer.entry("读数登记")
    writer.act("datastore_create", resource={"package_id": entry}, records=[{"时刻": "2026-01-01", "值": 1}])
    strange = {"时刻": "2026-01-02", "值": 1, "直": 1}
    asked = {"resource_id": entry, "method": "insert"}
    assert writer.refused("datastore_upsert", **asked, records=[strange]) == (409, "unknown_column")
    writer.act("datastore_upsert", **asked, records=[{"时刻": "2026-01-02"}])
    assert [row["值"] for row in writer.rows(entry)].count(None) == 1


def test_an_entry_is_bound_to_no_table_that_was_not_made(region: Region, writer: Writer) -> None:
    entry = writer.entry("待定登记")
    asked = {"resource": {"package_id": entry}, "primary_key": ["编号"]}
    lacking = Writer(region, "ingest:file:land")
    assert lacking.ask("datastore_create", **asked, records=[{"编号": "1"}]).status_code == 403
    assert writer.table(entry) is None
    bad = [{"编号": "1"}, {"编号": ""}]
    assert writer.refused("datastore_create", **asked, records=bad) == (409, "run_stopped")
    assert writer.table(entry) is None
    writer.act("datastore_create", **asked, records=[{"编号": "1"}])
    assert writer.table(entry) == "待定登记"


def test_equal_rows_that_are_inserted_twice_are_two_rows(writer: Writer, held_work: threading.Event) -> None:
    entry = writer.entry("无主键读数")
    row = {"时刻": "2026-01-01", "值": 1}
    writer.act("datastore_create", resource={"package_id": entry}, records=[row])
    asked = {"resource_id": entry, "method": "insert", "records": [row]}
    writer.act("datastore_upsert", **asked)
    assert len(writer.rows(entry)) == 2
    writer.platform.ckan.hand_ins.rows.intake.patience = 0.2
    with busy(writer, held_work):
        told = [writer.ask("datastore_upsert", **asked) for _ in range(2)]
        assert [one.status_code for one in told] == [202, 202]
    writer.platform.ckan.hand_ins.rows.intake.patience = 120.0
    runs = {one.json()["result"]["run"]["id"] for one in told}
    assert len(runs) == 2
    until(lambda: all(writer.platform.ingest.run(writer.steward, run).ended for run in runs))
    until(lambda: [one["值"] for one in writer.rows(entry)] == [1] * 4)


def test_what_is_of_another_kind_than_it_has_to_be_is_refused_by_name(writer: Writer) -> None:
    entry = writer.entry("写错的参数")
    right = {"resource": {"package_id": entry}, "records": [{"编号": "1"}]}
    for name, value in (
        *(("fields", value) for value in (5, "5", "x", True, {"id": "编号"}, [5], [{"id": 5}], [{"id": " "}], [{}])),
        *(("records", value) for value in (5, "5", {"编号": "1"}, [5], '[{"编号": "\\ud800"}]')),
        *(("primary_key", value) for value in (5, {"a": 1}, [{}], "没有")),
    ):
        told = writer.ask("datastore_create", **{**right, name: value})
        assert (told.status_code, name in told.json()["error"]) == (409, True), (name, value, told.text)
    for resource in (5, "x", [], {"package_id": 5}):
        assert writer.ask("datastore_create", **{**right, "resource": resource}).status_code == 409
    for method in (5, [], {}):
        asked = {"resource_id": entry, "records": [{"编号": "1"}], "method": method}
        assert writer.ask("datastore_upsert", **asked).status_code == 409
    assert writer.table(entry) is None
