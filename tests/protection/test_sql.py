"""The SQL gateway against the corpus: nothing hidden comes out, nothing falls over, honest queries work."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from beijiang.kit import ANONYMOUS, BeijiangError, Denied, Refused, Throttled, Unauthenticated
from beijiang.protection.models.walls import parse, unknown_entries
from beijiang.protection.service import governor

sys.path.insert(0, str(Path(__file__).parent))
from sql_corpus import HEAVY, HOSTILE, LEGITIMATE

if TYPE_CHECKING:
    from conftest import House

MARKER = "MARKER_5f3a_不可泄露"
FIRMS, PEOPLE = "企业登记信息", "人口库"


@pytest.fixture
def bureau(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """One released table, one hidden one, and marker files and variables all around."""
    house.write_firms(100)
    house.write_people(50)
    house.publish(FIRMS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marker.csv").write_text(f"a,b\n{MARKER},1\n", "utf-8")
    monkeypatch.setenv("BEIJIANG_MARKER", MARKER)
    monkeypatch.setattr(governor, "FAILURES", 10_000)
    return house


def secrets(house: House) -> set[str]:
    hidden = {MARKER}
    for row in house.people(50):
        hidden |= {row["公民身份号码"], row["姓名"], row["银行卡号"], row["联系电话"]}
    for row in house.firms(100):
        hidden |= {row["法定代表人"], row["法定代表人证件号码"]}
        if row["统一社会信用代码"].startswith("92"):
            hidden.add(row["统一社会信用代码"])
    return hidden


def told(house: House, sql: str) -> tuple[str, str]:
    """Return how a statement ended, and everything that came out of it."""
    try:
        result = house.sql.run(house.analyst, sql, "语料")
    except BeijiangError as error:
        return error.reason, f"{error.text.zh} {error.text.en} {error.detail} {error.__cause__} {error.__context__}"
    return "answered", " ".join([*result.columns, str(result.rows.to_pydict())])


@pytest.mark.threat("TM-03")
def test_the_parser_has_every_node_that_is_listed() -> None:
    assert unknown_entries() == ()


@pytest.mark.threat("TM-05")
def test_a_text_that_makes_the_parser_try_for_years_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    deep = "SELECT " + "DATE (" * 25 + "1" + ")" * 25  # 2 to the power of 25 readings without a bound
    with pytest.raises(Refused) as refused:
        parse(deep)
    assert refused.value.reason == "sql_not_allowed"
    shallow = "SELECT " + "CAST(" * 20 + "1" + " AS DECIMAL(10, 2))" * 20
    assert parse(shallow).sql("duckdb").count("CAST") == 20
    for secret in (f"CREATE SECRET s (TYPE s3, SECRET '{MARKER}')", f"EXECUTE p('{MARKER}')"):
        with pytest.raises(Refused):
            parse(secret)
    assert MARKER not in caplog.text


@pytest.mark.threat("TM-03")
def test_the_corpus_is_as_large_as_it_was() -> None:
    assert sum(map(len, HOSTILE.values())) >= 210
    assert len(HOSTILE) >= 13


@pytest.mark.threat("TM-03")
def test_nothing_hidden_comes_out(bureau: House, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lake = bureau.lake.snapshot(FIRMS).files[0]
    hidden = secrets(bureau)
    before = sorted(path.name for path in tmp_path.iterdir())
    for kind, statement in ((kind, one) for kind, statements in HOSTILE.items() for one in statements):
        sql = statement.replace("{file}", "marker.csv").replace("{lake}", lake)
        ending, output = told(bureau, sql)
        leaked = [secret for secret in hidden if secret in output.replace(sql, "")]
        assert not leaked, (ending, statement)
        assert str(bureau.settings.home) not in output, statement
        if ending == "answered":
            assert kind == "filters on masks and error oracles", (statement, output[:300])
        else:
            assert ending in {"sql_not_allowed", "query_failed", "query_memory", "query_timeout", "query_unbound"}, (
                ending,
                statement,
            )
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not [secret for secret in hidden if secret in caplog.text]


@pytest.mark.threat("TM-03")
def test_unknown_and_hidden_tables_get_one_answer(bureau: House) -> None:
    answers = {told(bureau, f'SELECT * FROM "{name}"') for name in (PEOPLE, "没有的表", "lake.t0", "marker.csv")}
    assert len(answers) == 1


@pytest.mark.threat("TM-05")
def test_a_query_without_end_meets_a_limit_outside_this_process(bureau: House) -> None:
    object.__setattr__(bureau.settings, "query_seconds", 2.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for sql in HEAVY:
        ending, _ = told(bureau, sql)
        assert ending in {"query_timeout", "query_memory", "query_failed"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert told(bureau, "SELECT 1")[0] == "answered"


def test_honest_queries_work(bureau: House) -> None:
    for sql in LEGITIMATE:
        result = bureau.sql.run(bureau.analyst, sql)
        assert result.rows.num_rows > 0, sql
        assert result.receipt


def test_answers_are_right(bureau: House) -> None:
    answer = bureau.sql.run(
        bureau.analyst, f"SELECT 盟市 AS c, sum(注册资本) AS s FROM {FIRMS} GROUP BY c ORDER BY c NULLS LAST"
    )
    expected: dict[Any, float] = {}
    for row in bureau.firms(100):
        expected[row["盟市"]] = expected.get(row["盟市"], 0) + (row["注册资本"] or 0)
    assert dict(zip(*answer.rows.to_pydict().values(), strict=True)) == expected
    masked = bureau.sql.run(bureau.analyst, f"SELECT DISTINCT 法定代表人 AS n FROM {FIRMS}").rows.to_pydict()["n"]
    assert all(name.endswith("**") and len(name) == 3 for name in masked)


def test_a_cut_answer_says_so(bureau: House) -> None:
    object.__setattr__(bureau.settings, "query_rows", 10)
    answer = bureau.sql.run(bureau.analyst, f"SELECT * FROM {FIRMS}")
    assert (answer.rows.num_rows, answer.truncated) == (10, True)
    assert not bureau.sql.run(bureau.analyst, f"SELECT * FROM {FIRMS} LIMIT 10").truncated


@pytest.mark.threat("TM-26")
def test_the_right_to_ask_comes_before_the_text(bureau: House) -> None:
    for sql in ("SELECT 1", "not sql at all (("):
        with pytest.raises(Unauthenticated):
            bureau.sql.run(ANONYMOUS, sql)
        for actor in (bureau.member, bureau.system_admin, bureau.audit, bureau.security):
            with pytest.raises(Denied):
                bureau.sql.run(actor, sql)


def test_reads_by_sql_leave_receipts_with_the_digest_of_the_text(bureau: House) -> None:
    answer = bureau.sql.run(bureau.analyst, f"SELECT count(*) FROM {FIRMS}", "统计")
    record = bureau.evidence.find(answer.receipt)
    assert record is not None
    assert (record.target, record.purpose, record.actor_id) == (FIRMS, "统计", bureau.analyst.id)
    assert len(str(record.detail["sql_sha256"])) == 64


@pytest.mark.threat("TM-04")
def test_failing_queries_are_counted_because_an_error_is_an_answer(
    bureau: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governor, "FAILURES", 3)
    for _ in range(3):
        assert told(bureau, f"SELECT CAST(企业名称 AS INT) FROM {FIRMS}")[0] == "query_failed"
    with pytest.raises(Throttled) as refused:
        bureau.sql.run(bureau.analyst, "SELECT 1")
    assert refused.value.reason == "sql_failures"
    assert bureau.sql.run(bureau.reviewer, "SELECT 1").rows.num_rows == 1


def test_case_is_folded_as_the_engine_folds_it(house: House) -> None:
    house.write_firms(10, table="Firms")
    assert house.sql.run(house.steward, "SELECT count(*) AS n FROM fIRMS").rows.to_pydict() == {"n": [10]}
    with pytest.raises(Refused):
        house.sql.run(house.steward, "SELECT * FROM fırms")
