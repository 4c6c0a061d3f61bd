"""The same plan links the same records alike on DuckDB and over Spark Connect (Sail): pairs, weights, levels, clusters."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.build import build
from beijiang.engine.linking import Linked, Linker, LinkPlan, sweep
from beijiang.engine.linking.folder import folder_of_link
from beijiang.engine.linking.spark import SparkLinker, require_writing
from beijiang.engine.spark import client
from beijiang.fusion import population
from beijiang.fusion.models.matchers import link_plan
from beijiang.kit import BeijiangError, Unavailable
from beijiang.recipes import Places
from beijiang.settings import Settings
from beijiang.standards import Standards

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import people


@pytest.fixture(scope="module")
def plan() -> LinkPlan:
    model = link_plan(population(), Places.of(Standards().regions()))
    return replace(model, least_records=200, training_pairs=20_000)


@pytest.fixture(scope="module")
def crowd() -> pa.Table:
    return people.records(400, noise=0.15, seed=7)


@pytest.fixture(scope="module")
def linkers(tmp_path_factory: pytest.TempPathFactory, spark_url: str) -> tuple[Linker, SparkLinker]:
    home = tmp_path_factory.mktemp("linking")
    return Linker(Settings.for_tests(home)), SparkLinker(Settings.for_tests(home, spark_url=spark_url), client)


def clusters(linked: Linked, least: float) -> set[frozenset[str]]:
    """Groups of records that pairs of at least some probability tie together."""
    group: dict[str, set[str]] = {}
    for pair in linked.pairs.to_pylist():
        if pair["probability"] >= least:
            both = group.get(pair["left"], {pair["left"]}) | group.get(pair["right"], {pair["right"]})
            group |= dict.fromkeys(both, both)
    return {frozenset(one) for one in group.values()}


def test_pairs_weights_and_clusters_are_equal(
    linkers: tuple[Linker, SparkLinker], plan: LinkPlan, crowd: pa.Table, tmp_path: Path
) -> None:
    embedded, distributed = linkers
    pq.write_table(crowd, tmp_path / "records.parquet")
    here = embedded.link(crowd, plan)
    there = distributed.link([tmp_path / "records.parquet"], plan)
    assert here.trained
    assert there.trained
    assert (there.records, there.compared, there.blocks) == (here.records, here.compared, here.blocks)
    for mine, theirs in zip(here.weights.fields, there.weights.fields, strict=True):
        assert [level.level for level in theirs.levels] == [level.level for level in mine.levels]
        for one, other in zip(mine.levels, theirs.levels, strict=True):
            assert (other.m, other.u) == (pytest.approx(one.m, rel=1e-4), pytest.approx(one.u, rel=1e-4))
    columns = [name for name in here.pairs.column_names if name != "probability"]
    assert there.pairs.column_names == here.pairs.column_names
    assert there.pairs.select(columns).to_pylist() == here.pairs.select(columns).to_pylist()
    pairs = zip(here.pairs["probability"].to_pylist(), there.pairs["probability"].to_pylist(), strict=True)
    assert all(theirs == pytest.approx(mine, abs=1e-4) for mine, theirs in pairs)
    assert len(clusters(here, 0.9)) > 50
    assert clusters(there, 0.9) == clusters(here, 0.9)


def test_some_new_records_are_judged_by_weights_that_were_kept(
    linkers: tuple[Linker, SparkLinker], plan: LinkPlan, crowd: pa.Table
) -> None:
    embedded, distributed = linkers
    new = crowd["record"].to_pylist()[::7]
    weights = embedded.link(crowd, plan).weights
    here, there = (one.link(crowd, plan, new=new, weights=weights) for one in (embedded, distributed))
    assert (
        there.pairs.select(["left", "right", "block"]).to_pylist()
        == here.pairs.select(["left", "right", "block"]).to_pylist()
    )
    assert all({pair["left"], pair["right"]} & set(new) for pair in there.pairs.to_pylist())
    assert embedded.explain(crowd, plan) == distributed.explain(crowd, plan)


def test_what_cannot_be_linked_is_told_and_nothing_is_left(
    linkers: tuple[Linker, SparkLinker], plan: LinkPlan, crowd: pa.Table
) -> None:
    _, distributed = linkers
    twice = pa.concat_tables([crowd.slice(0, 3), crowd.slice(0, 1)])
    for records, words, reason in (
        (twice, {}, "record_repeated"),
        (crowd, {"seconds": 0.0}, "query_timeout"),
        (crowd.drop_columns(["source"]), {}, "query_failed"),
    ):
        with pytest.raises(BeijiangError) as refused:
            distributed.link(records, plan, **words)  # type: ignore[arg-type]
        assert refused.value.reason == reason
    left = distributed._settings.home / "tmp" / "linking"
    assert not list(left.iterdir())


def test_records_of_a_link_are_ours_alone_and_go_with_a_killed_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_to_all = home / "tmp" / "linking"
    open_to_all.mkdir(0o755, parents=True)
    with folder_of_link(home) as mine:
        words = "import sys; from pathlib import Path; from beijiang.engine.linking.folder import folder_of_link\n"
        words += (
            "with folder_of_link(Path(sys.argv[1])) as f:\n    (f / 'records').touch(); print(f, flush=True); input()"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", words, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with child:
            assert child.stdout is not None
            theirs = Path(child.stdout.readline().strip())
            assert [stat.S_IMODE(one.stat().st_mode) for one in (mine.parent, mine, theirs)] == [0o700] * 3
            assert sweep(home) == 0
            child.kill()
        assert (theirs / "records").exists()
        platform = build(Settings.for_tests(tmp_path))
        try:
            platform.start()
        finally:
            platform.stop()
            platform.close()
        assert not theirs.exists()
        assert mine.exists(), "a link that goes on keeps its folder"
    assert not mine.exists()


def test_a_server_that_cannot_write_there_is_named(spark_url: str, tmp_path: Path) -> None:
    session = client()(spark_url)
    try:
        require_writing(session, tmp_path)
        with pytest.raises(Unavailable) as refused:
            require_writing(session, Path("/proc/nowhere"))
    finally:
        session.stop()
    assert refused.value.reason == "linking_unwritable"
