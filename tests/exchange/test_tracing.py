"""Files that got out: traced to their hand-over through deletions, lost and renamed columns and mixtures; honest where they cannot be."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import typer
from exchange_bureau import AT, Bureau, People, firms
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.engine.port import AT as PLACE
from beijiang.engine.port import PART
from beijiang.exchange import Traced, Way
from beijiang.exchange.commands import add_tracing
from beijiang.kit import SYSTEM, Denied, Invalid, Language
from beijiang.protection import files, marking
from beijiang.tables import Exit, Filter, FilterOp

CAPITAL, CITY, NAME = "注册资本", "盟市", "企业名称"
LIST = "溯源清单"
ROWS = 400
PLAIN = files.DownloadOrder(form=files.DownloadFormat.CSV)


@pytest.fixture(scope="module")
def listed(region: Bureau) -> str:
    return region.publish(LIST, ROWS).id


@pytest.fixture
def handed(bureau: Bureau, listed: str) -> dict[str, Any]:
    """Three hand-overs of the same rows: two to one department, one to another."""
    bureau.granted(CAPITAL, CITY, resource=listed, ways=frozenset({Way.FILE}))
    bureau.granted(CAPITAL, CITY, by="banner", resource=listed, ways=frozenset({Way.FILE}), impact="跨层级评估")
    return {login: taken(bureau, login) for login in ("consumer", "colleague", "banner")}


def taken(bureau: Bureau, login: str, order: files.DownloadOrder = PLAIN) -> tuple[str, bytes]:
    made = bureau.exchange.file(bureau[login], LIST, order)
    return made.receipt, b"".join(made.content)


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def trace(bureau: Bureau, content: bytes) -> Any:
    return bureau.platform.tracing.trace(bureau["lead"], content)


def receipts(report: Any) -> list[str]:
    return [one.mark.receipt for one in report.suspects]


def test_no_value_is_changed_and_rows_stay_near_their_place(bureau: Bureau, handed: dict[str, Any]) -> None:
    natural = [row["企业名称"] for row in firms(ROWS)]
    orders = {}
    for login, (_, content) in handed.items():
        head, *rows = rows_of(content)
        assert sorted(row[head.index(NAME)] for row in rows) == sorted(natural)
        assert {(row[head.index(NAME)], float(row[head.index(CAPITAL)])) for row in rows} == {
            (firm["企业名称"], float(firm["注册资本"])) for firm in firms(ROWS)
        }
        orders[login] = [natural.index(row[head.index(NAME)]) for row in rows]
        assert all(abs(place - at) < marking.BLOCK for at, place in enumerate(orders[login]))
    assert len({tuple(order) for order in orders.values()}) == 3, "even one department's two files differ"


def test_every_form_of_file_is_traced(bureau: Bureau, handed: dict[str, Any]) -> None:
    for form in files.DownloadFormat:
        receipt, content = taken(bureau, "consumer", files.DownloadOrder(form=form))
        report = trace(bureau, content)
        assert receipts(report)[0] == receipt, form
        assert report.suspects[0].how is Traced.ORDER
        assert report.suspects[0].confidence > 0.999999
        assert report.known == ROWS
    receipt, content = taken(
        bureau, "consumer", files.DownloadOrder(form=files.DownloadFormat.CSV, encoding=files.DownloadEncoding.GB18030)
    )
    assert receipts(trace(bureau, content))[0] == receipt


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_half_the_rows_and_renamed_columns_are_enough(
    bureau: Bureau, handed: dict[str, Any], share: float, seed: int
) -> None:
    pick = random.Random(seed)  # noqa: S311 - test data
    for receipt, content in handed.values():
        head, *rows = rows_of(content)
        kept = [row for row in rows if pick.random() < share]
        names = [f"列{n}" for n in range(len(head))]
        report = trace(bureau, written([names, *kept]))
        assert receipts(report) == [receipt]
        assert report.suspects[0].confidence > 0.999


def test_dropped_columns_are_borne_while_rows_can_be_known(bureau: Bureau, handed: dict[str, Any]) -> None:
    receipt, content = handed["banner"]
    head, *rows = rows_of(content)
    one = head.index(CAPITAL)
    report = trace(bureau, written([["x"], *([row[one]] for row in rows[::2])]))
    assert receipts(report) == [receipt]
    city = head.index(CITY)
    report = trace(bureau, written([["x"], *([row[city]] for row in rows)]))
    assert receipts(report) == []
    assert "无法判定" in report.words.zh


def test_a_mixture_names_all_it_is_made_of(bureau: Bureau, handed: dict[str, Any]) -> None:
    (first, one), (second, other) = handed["consumer"], handed["banner"]
    head, *rows = rows_of(one)
    _, *others = rows_of(other)
    names = {row[0] for row in rows[: len(rows) // 2]}
    halves = [row for row in rows if row[0] in names] + [row for row in others if row[0] not in names]
    report = trace(bureau, written([head, *halves]))
    assert set(receipts(report)) == {first, second}
    assert "混合" in report.words.zh
    whole = trace(bureau, written([head, *rows, *others]))
    assert set(receipts(whole)) == {first, second}


def test_it_says_so_when_it_cannot_tell(bureau: Bureau, handed: dict[str, Any]) -> None:
    receipt, content = handed["consumer"]
    head, *rows = rows_of(content)
    for changed in (sorted(rows), random.Random(3).sample(rows, len(rows)), rows[:4]):  # noqa: S311
        report = trace(bureau, written([head, *changed]))
        assert receipts(report) == []
        assert "无法判定" in report.words.zh
    strangers = trace(bureau, written([["a", "b"], ["1", "无关"], ["2", "无关"]]))
    assert (receipts(strangers), strangers.known) == ([], 0)
    said = written([[f"# 回执 Receipt {receipt}"], head, *sorted(rows)])
    report = trace(bureau, said)
    assert [(one.mark.receipt, one.how, one.confidence) for one in report.suspects] == [(receipt, Traced.NAMED, 0.0)]
    assert "不能印证" in report.words.zh
    for broken in (b"", b"\x00\x01", b"PK\x03\x04", b"PAR1xx", b"[1", b"\xff\xfe\xff"):
        with pytest.raises(Invalid):
            trace(bureau, broken)


def test_what_was_had_without_a_grant_accuses_nobody(bureau: Bureau, handed: dict[str, Any]) -> None:
    """Rows in their natural order, as the owner has them, and marks of everybody else compared with them."""
    names = [[firm["企业名称"], str(firm["注册资本"])] for firm in firms(ROWS)]
    for _ in range(10):
        taken(bureau, "consumer")
    report = trace(bureau, written([["a", "b"], *names]))
    assert receipts(report) == []
    assert report.compared >= 13


def test_a_filtered_file_is_traced_too(bureau: Bureau, handed: dict[str, Any]) -> None:
    order = files.DownloadOrder(form=files.DownloadFormat.CSV, filters=(Filter(CITY, FilterOp.EQ, "包头市"),))
    receipt, content = taken(bureau, "consumer", order)
    report = trace(bureau, content)
    assert receipts(report) == [receipt]


def test_only_who_looks_after_the_table_traces_it(bureau: Bureau, handed: dict[str, Any]) -> None:
    receipt, content = handed["consumer"]
    with pytest.raises(Denied):
        bureau.platform.tracing.trace(bureau["consumer"], content)
    assert receipts(bureau.platform.tracing.trace(bureau["publisher"], content)) == [receipt]
    before = bureau.platform.recalls.versions(bureau["lead"], bureau.platform.catalog.resource_for_table(LIST).id)
    trace(bureau, content)
    after = bureau.platform.recalls.versions(bureau["lead"], bureau.platform.catalog.resource_for_table(LIST).id)
    assert before == after, "tracing hands nothing over"


def test_programs_and_operators_trace(bureau: Bureau, handed: dict[str, Any], tmp_path: Any) -> None:
    receipt, content = handed["consumer"]
    people = People(bureau)
    binary = {"Content-Type": "application/octet-stream"}
    told = people["lead"].post(f"{AT}/trace", content=content, headers=binary)
    assert told.status_code == 200, told.text
    assert [one["receipt"] for one in told.json()["suspects"]] == [receipt]
    assert people["consumer"].post(f"{AT}/trace", content=content, headers=binary).status_code == 403
    terminal.set_style(as_json=True, language=Language.EN)
    group = typer.Typer()
    add_tracing(group, lambda: bureau.platform.tracing, lambda: bureau.platform.access)
    path = tmp_path / "got-out.csv"
    path.write_bytes(content)
    done = CliRunner().invoke(group, [str(path), "--as", "lead"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert receipt in done.output


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.binary(min_size=32, max_size=32), st.booleans())
def test_the_order_keeps_all_rows_whatever_the_batches(sizes: list[int], seed: bytes, whole: bool) -> None:
    schema = pa.schema([("v", pa.int64()), (PART, pa.int64()), (PLACE, pa.int64())])
    places = [(n // 100, n % 100) for n in range(sum(sizes))]
    batches, at = [], 0
    for size in [sum(sizes)] if whole else sizes:
        some = places[at : at + size]
        columns = [range(at, at + size), [p for p, _ in some], [a for _, a in some]]
        batches.append(pa.record_batch([pa.array(list(c), pa.int64()) for c in columns], schema=schema))
        at += size
    found = [v for batch in marking.scattered(iter(batches), seed, range(99)) for v in batch.column("v").to_pylist()]
    assert sorted(found) == list(range(sum(sizes)))
    again = np.asarray([places[v][0] * (1 << 40) + places[v][1] for v in found])
    told = marking.agreement(again, seed)
    assert told.agreeing == told.pairs, "its own key explains the whole order, however it was cut into batches"


@pytest.mark.parametrize("rows", [6, 30, 480])
def test_a_stated_chance_is_never_understated(rows: int) -> None:
    """Over many keys, orders that are not theirs agree no more often than is said of them."""
    pick = np.random.default_rng(5)
    places = np.arange(rows)[pick.random(rows) < 0.7]
    for order in (places, pick.permutation(places), places[::-1]):
        chances = np.array([marking.agreement(order, pick.bytes(32)).chance for _ in range(2500)])
        for stated in (0.3, 0.1, 0.03, 0.01, 0.003):
            assert (chances <= stated).mean() <= stated


def test_the_platform_reads_places_for_itself(bureau: Bureau, listed: str) -> None:
    governed = bureau.platform.gate.open(SYSTEM, LIST, "", Exit.PAGE)
    batch = next(governed.batches(columns=[NAME], places=True))
    assert marking.places_of(batch).tolist() == list(range(ROWS))
