"""The same platform with its counting on a Spark Connect server: the same facts, and rows still from the gate."""

from __future__ import annotations

import hashlib
import math
import sys
from pathlib import Path

from beijiang.quality import Kind, Outcome, Severity

sys.path.insert(0, str(Path(__file__).parent))
from quality_bureau import GOOD_CODES, Bureau, firm


def test_rules_are_counted_on_the_cluster_and_rows_are_shown_by_the_gate(distributed: Bureau) -> None:
    bureau = distributed
    assert bureau.platform.counting is not bureau.platform.engine
    rows = [firm(n) for n in range(20)]
    rows[3]["盟市"], rows[5]["统一社会信用代码"] = " ", "91350100M000100Y4X"
    bureau.write(rows)
    empty = bureau.add(Kind.NOT_NULL, "盟市", severity=Severity.CRITICAL)
    check = bureau.add(Kind.CHECK, "统一社会信用代码", params={"algorithm": "uscc"})
    same = bureau.add(Kind.UNIQUE, "统一社会信用代码")
    run = bureau.check()
    found = {f.rule_id: (f.b - f.a, f.b, f.outcome) for f in run.facts if f.rule_id}
    assert found == {
        empty.id: (1, 20, Outcome.FAILED),
        check.id: (1, 20, Outcome.FAILED),
        same.id: (19, 20, Outcome.FAILED),
    }
    shown = bureau.platform.quality.failing(bureau.steward, run.id, empty.id)
    assert shown.rows.column("企业名称").to_pylist() == ["内蒙古第3商贸有限公司"]
    assert {one.draft.kind for one in bureau.platform.quality.suggest(bureau.steward, "企业登记信息")}
    bureau.write([firm(n, 统一社会信用代码=GOOD_CODES[n]) for n in range(4)])
    hold = bureau.platform.quality.report(bureau.steward, "企业登记信息").hold
    assert hold is None
    bureau.write(rows)
    looks = bureau.platform.monitors.look(bureau.steward, "企业登记信息").observations[-1].looks
    assert looks is not None
    place, capital = looks["盟市"], looks["注册资本"]
    parts = [0] * 16
    for row in rows:
        if row["盟市"].strip():
            parts[int(hashlib.md5(row["盟市"].encode(), usedforsecurity=False).hexdigest()[0], 16)] += 1
    assert (place.filled, place.distinct, list(place.shares)) == (19, 3, parts)
    assert (capital.filled, capital.sized) == (20, 20)
    assert capital.logs == round(10_000 * sum(math.log(row["注册资本"]) for row in rows))
