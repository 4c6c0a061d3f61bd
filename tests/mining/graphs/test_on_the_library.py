"""A graph on the base library of legal entities: the golden rows, one for each firm, whatever the registers behind it hold twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "texts"))
from company import HELD_SCHEMA, code, held
from filled_library import filled, registered_by

from beijiang.build import build
from beijiang.kit import SYSTEM, new_id
from beijiang.mining import GraphDraft, Holdings, Subjects
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

HELD = "股东出资"


def test_a_graph_on_the_library_has_each_firm_once(tmp_path: Path) -> None:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    try:
        # The register has the second firm twice, once with its code in full width, as clerks write it.
        wide = code(2).translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)})
        firms = [(f"内蒙古第{n}实业有限公司", code(n)) for n in (1, 2, 3)]
        keeper = filled(platform, [*firms, ("内蒙古第2实业有限公司", wide)], "commerce_admin")
        path = platform.settings.home / "staging" / "held.parquet"
        rows = [held(2, 1, 60.0), held(3, 2, 50.0)]
        pq.write_table(pa.Table.from_pylist(rows, schema=HELD_SCHEMA), path)
        request = CommitRequest(
            table=HELD,
            org_id="bigdata",
            staged=(path,),
            schema=HELD_SCHEMA,
            mode=WriteMode.REPLACE,
            run_id=new_id("run"),
        )
        platform.tables.commit(SYSTEM, request)
        draft = GraphDraft(
            name="法人单位关系图",
            subjects=Subjects(table="法人单位库", key="统一社会信用代码", name="名称"),
            holdings=Holdings(
                table=HELD, held="被投资企业统一社会信用代码", share="持股比例", holder_firm="股东统一社会信用代码"
            ),
        )
        graph = platform.graphs.declare(keeper, draft).id
        (second,) = platform.graphs.find(keeper, graph, "第2实业")
        assert second.ref == code(2), "the golden row, by the repaired code"
        shown = platform.graphs.chain(keeper, graph, code(1))
        assert {one.name: one.share for one in shown.parties[1:]} == {
            "内蒙古第2实业有限公司": pytest.approx(0.6),
            "内蒙古第3实业有限公司": pytest.approx(0.3),
        }
        # One firm takes another name, and one leaves the register: what held before is no party any more.
        registered_by(platform, [("内蒙古第2控股有限公司", code(2)), firms[0]], "commerce_admin")
        platform.fusion.run_now(keeper, platform.fusion.libraries(keeper)[0].id)
        assert [one.name for one in platform.graphs.find(keeper, graph, "第2")] == ["内蒙古第2控股有限公司"]
        summary = platform.graphs.summary(keeper, graph)
        assert (summary.counts["firm"], summary.counts["outside"]) == (2, 1), "the third is no firm of the library now"
    finally:
        platform.close()
