"""Every batch of a stream ends with a certificate, and a whole table is held against the messages that were landed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

import nursery
from beijiang.evidence import EvidenceQuery
from beijiang.ingest import BenchQuery, Certificate, Stream, Verdict
from beijiang.ingest.service.stream_proof import batch_proved
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import SYSTEM
from beijiang.tables import FILE_COLUMN
from waiting import until

from .conftest import COLUMNS, Site
from .test_console import CSRF, steward

__all__ = ["steward"]

Plant = Callable[[pa.Table], pa.Table]


def reading(n: int, /, **changes: Any) -> dict[str, Any]:
    return {"sensor": f"s{n % 5}", "at": f"2026-11-25 08:{n // 60:02d}:{n % 60:02d}", "t": n / 4, "n": n, **changes}


def send(site: Site, stream: Stream, messages: list[Any], rows: int) -> None:
    """Post messages as one batch of its own and wait until it is certified."""
    before = len(site.platform.streams.certificates(SYSTEM, stream.id))
    assert site.post(stream, messages).status_code == 202
    until(lambda: len(site.platform.streams.certificates(SYSTEM, stream.id)) > before)
    assert site.count(stream.table) == rows


def files(site: Site, stream: Stream) -> list[Path]:
    return [Path(f) for f in site.platform.tables._lake.snapshot(stream.table).files]


def plant(site: Site, stream: Stream, change: Plant, number: int = 0) -> Callable[[], None]:
    """Change rows in a file of the lake behind the platform's back; return what puts them back."""
    path = files(site, stream)[number]
    kept, schema = path.read_bytes(), pq.read_schema(path)
    mode = path.stat().st_mode
    path.chmod(0o600)
    pq.write_table(change(pq.read_table(path)).cast(schema), path)

    def back() -> None:
        path.write_bytes(kept)
        path.chmod(mode)

    return back


def verdict(proof: Certificate) -> tuple[Verdict, list[Any]]:
    body: Any = proof.body
    return proof.verdict, [(d["kind"], d["key"], d["columns"]) for d in body["differences"]]


def lose(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.not_equal(rows["序号"], 3))


def double(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows, rows.filter(pc.equal(rows["序号"], 3))])


def alter(rows: pa.Table) -> pa.Table:
    warmer = pa.array(
        [str(100 if n == 3 else t) for n, t in zip(rows["序号"].to_pylist(), rows["温度"].to_pylist(), strict=True)]
    )
    return rows.set_column(rows.schema.get_field_index("温度"), "温度", warmer.cast(rows.schema.field("温度").type))


PLANTED = [
    (lose, "missing", []),
    (double, "doubled", []),
    (alter, "altered", ["温度"]),
]


@pytest.fixture(scope="module")
def plain(site: Site) -> Iterator[Stream]:
    """A stream without a key: two batches, of which the first has two messages that do not fit."""
    stream = site.add("核对", columns=COLUMNS)
    send(site, stream, [*map(reading, range(8)), reading(8, n="x"), reading(9, t="warm")], 8)
    send(site, stream, [reading(n) for n in range(10, 20)], 18)
    yield stream
    site.platform.streams.pause(SYSTEM, stream.id)


@pytest.fixture(scope="module")
def keyed(site: Site) -> Iterator[Stream]:
    """A stream with a key: some messages overtake others, in their own batch and in an earlier one."""
    stream = site.add("核对主键", columns=COLUMNS, key=("序号",))
    send(site, stream, [*map(reading, range(8)), reading(2, t=50), reading(2, t=51)], 8)
    send(site, stream, [reading(5, t=52), *map(reading, range(20, 30))], 18)
    yield stream
    site.platform.streams.pause(SYSTEM, stream.id)


def test_a_batch_is_certified_with_the_account_of_its_messages(site: Site, plain: Stream, keyed: Stream) -> None:
    second, first = site.platform.streams.certificates(SYSTEM, plain.id)
    body: Any = first.body
    assert (first.verdict, second.verdict) == (Verdict.EXPLAINED, Verdict.EQUAL)
    assert (body["source"]["rows"], body["set_aside"], body["overtaken"], body["held"]["rows"]) == (10, 2, 0, 8)
    assert (body["source"]["deliveries"], body["source"]["segments"]) == (1, 1)
    second, first = site.platform.streams.certificates(SYSTEM, keyed.id)
    body = first.body
    assert (first.verdict, second.verdict) == (Verdict.EQUAL, Verdict.EQUAL)
    assert (body["source"]["rows"], body["set_aside"], body["overtaken"], body["held"]["rows"]) == (10, 0, 2, 8)
    assert second.body["held"]["rows"] == 11, "it speaks of its own rows only, however many the table holds"  # type: ignore[index, call-overload]
    assert first.run_id is not None
    assert site.platform.sources.certificate(SYSTEM, first.run_id) == first
    assert first in site.platform.sources.certificates(SYSTEM)
    told = site.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="ingest.certify", target=keyed.table))
    assert {r.detail["certificate"] for r in told.records} == {first.id, second.id}
    assert site.platform.evidence_reader.check(SYSTEM).ok


@pytest.mark.parametrize(("change", "kind", "columns"), PLANTED)
def test_what_was_planted_in_the_lake_is_found_by_its_place(
    site: Site, plain: Stream, change: Plant, kind: str, columns: list[str]
) -> None:
    calm = site.platform.streams.verify(SYSTEM, plain.id)
    assert verdict(calm) == (Verdict.EXPLAINED, [])
    assert (calm.body["set_aside"], calm.body["held"]["rows"]) == (2, 18)  # type: ignore[index, call-overload]
    back = plant(site, plain, change)
    found = site.platform.streams.verify(SYSTEM, plain.id)
    back()
    assert verdict(found) == (Verdict.DIFFERENT, [(kind, ["核对 1.ndjson", "4"], columns)])
    assert verdict(site.platform.streams.verify(SYSTEM, plain.id)) == (Verdict.EXPLAINED, [])


@pytest.mark.parametrize(("change", "kind", "columns"), PLANTED)
def test_what_was_planted_in_a_table_with_a_key_is_found_by_it(
    site: Site, keyed: Stream, change: Plant, kind: str, columns: list[str]
) -> None:
    assert verdict(site.platform.streams.verify(SYSTEM, keyed.id)) == (Verdict.EQUAL, [])
    holder = next(i for i, f in enumerate(files(site, keyed)) if 3 in pq.read_table(f)["序号"].to_pylist())
    back = plant(site, keyed, change, holder)
    found = site.platform.streams.verify(SYSTEM, keyed.id)
    back()
    assert verdict(found) == (Verdict.DIFFERENT, [(kind, ["3"], columns)])


@pytest.mark.parametrize("change", [lose, double, alter])
@pytest.mark.parametrize("with_key", [False, True])
def test_the_certificate_of_a_batch_finds_it_too(
    site: Site, plain: Stream, keyed: Stream, change: Plant, *, with_key: bool
) -> None:
    stream = keyed if with_key else plain
    (path, *_) = [f for f in files(site, stream) if 3 in pq.read_table(f)["序号"].to_pylist()]
    staged = site.platform.settings.home / "staging" / "staged.parquet"
    pq.write_table(pq.read_table(path), staged)
    tags = sorted(set(pq.read_table(staged)[FILE_COLUMN].to_pylist()))
    version = site.platform.tables.get(SYSTEM, stream.table).version

    def proof() -> Verdict:
        return batch_proved(
            site.platform.tables, SYSTEM, stream, segments=[], staged=[staged], tags=tags, version=version,
            counts={"read": 8, "bad": 0, "duplicates": 0}, columns=[c["name"] for c in COLUMNS],
        ).verdict  # fmt: skip

    assert proof() is Verdict.EQUAL
    back = plant(site, stream, change, files(site, stream).index(path))
    found = proof()
    back()
    staged.unlink()
    assert found is Verdict.DIFFERENT


def test_a_row_that_no_message_made_is_found(site: Site, plain: Stream) -> None:
    def stray(rows: pa.Table) -> pa.Table:
        one = rows.slice(0, 1)
        place = one.schema.get_field_index(FILE_COLUMN)
        return pa.concat_tables([rows, one.set_column(place, FILE_COLUMN, pa.array(["f" * 64]))])

    back = plant(site, plain, stray)
    found = site.platform.streams.verify(SYSTEM, plain.id)
    back()
    assert verdict(found) == (Verdict.DIFFERENT, [("extra", ["核对"], [])])


def test_landed_messages_that_were_damaged_are_told(site: Site, plain: Stream) -> None:
    with site.platform.db.read() as connection:
        segment = StreamStore(connection).segments(plain.id, 0, 1)[0]
    path = site.platform.ingest.landing.path(segment.sha256)
    kept = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(kept.replace(b"s3", b"s4"))
    found = site.platform.streams.verify(SYSTEM, plain.id)
    path.write_bytes(kept)
    assert found.verdict is Verdict.DIFFERENT
    assert ("damaged", ["核对 1.ndjson"], []) in verdict(found)[1]


@pytest.mark.parametrize("key", [(), ("序号",)])
def test_segments_are_read_again_as_they_were_read(site: Site, key: tuple[str, ...]) -> None:
    """Options change, a mended row comes, the table is rolled back and filled again: all of it is explained."""
    name = f"改列{len(key)}"
    stream = site.add(name, columns=COLUMNS, key=key)
    send(site, stream, [reading(1, note="a"), reading(2, t="hot"), reading(3, note="c")], 2)
    more = [*COLUMNS, {"name": "备注", "path": "note"}]
    site.platform.streams.change(SYSTEM, stream.id, {"columns": more})
    until(lambda: (s := site.platform.streams._attendant.served(stream.id)) and len(s.options.columns) == 5)  # type: ignore[union-attr]
    until(lambda: site.post(stream, b"").status_code not in {409, 503})
    send(site, stream, [reading(4, note="d"), reading(1, note="e", t=9)], 3 if key else 4)
    first = site.platform.streams.verify(SYSTEM, stream.id)
    assert verdict(first) == (Verdict.EXPLAINED, [])
    assert first.body["columns_left_out"] == (["备注"] if key else [])
    run = next(r for r in site.runs(name) if r.report["bad"])
    site.platform.bench.correct(SYSTEM, run.id, 0, {"温度": "7"})
    replay = site.platform.bench.replay(SYSTEM, BenchQuery(table=name))
    until(lambda: site.platform.ingest.run(SYSTEM, replay).ended)
    mended = site.platform.streams.verify(SYSTEM, stream.id)
    assert (verdict(mended), mended.body["from_elsewhere"]) == ((Verdict.EXPLAINED, []), 1)
    site.platform.tables.rollback(SYSTEM, name, 1, "试验")
    until(lambda: (site.platform.streams.stream(SYSTEM, name).trouble or {}).get("code") == "rolled_back")
    back = site.platform.streams.verify(SYSTEM, stream.id)
    assert (back.verdict, back.body["waiting"]) == (Verdict.EXPLAINED, 1)
    before = len(site.platform.streams.certificates(SYSTEM, stream.id))
    site.platform.streams.start(SYSTEM, stream.id)
    until(lambda: len(site.platform.streams.certificates(SYSTEM, stream.id)) > before)
    again = site.platform.streams.verify(SYSTEM, stream.id)
    assert (verdict(again), again.body["waiting"]) == ((Verdict.EXPLAINED, []), 0)
    site.platform.streams.pause(SYSTEM, stream.id)


def test_at_every_door(site: Site, keyed: Stream, steward: TestClient) -> None:
    head = {"Authorization": f"Bearer {site.keys['runner']}"}
    asked = site.http.post(f"/api/v1/streams/{keyed.id}/verify", headers=head)
    assert asked.status_code == 202
    job = asked.json()["id"]
    done = until(
        lambda: (j := site.http.get(f"/api/v1/verifications/{job}", headers=head).json())["state"] == "done" and j
    )
    assert done["result"]["verdict"] == "equal"
    found = site.http.get(f"/api/v1/streams/{keyed.id}/certificates", headers=head).json()["certificates"]
    assert (found[0]["id"], found[0]["run"], found[0]["sync"]) == (done["result"]["certificate"], None, keyed.id)
    other = {"Authorization": f"Bearer {site.keys['other']}"}
    assert site.http.post(f"/api/v1/streams/{keyed.id}/verify", headers=other).status_code in {403, 404}

    place = f"/console/streams/{keyed.id}"
    page = steward.get(place, headers={"Accept": "text/html"}).text
    assert "核对证明" in page
    assert "按已落盘的消息逐条核对" in page
    assert "被同主键的后一条取代" in page
    token = CSRF.search(page)
    assert token is not None
    origin = {"Origin": "https://testserver", "Accept": "text/html"}
    before = len(site.platform.streams.certificates(SYSTEM, keyed.id))
    assert steward.post(f"{place}/verify", data={"_csrf": token[1]}, headers=origin).headers["location"] == place
    until(lambda: len(site.platform.streams.certificates(SYSTEM, keyed.id)) > before)
    assert until(lambda: steward.get(f"{place}/verification").headers.get("hx-refresh")) == "true"
    run = next(c.run_id for c in site.platform.streams.certificates(SYSTEM, keyed.id) if c.run_id)
    assert f'href="{place}"' in steward.get(f"/console/runs/{run}", headers={"Accept": "text/html"}).text

    home = str(site.platform.settings.home)
    command = [sys.executable, "-m", "beijiang.cli", "--home", home, "--json", "streams"]
    done = nursery.run([*command, "verify", keyed.name])
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["verdict"] == "equal"
    listed = nursery.run([*command, "certificates", keyed.name], check=True)
    assert len(json.loads(listed.stdout)) == before + 2
