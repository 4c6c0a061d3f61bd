"""Records of persons and firms are matched: who is found, by what, with which weights, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beijiang.engine.linking import Linked, Linker, LinkPlan, Weights
from beijiang.fusion import LEVELS, Likeness, MatchBlock, MatchField, MatchModel, legal_entities, population
from beijiang.fusion.models.levels import comparison
from beijiang.fusion.models.matchers import link_plan
from beijiang.kit import BeijiangError, Text
from beijiang.recipes import Places
from beijiang.settings import Settings
from beijiang.standards import Standards

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import people

LABEL = Text("字段", "field")


@pytest.fixture(scope="module")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linker]:
    home = tmp_path_factory.mktemp("linking")
    yield Linker(Settings.for_tests(home))
    assert not list((home / "home" / "tmp" / "linking").iterdir()), "a link leaves nothing behind"


@pytest.fixture(scope="module")
def places() -> Places:
    return Places.of(Standards().regions())


@pytest.fixture(scope="module")
def crowd() -> pa.Table:
    return people.records(2_500, noise=0.15, seed=11)


@pytest.fixture(scope="module")
def plan(places: Places) -> LinkPlan:
    return replace(link_plan(population(), places), training_pairs=100_000)


@pytest.fixture(scope="module")
def linked(linker: Linker, crowd: pa.Table, plan: LinkPlan) -> Linked:
    return linker.link(crowd, plan)


def persons(crowd: pa.Table) -> Mapping[str, str]:
    return dict(zip(crowd["record"].to_pylist(), crowd["person"].to_pylist(), strict=True))


def f1(found: pa.Table, who: Mapping[str, str], least: float) -> tuple[float, float, float]:
    """Return precision, recall and their harmonic mean of the pairs from a probability on."""
    pairs = [row for row in found.to_pylist() if row["probability"] >= least]
    right = sum(who[row["left"]] == who[row["right"]] for row in pairs)
    sizes: dict[str, int] = {}
    for person in who.values():
        sizes[person] = sizes.get(person, 0) + 1
    wanted = sum(n * (n - 1) // 2 for n in sizes.values())
    precision, recall = right / len(pairs), right / wanted
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_people_are_found_and_households_stay_apart(linked: Linked, crowd: pa.Table) -> None:
    model, who = population(), persons(crowd)
    assert linked.trained
    assert linked.records == crowd.num_rows
    precision, recall, both = f1(linked.pairs, who, 0.5)
    assert (precision > 0.97, recall > 0.97, both > 0.98) == (True, True, True), (precision, recall, both)
    assert f1(linked.pairs, who, model.certain)[0] > 0.99, "what is joined without a person's judgement is right"
    assert linked.pairs["left"].to_pylist() == sorted(linked.pairs["left"].to_pylist())
    assert all(row["left"] < row["right"] for row in linked.pairs.to_pylist())


def test_the_same_rows_give_the_same_pairs_and_kept_weights_judge_alike(
    linker: Linker, crowd: pa.Table, plan: LinkPlan, linked: Linked, tmp_path: Path
) -> None:
    half = crowd.num_rows // 2
    files = []
    for place, part in enumerate((crowd.slice(half), crowd.slice(0, half))):  # other order, in files
        files.append(tmp_path / f"{place}.parquet")
        pq.write_table(part, files[-1])
    steps: list[str] = []
    again = linker.link(files, plan, step=steps.append)
    assert again.weights == linked.weights
    assert again.pairs.equals(linked.pairs)
    assert steps == ["prepare", "block", "train", "score"] == list(again.seconds)
    kept = Weights.of_dict(linked.weights.as_dict())
    assert kept == linked.weights
    given = linker.link(crowd, plan, weights=kept)
    assert not given.trained
    assert given.pairs.equals(linked.pairs)


def test_only_pairs_with_a_new_record_are_looked_at(
    linker: Linker, crowd: pa.Table, plan: LinkPlan, linked: Linked
) -> None:
    new = set(crowd["record"].to_pylist()[::9])
    added = linker.link(crowd, plan, new=new, weights=linked.weights)
    expected = [row for row in linked.pairs.to_pylist() if row["left"] in new or row["right"] in new]
    found = added.pairs.to_pylist()
    assert [(r["left"], r["right"], r["probability"]) for r in found] == [
        (r["left"], r["right"], r["probability"]) for r in expected
    ]
    assert 0 < added.compared < linked.compared / 2


def test_blocks_are_explained_before_and_after(linker: Linker, crowd: pa.Table, plan: LinkPlan, linked: Linked) -> None:
    before = linker.explain(crowd, plan)
    assert before == linked.blocks
    assert [block.name for block in before] == [block.name for block in population().blocks]
    assert sum(block.added for block in before) == linked.compared
    assert all(block.pairs > 0 and block.added <= block.pairs and block.largest > 1 for block in before)
    tight = replace(plan, blocks=tuple(replace(block, most=2) for block in plan.blocks))
    cut = linker.explain(crowd, tight)
    assert sum(block.skipped for block in cut) > 0
    assert sum(block.pairs for block in cut) < sum(block.pairs for block in before)
    with pytest.raises(BeijiangError) as caught:
        linker.link(crowd, replace(plan, most_pairs=1_000))
    assert caught.value.reason == "too_many_pairs"


def test_a_pair_is_explained_by_bars_that_add_up(linked: Linked) -> None:
    weights = linked.weights
    for row in linked.pairs.slice(0, 50).to_pylist():
        bars = weights.waterfall(row, row["probability"])
        assert [bar.field for bar in bars[:7]] == ["prior", *(one.field for one in weights.fields)]
        assert bars[0].weight < 0
        assert abs(sum(bar.weight for bar in bars) - bars[-1].total) < 1e-9
        assert abs(bars[-1].probability - row["probability"]) < 0.01
    by_level = {(one.field, level.level): level for one in weights.fields for level in one.levels}
    assert by_level["name", "exact"].bayes > by_level["name", "same_sound"].bayes > 1
    assert by_level["id_number", "exact"].weight > 10
    assert by_level["id_number", "different"].weight < -20
    assert by_level["sex", "exact"].weight < 1.5
    by_name = {bar.weight for row in linked.pairs.to_pylist() for bar in weights.waterfall(row, row["probability"])[7:]}
    assert min(by_name) < -1, "a name that many have says less"
    assert len({round(weight) for weight in by_name}) > 2, "how much less depends on how many have it"


def rows(values: list[dict[str, Any]], fields: tuple[MatchField, ...]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in ("record", "source", *(field.name for field in fields))])
    filled = [{"source": "登记", **dict.fromkeys(schema.names[2:]), **row} for row in values]
    return pa.Table.from_pylist(filled, schema)


def test_few_records_are_judged_by_the_weights_that_a_model_starts_with(linker: Linker, plan: LinkPlan) -> None:
    twins = [people.Registrar(seed, 0).number("150102", date(2010, 1, 1), 1) for seed in (1, 2)]
    home = "内蒙古自治区呼和浩特市新城区中山路12号3号楼2单元501室"
    one = {"name": "巴特尔", "birth": "1980-05-06", "phone": "13847101234", "address": home, "sex": "1"}
    people_ = rows(
        [
            {"record": "a", "id_number": "11010519491231002X", **one},
            {"record": "b", "id_number": "11010519491231002x", **one, "name": "巴特儿"},
            # Twins of one household, and a father with his son: as like as people can be who are not one.
            {"record": "t1", "id_number": twins[0], **one, "name": "王建国", "birth": "2010-01-01"},
            {"record": "t2", "id_number": twins[1], **one, "name": "王建军", "birth": "2010-01-01"},
            {"record": "f", "id_number": None, **one, "name": "王大军", "birth": "1984-01-01"},
        ],
        population().fields,
    )
    found = linker.link(people_, replace(plan, floor=1e-9))
    assert not found.trained
    judged = {(row["left"], row["right"]): row["probability"] for row in found.pairs.to_pylist()}
    assert judged["a", "b"] > 0.99
    assert {pair for pair, probability in judged.items() if probability > 0.5} == {("a", "b")}


def test_firms_are_found_under_other_names_and_branches_stay_apart(linker: Linker, places: Places) -> None:
    model = legal_entities()
    code, other = "91350100M000100Y43", "91110000802100433B"
    address = "包头市昆都仑区钢铁大街8号"
    firm = {"representative": "王建国", "founded": "2010-03-04", "phone": "0472-5123456", "address": address}
    given = rows(
        [
            {"record": "1", "name": "包头市宏达商贸有限公司", "credit_code": code, **firm},
            {"record": "2", "name": "宏達商貿有限責任公司", "credit_code": "9135O1OOM000100Y43", **firm, "phone": None},
            {"record": "3", "name": "包头市宏达商贸有限公司", "credit_code": None, **firm},
            {"record": "4", "name": "呼和浩特市宏达商贸有限公司", "credit_code": other, "founded": "2019-01-01"},
        ],
        model.fields,
    )
    found = linker.link(given, replace(link_plan(model, places), floor=1e-9)).pairs.to_pylist()
    judged = {(row["left"], row["right"]): row["probability"] for row in found}
    assert min(judged["1", "2"], judged["1", "3"]) > 0.98, judged
    assert judged.get(("1", "4"), 0.0) < 0.5, judged


def test_sources_that_hold_nobody_twice_are_paired_with_others_only(
    linker: Linker, crowd: pa.Table, plan: LinkPlan, linked: Linked
) -> None:
    source = dict(zip(crowd["record"].to_pylist(), crowd["source"].to_pylist(), strict=True))
    found = linker.link(crowd, replace(plan, across=True), weights=linked.weights)
    assert found.pairs.num_rows > 0
    assert all(source[row["left"]] != source[row["right"]] for row in found.pairs.to_pylist())


def test_what_cannot_be_linked_is_refused_with_a_reason(
    linker: Linker, crowd: pa.Table, plan: LinkPlan, tmp_path: Path
) -> None:
    def reason(**changed: Any) -> str:
        with pytest.raises(BeijiangError) as caught:
            linker.link(**{"records": crowd, "plan": plan, **changed})
        assert "SELECT" not in str(caught.value)
        return str(caught.value.reason)

    assert reason(records=pa.concat_tables([crowd, crowd.slice(0, 1)])) == "record_repeated"
    assert reason(records=[tmp_path / "none.parquet"]) == "data_unavailable"
    assert reason(records=crowd.drop_columns(["phone"])) == "query_failed"
    assert reason(seconds=0.02) == "query_timeout"

    def cancel(step: str) -> None:
        if step == "train":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        linker.link(crowd, plan, step=cancel)


def test_a_model_says_what_is_wrong_with_it_and_survives_being_kept() -> None:
    for model in (population(), legal_entities()):
        assert MatchModel.of_dict(model.as_dict()) == model
    used = {"missing", "different"}
    for likeness in Likeness:
        field = MatchField("it", likeness, LABEL)
        used |= {level.name for level in comparison(field, {"it": field}).levels}
    assert used == set(LEVELS), "each level has a name on the page, and no other has"
    name = MatchField("name", Likeness.PERSON_NAME, LABEL)
    block = MatchBlock("b", ("name.plain",), LABEL)
    good = MatchModel((name,), (block,), (("name.plain",),))
    wrong: list[dict[str, Any]] = [
        {"fields": ()},
        {"fields": (name, name)},
        {"fields": (replace(name, name="Name; --"),)},
        {"fields": (replace(name, name="record"),)},
        {"fields": (replace(name, unless="phone"),)},
        {"blocks": ()},
        {"blocks": (block, block)},
        {"blocks": (replace(block, parts=("name.county",)),)},
        {"blocks": (replace(block, parts=()),)},
        {"training": (("phone.digits",),)},
        {"sure": (("name",),)},
        {"grey": 0.99, "certain": 0.9},
        {"recall": 0.0},
    ]
    for change in wrong:
        with pytest.raises(BeijiangError) as caught:
            replace(good, **change)
        assert caught.value.reason == "match_model", change
