"""Every key of ODCS 3.1 and 3.2 comes out as it went in: by verb, over HTTP and at the terminal; what is counted of it, and what is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from ruamel.yaml import YAML
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
from quality_bureau import OWNER, Bureau

from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.build import build
from beijiang.contracts import Edit, Terms, commands, compare, enforced, parse, plain, usable
from beijiang.kit import Invalid, SystemClock
from beijiang.settings import Settings

EXAMPLES = sorted((Path(__file__).parent / "examples").iterdir())
WHOLE = Path(__file__).parent / "examples" / "whole.odcs.yaml"
NEWEST = WHOLE.with_name("newest.odcs.yaml")

KEYS = {
    "contract": "apiVersion kind id version status name tenant tags servers dataProduct description domain schema support price"
    " team roles slaDefaultElement slaProperties authoritativeDefinitions customProperties contractCreatedTs",
    "description": "usage purpose limitations authoritativeDefinitions customProperties",
    "object": "id name physicalType physicalName description businessName authoritativeDefinitions tags customProperties"
    " logicalType dataGranularityDescription properties relationships quality",
    "property": "id name physicalType physicalName description businessName authoritativeDefinitions tags customProperties"
    " primaryKey primaryKeyPosition logicalType logicalTypeOptions required unique partitioned partitionKeyPosition"
    " classification encryptedName transformSourceObjects transformLogic transformDescription examples"
    " criticalDataElement relationships quality items properties",
    "options": "minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf timezone"
    " defaultTimezone minProperties maxProperties required minItems maxItems uniqueItems",
    "quality": "id name type metric rule arguments query engine implementation mustBe mustNotBe mustBeGreaterThan"
    " mustBeGreaterOrEqualTo mustBeLessThan mustBeLessOrEqualTo mustBeBetween mustNotBeBetween unit severity dimension"
    " method description businessImpact schedule scheduler tags customProperties authoritativeDefinitions",
    "relationship": "type from to customProperties",
    "server": "id server type description environment roles customProperties account catalog database dataset delimiter"
    " endpointUrl format host location path port project region regionName schema serviceName stagingDir warehouse stream",
    "price": "id priceAmount priceCurrency priceUnit",
    "team": "id name description members tags customProperties authoritativeDefinitions",
    "member": "id username name description role dateIn dateOut replacedByUsername tags customProperties"
    " authoritativeDefinitions",
    "role": "id role description access firstLevelApprovers secondLevelApprovers customProperties",
    "service": "id property value valueExt unit element driver description scheduler schedule",
    "channel": "id channel url description tool scope invitationUrl customProperties",
    "custom": "id property value description",
    "definition": "id url type description",
}
"""The keys of the standard's JSON schema 3.1.0, section by section."""
NEWER = {
    "contract": "context",
    "object": "deprecated synonyms context",
    "property": "deprecated synonyms semanticType enum map",
    "options": "dimensions elementType distanceMetric normalized embeddingModel",
    "relationship": "id",
    "server": "catalogUrl namespace encoding workgroup",
    "service": "customProperties authoritativeDefinitions",
    "custom": "vendor",
    "synonym": "id synonym description locale source status customProperties",
    "choice": "value label id description tags customProperties authoritativeDefinitions",
    "map": "key value",
    "context": "instructions verifiedStatements constraints",
    "statement": "id question answer tags customProperties authoritativeDefinitions",
    "constraint": "id constraint tags customProperties authoritativeDefinitions",
}
"""What that of 3.2.0 has beside them."""
INSIDE = {
    "description": "description", "schema": "object", "properties": "property", "items": "property", "quality": "quality",
    "logicalTypeOptions": "options", "relationships": "relationship", "servers": "server", "price": "price", "team": "team",
    "members": "member", "roles": "role", "slaProperties": "service", "support": "channel",
    "customProperties": "custom", "authoritativeDefinitions": "definition",
    "synonyms": "synonym", "enum": "choice", "map": "map", "context": "context", "verifiedStatements": "statement",
    "constraints": "constraint",
}  # fmt: skip
SERVERS = (
    "api athena azure bigquery clickhouse databricks denodo dremio duckdb glue cloudsql db2 hive impala informix kafka"
    " kinesis local mysql oracle postgresql postgres presto pubsub redshift s3 sftp snowflake sqlserver synapse trino"
    " vertica zen custom"
)
NEWER_SERVERS = "iceberg s3 athena postgresql hana exasol teradata ingres fastobjects btrieve poet vectorwise versant"
"""The types of servers that the standard names."""


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    built = build(Settings.for_tests(tmp_path_factory.mktemp("trip")))
    built.first_start()
    yield Bureau(built, built.settings.home / "staging", SystemClock())  # type: ignore[arg-type]
    built.close()


def loaded(content: bytes) -> Any:
    """What another reader of YAML makes of a file."""
    return YAML(typ="safe", pure=True).load(BytesIO(content))


def used(node: Any, section: str = "contract") -> set[tuple[str, str]]:
    """Which keys of which section a document has."""
    found: set[tuple[str, str]] = set()
    for one in node if isinstance(node, list) else [node]:
        for key, value in one.items() if isinstance(one, dict) else ():
            found.add((section, key))
            if key in INSIDE and not isinstance(value, str):
                found |= used(value, INSIDE[key])
    return found


def test_the_examples_have_every_key_of_the_standard() -> None:
    documents = [loaded(path.read_bytes()) for path in EXAMPLES]
    wanted = {(section, key) for known in (KEYS, NEWER) for section, keys in known.items() for key in keys.split()}
    assert set().union(*map(used, documents)) >= wanted
    assert {server["type"] for server in loaded(WHOLE.read_bytes())["servers"]} == {*SERVERS.split()}
    assert {server["type"] for server in loaded(NEWEST.read_bytes())["servers"]} == {*NEWER_SERVERS.split()}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_what_goes_in_comes_out(path: Path, bureau: Bureau, tmp_path: Path) -> None:
    content, contracts = path.read_bytes(), bureau.platform.contracts
    assert plain(parse(content).root) == loaded(content)
    made = contracts.hand_in(bureau.steward, OWNER, content)
    assert contracts.file(bureau.steward, made.id) == content
    out = tmp_path / "out"
    app = commands.commands(lambda: contracts, lambda: bureau.platform.access)
    told = CliRunner().invoke(app, ["export", made.id, "--out", str(out), "--as", "steward"])
    assert told.exit_code == 0, told.output
    assert out.read_bytes() == content
    back = contracts.hand_in(bureau.steward, OWNER, out.read_bytes())
    assert back == made
    edited = contracts.edit(bureau.steward, made.id, Edit(put={"/name": "改名"}))
    contracts.propose(bureau.steward, edited.id, "请审")
    contracts.approve(bureau.reviewer, edited.id)
    decided = loaded(contracts.file(bureau.steward, made.id))
    assert decided == {**loaded(content), "name": "改名", "status": "active"}
    comments = {line.partition("#")[2] for line in content.decode().splitlines() if " # " in f" {line}"}
    text = contracts.file(bureau.steward, made.id).decode()
    assert all(comment in text for comment in comments)
    assert contracts.file(bureau.steward, made.id, original=True) == content


def test_the_original_is_had_over_http(bureau: Bureau) -> None:
    contracts = bureau.platform.contracts
    content = WHOLE.read_bytes().replace(b"urn:beijiang:civil-affairs:care", b"urn:beijiang:civil-affairs:care-2")
    made = contracts.hand_in(bureau.steward, OWNER, content)
    scopes = frozenset({Permission.CONTRACTS_CONTRACT_READ.value})
    _, key = bureau.platform.access.issue_key(bureau.steward, KeyDraft(name="contracts", scopes=scopes, days=1))
    client = TestClient(
        create_app(bureau.platform), base_url="http://localhost", headers={"Authorization": f"Bearer {key}"}
    )
    answer = client.get(f"/api/v1/contracts/{made.id}/odcs.yaml")
    assert answer.content == content
    assert client.get(f"/api/v1/contracts/{made.id}").json()["document"] == loaded(content)


def test_what_can_be_counted_is_and_the_rest_is_said() -> None:
    terms, findings = usable(parse(WHOLE.read_bytes()))
    assert not findings
    made = enforced(terms, terms.objects[0])
    counted = {(draft.kind.value, draft.columns): dict(draft.params) for draft in made.drafts}
    assert counted["range", ("beds",)] == {"low": 0, "high": 5000, "above": -1, "below": 5001}
    assert counted["range", ("opened_on",)] == {
        "low": "1949-10-01",
        "high": "2099-12-31",
        "above": "1900-01-01",
        "below": "2100-01-01",
    }
    assert counted["format", ("机构编号",)] == {"pattern": "^[0-9A-Z]{18}$", "shortest": 18, "longest": 18}
    assert counted["missing", ("beds",)] == {"values": "[null]"}
    assert {draft.params["expression"] for draft in made.drafts if draft.kind.value == "expression"} >= {
        '"beds" % 1 = 0',
        "NOT (beds > 900)",
    }
    numbers = [dict(draft.params) for draft in made.drafts if draft.kind.value == "sql"]
    assert [(one["query"], one["must"]) for one in numbers] == [
        ("SELECT AVG(beds) FROM ${table}", ">= 5.5"),
        ("SELECT MAX(beds) FROM ${table}", "<= 2000"),
    ]
    assert numbers[0]["called"] == '["homes", "养老机构"]'
    said = {left.where for left in made.left}
    assert said >= {
        "homes.home_id format",
        "homes.beds format",
        "homes.subsidy multipleOf, format",
        "homes.meal_at format, exclusiveMinimum, exclusiveMaximum",
        "homes.manager",
        "homes.rooms minItems, maxItems, uniqueItems",
        "homes.home_id → regions.code",
        "homes → regions.code, regions.name",
        "homes custom",
        "homes text",
        "SLA retention",
    }


def test_what_3_2_brings_is_counted_where_it_can_be() -> None:
    terms, findings = usable(parse(NEWEST.read_bytes()))
    assert not findings
    made = enforced(terms, terms.objects[0])
    assert {draft.columns: draft.params["values"] for draft in made.drafts if draft.kind.value == "values"} == {
        ("类别",): '["一类", "二类"]',
        ("等级",): "[1, 2]",
    }
    expected = next(json.loads(str(d.params["expected"])) for d in made.drafts if d.kind.value == "columns")
    assert list(expected) == ["编号", "类别", "等级", "旧代码", "各项", "特征"], (
        "measures and dimensions are no columns"
    )
    assert not [draft for draft in made.drafts if {"月份", "平均浓度"} & {*draft.columns}]
    assert {left.where for left in made.left} >= {"断面.月份", "断面.平均浓度", "断面.各项", "断面 sql"}
    told = {change.what.en: change.effect.value for change in compare(terms, replace_enum(terms, ("一类",)))}
    assert told == {"list of values": "compatible"}
    told = {change.what.en: change.effect.value for change in compare(terms, replace_enum(terms, ("一类", "三类")))}
    assert told == {"list of values": "breaking"}
    assert {c.effect.value for c in compare(terms, replace_enum(terms, ()))} == {"breaking"}, "any value may come then"


def replace_enum(terms: Terms, allowed: tuple[str, ...]) -> Terms:
    """Return the terms with another list of values of the second column."""
    first = terms.objects[0]
    fields = (first.fields[0], replace(first.fields[1], allowed=allowed), *first.fields[2:])
    return replace(terms, objects=(replace(first, fields=fields), *terms.objects[1:]))


def test_only_3_2_goes_without_a_status() -> None:
    bare = b"apiVersion: v3.2.0\nkind: DataContract\nid: a\nversion: 1.0.0\n"
    assert usable(parse(bare))[0].status == ""
    with pytest.raises(Invalid, match="status is missing"):
        usable(parse(bare.replace(b"v3.2.0", b"v3.1.0")))
