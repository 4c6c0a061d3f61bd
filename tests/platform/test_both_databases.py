"""One datum through the whole house, on SQLite and on PostgreSQL: handed in, graded, catalogued, opened, read, proved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.catalog import OpenType, ResourceEdit, SearchQuery, ShareMethod, ShareType
from beijiang.ingest import IngestRequest, RunState
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, NotFound
from beijiang.settings import Settings
from beijiang.tables import Exit

ROWS = (
    "站点编号,站点名称,盟市,联系电话,日期,读数\n"
    "0001,甲站,呼和浩特市,15400000001,2026-01-02,12.5\n"
    "0002,乙站,包头市,15400000002,2026年1月3日,7\n"
    "0003,丙站,赤峰市,15400000003,2026.1.4,３.25\n"
    + "".join(f"{n:04},第{n}站,通辽市,1540000{n:04},20260105,{n}\n" for n in range(4, 10))
    + "0010,丁站,赤峰市,15400000010,2026.1.4,3.25,多余\n"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    changes = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}
    built = build(Settings.for_tests(tmp_path, **changes))
    built.first_start()
    built.start()
    yield built
    built.close()


def _person(platform: Platform, login: str, role: Role, org: str) -> Actor:
    platform.access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role})))
    return platform.access.actor_for_person(login)


def test_one_datum_through_the_whole_house(whole: Platform, tmp_path: Path) -> None:
    steward = _person(whole, "steward", Role.STEWARD, "environment")
    reviewer = _person(whole, "reviewer", Role.BUREAU_REVIEWER, "bigdata")
    publisher = _person(whole, "publisher", Role.BUREAU_PUBLISHER, "bigdata")
    file = tmp_path / "站点.csv"
    file.write_bytes(ROWS.encode("gb18030"))

    landed = whole.ingest.land(steward, file, file.name, "environment")
    request = IngestRequest(files=(landed.sha256,), into="监测站点", org_id="environment", key=("站点编号",))
    run = whole.ingest.wait(steward, whole.ingest.submit(steward, request))
    assert run.state is RunState.COMMITTED, run.error
    assert (run.report["read"], run.report["good"], run.report["bad"]) == (10, 9, 1)

    with pytest.raises(NotFound):
        whole.tables.open(ANONYMOUS, "监测站点", "look", Exit.ROW_API)
    resource = whole.catalog.resource_for_table("监测站点")
    assert resource is not None
    edit = ResourceEdit(
        name="环境监测站点",
        summary="全区环境监测站点的位置与最近读数。",
        categories=("211001",),
        share_type=ShareType.UNCONDITIONAL,
        share_method=ShareMethod.SERVICE,
        open_type=OpenType.UNCONDITIONAL,
        open_items=("站点编号", "站点名称", "盟市", "日期", "读数"),
        licence="CC-BY-4.0",
        update_cycle="2",
        contact="监测科",
    )
    whole.catalog.edit(steward, resource.id, edit)
    whole.catalog.submit(steward, resource.id)
    whole.catalog.approve(reviewer, resource.id)
    whole.catalog.publish(publisher, resource.id)

    assert [hit.id for hit in whole.catalog.search(ANONYMOUS, SearchQuery(text="监测站")).hits] == [resource.id]
    governed = whole.tables.open(ANONYMOUS, "监测站点", "look", Exit.ROW_API)
    assert "联系电话" not in [column.name for column in governed.columns]
    rows = governed.page(limit=10).rows.to_pylist()
    assert len(rows) == 9
    assert sorted((r["站点编号"], str(r["日期"])) for r in rows)[:3] == [
        ("0001", "2026-01-02"),
        ("0002", "2026-01-03"),
        ("0003", "2026-01-04"),
    ]
    answer = whole.sql.run(steward, 'SELECT count(*) AS n FROM "监测站点"', purpose="count")
    assert answer.rows.to_pylist() == [{"n": 9}]

    whole.catalog.withdraw(publisher, resource.id, "测试撤回")
    with pytest.raises(NotFound):
        whole.tables.open(ANONYMOUS, "监测站点", "look", Exit.ROW_API)
    report = whole.evidence.check()
    assert report.ok, report.problems
    assert report.records > 10
