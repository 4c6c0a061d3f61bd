"""A contract from the first draft to the delivery: made of a table, agreed on by two, counted at each write, announced."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OWNER, Bureau, firm

from beijiang.access import PersonDraft, Role
from beijiang.app import create_app
from beijiang.build import build
from beijiang.contracts import Contract, Edit, State
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Actor, BeijiangError, Conflict, Denied, FixedClock, NotFound
from beijiang.protection.service.files import DownloadFormat, DownloadOrder
from beijiang.quality import Kind, Severity
from beijiang.settings import Settings
from beijiang.tables import Exit

TABLE = "企业登记信息"
EVERYTHING = (Path(__file__).parent / "examples" / "everything.odcs.yaml").read_bytes()


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path_factory.mktemp("contracts")), clock)
    built.first_start()
    built.jobs.start_worker()
    made = Bureau(built, built.settings.home / "staging", clock)
    made.write([firm(n) for n in range(12)])
    built.db.deliver_waiting()
    made.publish()
    yield made
    built.close()


@pytest.fixture(scope="module")
def checker(bureau: Bureau) -> Actor:
    draft = PersonDraft(login="checker", name="checker", org_id=OWNER, roles=frozenset({Role.ORG_REVIEWER}))
    _, code = bureau.platform.access.add_person(SYSTEM, draft)
    fresh = bureau.platform.access.sign_in("checker", code, "tests")
    bureau.platform.access.change_password(fresh.actor, code, "Steppe-under-a-wide-sky-27")
    return bureau.platform.access.actor_for_person("checker")


def refused(what: Any, *arguments: Any, **words: Any) -> str:
    with pytest.raises(BeijiangError) as error:
        what(*arguments, **words)
    return error.value.reason


def evidence(bureau: Bureau, action: str) -> Any:
    return bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action=action, limit=100)).records


def settle(bureau: Bureau) -> None:
    for job in bureau.platform.jobs.jobs(SYSTEM):
        assert bureau.platform.jobs.wait(job.id, timeout=240).ended
    bureau.platform.db.deliver_waiting()


@pytest.fixture(scope="module")
def agreed(bureau: Bureau, checker: Actor) -> Contract:
    """A contract made of the table, completed, proposed by the steward and approved by a reviewer."""
    contracts, steward = bureau.platform.contracts, bureau.steward
    bureau.add(Kind.VOLUME, params={"least": 1})
    made = contracts.make(steward, TABLE)
    assert refused(contracts.make, steward, TABLE) == "table_bound"
    view = contracts.view(steward, made.id)
    assert not view.findings
    assert view.terms.services[0].unit == "d"
    assert view.terms.objects[0].checks[0].metric == "rowCount"
    assert {f.classification for f in view.terms.objects[0].fields} >= {"L1"}
    places = {field.name: n for n, field in enumerate(view.terms.objects[0].fields)}
    steps = Edit(
        put={
            "/version": "1.0.0",
            "/description/usage": "供各部门核验",
            f"/schema/0/properties/{places['统一社会信用代码']}/primaryKey": True,
            f"/schema/0/properties/{places['盟市']}/required": True,
        },
        add=[
            (
                f"/schema/0/properties/{places['盟市']}/quality",
                {
                    "metric": "invalidValues",
                    "arguments": {"validValues": ["包头市", "赤峰市", "呼和浩特市"]},
                    "mustBe": 0,
                },
            ),
            (
                f"/schema/0/properties/{places['企业名称']}/quality",
                {"metric": "missingValues", "mustBeLessThan": 50, "unit": "percent", "severity": "warning"},
            ),
        ],
    )
    edited = contracts.edit(steward, made.id, steps, "补全条款")
    assert (edited.newest.version, edited.newest.state, edited.newest.untouched) == ("1.0.0", State.DRAFT, False)
    assert refused(contracts.approve, checker, made.id) == "contract_state"
    contracts.propose(steward, made.id, "请审核")
    assert refused(contracts.edit, steward, made.id, steps) == "contract_state"
    with pytest.raises(Denied):
        contracts.approve(steward, made.id)
    contracts.send_back(checker, made.id, "请写明主键")
    contracts.propose(steward, made.id, "已写明")
    back = contracts.approve(checker, made.id, "同意")
    settle(bureau)
    assert back.active is not None
    assert back.active.decided_by == checker.id
    assert contracts.file(steward, made.id).decode().count("status: active") == 1
    return back


def test_terms_are_counted_in_the_one_pass_and_hold_a_version_back(bureau: Bureau, agreed: Contract) -> None:
    platform = bureau.platform
    rules = [rule for rule in platform.quality.rules(bureau.steward, TABLE) if rule.contract == agreed.id]
    assert {rule.kind for rule in rules} >= {Kind.COLUMNS, Kind.NOT_NULL, Kind.VALUES, Kind.MISSING, Kind.VOLUME}
    assert refused(platform.quality.retire, bureau.steward, rules[0].id, "不要了") == "rule_of_contract"
    key = next(rule for rule in rules if rule.kind is Kind.UNIQUE)
    assert key.severity is Severity.CRITICAL
    first = platform.quality.runs(bureau.steward, TABLE)[0]
    assert "契约：主键 统一社会信用代码" in {fact.name for fact in first.blocking}  # 12 rows bear 4 codes
    assert platform.contracts.bound(bureau.steward, agreed.id)[0].terms[0].outcome.value == "passed"


def test_a_delivery_names_its_contract_and_what_breaks_it_is_refused(
    bureau: Bureau, agreed: Contract, checker: Actor
) -> None:
    platform, steward = bureau.platform, bureau.steward
    assert refused(platform.tables.open, steward, TABLE, "tests", Exit.DOWNLOAD) == "contract_breached"
    assert platform.tables.open(steward, TABLE, "tests", Exit.PREVIEW).contract == ""
    assert any(entry.detail.get("reason") == "contract_breached" for entry in evidence(bureau, "read"))
    clean = bureau.write([firm(n) for n in range(4)])
    platform.db.deliver_waiting()
    assert bureau.released() == clean.version
    dataset = platform.catalog.resource_for_table(TABLE)
    assert dataset is not None
    file = platform.opendata.download(steward, dataset.id, DownloadOrder(form=DownloadFormat.CSV))
    assert file.contract.startswith(f"{agreed.odcs_id};version=1.0.0;sha256=")
    client = TestClient(create_app(platform), base_url="http://localhost")
    for path in ("rows", "download"):
        answer = client.get(f"/api/v1/datasets/{dataset.id}/{path}")
        assert answer.headers["X-Data-Contract"] == file.contract, answer.text
    broken = bureau.write([firm(n, 盟市="北京市") for n in range(4)])
    platform.db.deliver_waiting()
    assert bureau.released() == clean.version  # readers stay on the version that keeps the contract
    assert any(alert.subject == TABLE for alert in platform.alerts.alerts(steward))
    assert refused(platform.tables.open, steward, TABLE, "tests", Exit.ROW_API) == "contract_breached"
    assert client.get(f"/api/v1/datasets/{dataset.id}/rows").status_code == 200
    with pytest.raises(Denied):
        platform.quality.release(checker, TABLE, broken.version, "先用着")
    platform.quality.release(bureau.reviewer, TABLE, broken.version, "急用，已告知各部门")
    platform.db.deliver_waiting()
    assert bureau.released() == broken.version
    assert platform.tables.open(steward, TABLE, "tests", Exit.ROW_API).contract
    narrow = {"rows": [{"企业名称": "甲"}], "schema": pa.schema([("企业名称", pa.string())])}
    with pytest.raises(Conflict) as stopped:
        bureau.write(**narrow)
    shape = bureau.write(**narrow, accept_plan=stopped.value.detail["plan"]["token"])
    platform.db.deliver_waiting()
    run = platform.quality.runs(steward, TABLE)[0]
    assert run.version == shape.version
    columns = next(fact for fact in run.facts if fact.name == "契约：列与类型")
    assert (columns.b, columns.failing) == (7, 6)
    gaps = platform.contracts.bound(steward, agreed.id)[0].gaps
    assert {(gap.column, gap.has) for gap in gaps} >= {("盟市", ""), ("注册资本", "")}
    bureau.write([firm(n) for n in range(4)])  # the columns come back
    platform.db.deliver_waiting()


def test_what_breaks_others_needs_a_major_number_and_the_old_version_is_deprecated(
    bureau: Bureau, agreed: Contract, checker: Actor
) -> None:
    contracts, steward = bureau.platform.contracts, bureau.steward
    places = {f.name: n for n, f in enumerate(contracts.view(steward, agreed.id).terms.objects[0].fields)}
    loosened = Edit(put={f"/schema/0/properties/{places['盟市']}/required": False})
    draft = contracts.edit(steward, agreed.id, loosened)
    assert draft.newest.version == "1.1.0"
    assert refused(contracts.propose, steward, agreed.id, "放宽") == "contract_breaking"
    assert contracts.compare(steward, agreed.id, "1.0.0", "1.1.0")[0].effect.value == "breaking"
    assert refused(contracts.edit, steward, agreed.id, Edit(put={"/version": "0.9.0"})) == "contract_version_used"
    assert refused(contracts.edit, steward, agreed.id, Edit(put={"/status": "active"})) == "contract_pointer"
    contracts.edit(steward, agreed.id, Edit(put={"/version": "2.0.0"}))
    contracts.propose(steward, agreed.id, "放宽")
    done = contracts.approve(bureau.reviewer, agreed.id)
    settle(bureau)
    assert [(v.version, v.state.value) for v in done.versions] == [("1.0.0", "deprecated"), ("2.0.0", "active")]
    assert "status: deprecated" in contracts.file(steward, agreed.id, "1.0.0").decode()
    names = {rule.name for rule in bureau.platform.quality.rules(steward, TABLE)}
    assert "契约：盟市 必填" not in names
    assert "契约：统一社会信用代码 必填" in names
    assert refused(contracts.unbind, steward, agreed.id, TABLE, "不再约束") == "denied"
    contracts.unbind(checker, agreed.id, TABLE, "不再约束")
    assert not [rule for rule in bureau.platform.quality.rules(steward, TABLE) if rule.contract]
    contracts.bind(checker, agreed.id, TABLE, TABLE)
    ended = contracts.retire(checker, agreed.id, "系统下线")
    assert (ended.active, ended.newest.state) == (None, State.RETIRED)
    assert not [rule for rule in bureau.platform.quality.rules(steward, TABLE) if rule.contract]


def test_a_query_of_a_contract_is_counted_over_its_own_table_only(bureau: Bureau, checker: Actor) -> None:
    contracts, steward = bureau.platform.contracts, bureau.steward
    schema = pa.schema([("号", pa.string()), ("床位", pa.int64())])
    bureau.write([{"号": "a", "床位": 30}], "养老院", schema)
    bureau.platform.db.deliver_waiting()
    text = """apiVersion: v3.1.0
kind: DataContract
id: homes
version: 1.0.0
status: draft
schema:
  - name: homes
    physicalName: 养老院
    properties:
      - {name: 号, logicalType: string}
      - name: 床位
        logicalType: integer
        quality: [{type: sql, query: "SELECT MAX({column}) FROM homes", mustBeLessThan: 100}]
    quality:
      - {type: sql, query: "SELECT COUNT(*) FROM homes h JOIN 企业登记信息 e ON e.企业名称 = h.号", mustBe: 0}
      - {type: sql, query: "SELECT read_text('/etc/hostname') FROM homes", mustBe: 0}
"""
    made = contracts.hand_in(steward, OWNER, text.encode())
    held = contracts.bound(steward, made.id)[0]
    assert [(term.draft.kind, term.outcome.value) for term in held.terms] == [
        (Kind.COLUMNS, "passed"),
        (Kind.SQL, "passed"),
    ]
    assert [left.where for left in held.left] == ["homes sql", "homes sql"]
    contracts.propose(steward, made.id, "请审")
    contracts.approve(checker, made.id)
    settle(bureau)
    assert platform_opens(bureau, "养老院")
    bureau.write([{"号": "a", "床位": 300}], "养老院", schema)
    bureau.platform.db.deliver_waiting()
    assert "契约：homes.床位 SQL" in {fact.name for fact in bureau.platform.quality.runs(steward, "养老院")[0].blocking}
    assert refused(bureau.platform.tables.open, steward, "养老院", "tests", Exit.DOWNLOAD) == "contract_breached"


def platform_opens(bureau: Bureau, table: str) -> bool:
    return bureau.platform.tables.open(bureau.steward, table, "tests", Exit.DOWNLOAD).contract != ""


def test_a_file_is_kept_byte_for_byte_and_hidden_from_others(bureau: Bureau, checker: Actor) -> None:
    contracts, steward = bureau.platform.contracts, bureau.steward
    made = contracts.hand_in(steward, OWNER, EVERYTHING)
    assert contracts.hand_in(steward, OWNER, EVERYTHING) == made
    assert contracts.file(steward, made.id) == EVERYTHING
    assert made.newest.untouched
    with pytest.raises(NotFound):
        contracts.contract(bureau.stranger, made.id)
    with pytest.raises(Denied):
        contracts.hand_in(bureau.stranger, OWNER, EVERYTHING)
    assert contracts.contract(bureau.reviewer, made.id) == made
    contracts.propose(steward, made.id, "请审核")
    contracts.approve(checker, made.id)
    text = contracts.file(steward, made.id).decode()
    assert text == EVERYTHING.decode().replace("status: draft", "status: active")
    assert contracts.file(steward, made.id, original=True) == EVERYTHING
    with pytest.raises(Conflict):
        contracts.hand_in(steward, OWNER, EVERYTHING.replace("安全".encode(), "平安".encode()))
    newer = EVERYTHING.replace(b"version: 1.2.0", b"version: 1.3.0")
    assert contracts.hand_in(steward, OWNER, newer).newest.version == "1.3.0"
    assert [c.name for c in contracts.contracts(steward)].count("校车台账") == 1
    assert [c.name for c in contracts.contracts(bureau.stranger)] == []
    told = [e.action for e in evidence(bureau, "contracts.")]
    assert {"contracts.hand_in", "contracts.propose", "contracts.approve"} <= set(told)
