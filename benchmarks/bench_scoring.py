"""Batch scoring through the gate against bare LightGBM on Arrow, in the same run.

    PYTHONPATH=src python benchmarks/bench_scoring.py --rows 5000000

Both sides read the same Parquet files, score with the same trees and threads, and write the score beside the key to Parquet. Ours goes
the whole way besides: decision and receipt, masks and rechecks, features by their views, how far every feature moved, and a
commit to the lake. The bar of issue 7 is 1.3.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report import Line, show

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "mining"))

from asking import OWNER
from learning import Lab

from beijiang.access import Role
from beijiang.build import build
from beijiang.kit import SYSTEM, new_id
from beijiang.mining import Algorithm, Feature, ModelDraft, ScoreDraft, SetDraft, ViewDraft, ViewUse
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

TABLE, SCORED = "评分大表", "评分大表_评分"
NUMBERS = tuple(f"指标{place}" for place in range(10))
PART = 500_000
LEARNED = 200_000
BATCH = 131_072


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=5_000_000)
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--runs", type=int, default=2)
    told = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-scoring-") as folder:
        lab = opened(Path(folder), told.threads)
        try:
            measure(lab, told.rows, told.threads, told.runs)
        finally:
            lab.close()


def opened(folder: Path, threads: int) -> Lab:
    platform = build(Settings.for_tests(folder, public_url="https://testserver", learning_threads=threads))
    platform.first_start()
    lab = Lab(platform)
    lab.hire("judge", OWNER, Role.ORG_REVIEWER)
    return lab


def measure(lab: Lab, rows: int, threads: int, runs: int) -> None:
    files = written(lab.platform.settings.home / "staging", rows)
    schema = pq.read_schema(files[0])
    request = CommitRequest(
        table=TABLE, org_id=OWNER, staged=tuple(files), schema=schema, mode=WriteMode.REPLACE, run_id=new_id("run")
    )
    lab.platform.tables.commit(SYSTEM, request)
    learning, steward = lab.platform.learning, lab["steward"]
    view = learning.declare_view(
        steward,
        ViewDraft(
            name="指标",
            table=TABLE,
            keys=("编号",),
            features=tuple(Feature(name=n, column=n) for n in (*NUMBERS, "行业")),
        ),
    )
    some = (f"序号__lt={LEARNED}",)
    made = learning.make_set_now(
        steward,
        SetDraft(name="样本", table=TABLE, label="结果", positive=("是",), views=(ViewUse(view=view.id),), where=some),
    )
    draft = ModelDraft(name="模型", training_set=made.id, algorithm=Algorithm.BOOSTED_CLASSES, purpose="测速")
    model = learning.train_now(steward, draft)
    learning.submit_model(steward, model.id)
    learning.decide_model(lab["judge"], model.id, approve=True, note="测速")
    plan = learning.plan_scores(steward, ScoreDraft(model=model.id, table=TABLE, keep=("编号",), target=SCORED))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours: list[float] = []
    ours_cpu: list[float] = []
    for _ in range(runs):
        started, spent = time.perf_counter(), time.process_time()
        run = learning.score_now(steward, plan.id)
        ours.append(time.perf_counter() - started)
        ours_cpu.append(time.process_time() - spent)
        assert run.rows == rows
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    content = json.loads((lab.platform.settings.home / "mining" / "models" / f"{model.id}.json").read_bytes())
    target = lab.platform.settings.home / "staging" / "bare.parquet"
    peer: list[float] = []
    peer_cpu: list[float] = []
    for _ in range(runs):
        started, spent = time.perf_counter(), time.process_time()
        bare(content, files, target, threads)
        peer.append(time.perf_counter() - started)
        peer_cpu.append(time.process_time() - spent)
    show(
        f"Scoring {rows:,} rows of {len(NUMBERS) + 1} features with 100 trees, {threads} threads",
        [
            Line("read, score, write", min(ours), "bare LightGBM on Arrow", min(peer), 1.3),
            Line("the same in seconds of the processor", min(ours_cpu), "bare LightGBM on Arrow", min(peer_cpu), 1.3),
            Line("memory that it grew by", grown, "limit", 1500.0, 1.0, "MB"),
        ],
    )


def written(folder: Path, rows: int) -> list[Path]:
    dice = np.random.default_rng(5)
    trades = np.asarray(["商贸", "餐饮", "制造", "物流", "农业"], dtype=object)
    files = []
    for start in range(0, rows, PART):
        many = min(PART, rows - start)
        numbers = {name: dice.normal(size=many) for name in NUMBERS}
        pull = numbers["指标0"] + numbers["指标1"] * numbers["指标2"] + dice.normal(scale=0.5, size=many)
        table = pa.table(
            {
                "编号": pa.array([f"N{number:08d}" for number in range(start, start + many)]),
                "序号": pa.array(np.arange(start, start + many)),
                **numbers,
                "行业": pa.array(trades[dice.integers(0, 5, many)], pa.string()),
                "结果": pa.array(np.where(pull > 1, "是", "否"), pa.string()),
            }
        )
        file = folder / f"big-{start}.parquet"
        pq.write_table(table, file, compression="zstd")
        files.append(file)
    return files


def bare(content: dict[str, Any], files: list[Path], target: Path, threads: int) -> None:
    """Do what a program without any governance does: Arrow in, LightGBM's own Arrow door, Arrow out."""
    import lightgbm
    import pyarrow.compute as pc

    trees = lightgbm.Booster(model_str=content["model"]["trees"])
    listed = pa.array(next(one["values"] for one in content["features"] if "values" in one), pa.string())
    out = None
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(BATCH, columns=["编号", *NUMBERS, "行业"]):
            codes = pc.cast(
                pc.fill_null(pc.index_in(batch.column("行业"), value_set=listed), len(listed)), pa.float64()
            )
            rows = pa.table([*(batch.column(name) for name in NUMBERS), codes], names=[*NUMBERS, "行业"])
            said = trees.predict(rows, num_threads=threads)
            part = pa.record_batch({"编号": batch.column("编号"), "得分": pa.array(said)})
            out = pq.ParquetWriter(target, part.schema, compression="zstd", compression_level=1) if out is None else out
            out.write_batch(part)
    if out is not None:
        out.close()


if __name__ == "__main__":
    main()
