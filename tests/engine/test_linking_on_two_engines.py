"""The same plan links the same records alike on DuckDB and over Spark Connect (Sail): pairs, weights, levels, clusters."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.engine.linking import Linked, Linker, LinkPlan
from beijiang.engine.linking.spark import SparkLinker
from beijiang.engine.spark import client
from beijiang.fusion import population
from beijiang.fusion.models.matchers import link_plan
from beijiang.kit import BeijiangError
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
