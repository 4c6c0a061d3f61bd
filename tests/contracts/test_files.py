"""Files of contracts: read with places, kept byte for byte, changed in the lines concerned only; nothing unsafe is read."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from beijiang.contracts import append, compare, parse, plain, put, read, remove, usable
from beijiang.contracts.models.tree import LONGEST
from beijiang.kit import BeijiangError, Conflict, Invalid

EXAMPLES = sorted((Path(__file__).parent / "examples").iterdir())
EVERYTHING = (Path(__file__).parent / "examples" / "everything.odcs.yaml").read_bytes()
MINIMAL = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nstatus: draft\n"


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_section_is_read_and_every_edit_changes_its_lines_only(path: Path) -> None:
    document = parse(path.read_bytes())
    assert document.text.encode() == path.read_bytes()
    terms, findings = usable(document)
    assert not [one for one in findings if one.grave]
    assert not findings or path.stem == "shapes.odcs", "only this one has what the standard does not name"
    assert terms.version
    status = changed(document.text, put(document, ("status",), "retired").text)
    assert len(status) == 2
    purpose = put(document, ("description", "purpose"), '新的用途：#1 "x"')
    assert usable(purpose)[0].purpose == '新的用途：#1 "x"'
    assert len(changed(document.text, purpose.text)) <= 4
    sla = append(document, ("slaProperties",), {"property": "latency", "value": 2, "unit": "d"})
    assert usable(sla)[0].services[-1].value == 2
    assert all(
        line.startswith("+") or line[1:] == document.text.split("\n")[-2] or "}" in line
        for line in changed(document.text, sla.text)
    )


def test_a_file_with_every_section_says_all_of_it() -> None:
    terms, _ = usable(parse(EVERYTHING))
    bus = terms.objects[0]
    assert [field.name for field in bus.fields] == ["编号", "号牌", "盟市", "座位数量", "登记日期"]
    assert (bus.fields[0].primary_key, bus.fields[0].unique, bus.fields[1].classification) == (True, True, "L2")
    assert bus.fields[2].checks[1].arguments == {"missingValues": [None, "", "N/A"]}
    assert bus.fields[3].options == {"minimum": 7, "maximum": 60}
    assert [check.type.value for check in bus.checks] == ["library", "library", "custom", "sql"]
    assert (terms.team[1].username, terms.roles[0].access, terms.support[0].tool) == ("li", "read", "email")
    assert (terms.price.amount if terms.price else None, terms.servers[1].type) == (0, "custom")
    assert terms.objects[1].fields[1].parts[0].parts[0].name == "站名"
    assert terms.limitations == "不含驾驶人的联系方式， 需要时另行申请。"
    assert terms.custom[1].value is None


def test_rules_of_quality_come_and_go_line_by_line() -> None:
    document = parse(EVERYTHING)
    added = append(document, ("schema", 0, "properties", 4, "quality"), {"metric": "nullValues", "mustBe": 0})
    assert changed(document.text, added.text) == [
        "+        quality:",
        "+          - metric: nullValues",
        "+            mustBe: 0",
    ]
    again = remove(added, ("schema", 0, "properties", 4, "quality", 0))
    assert again.text == document.text
    gone = remove(document, ("schema", 0, "quality", 2))
    assert [line[0] for line in changed(document.text, gone.text)] == ["-"] * 6
    assert "# type 省略即为 library" in remove(document, ("schema", 0, "properties", 2, "quality", 1)).text
    flow = put(document, ("schema", 0, "properties", 3, "logicalTypeOptions", "maximum"), 66)
    assert (
        changed(document.text, flow.text)[1].strip() == "+        logicalTypeOptions: {minimum: 7, maximum: 66}".strip()
    )
    quoted = put(document, ("name",), "校车 “新”台账")
    assert '+name: "校车 “新”台账"' in changed(document.text, quoted.text)
    block = put(document, ("description", "usage"), "一句话。")
    assert usable(block)[0].usage == "一句话。"
    assert "limitations: >-" in block.text
    fixed = put(document, ("schema", 0, "properties", 4, "required"), value=True)
    assert changed(document.text, fixed.text) == ["+        required: true"]


def test_what_cannot_be_cut_out_alone_is_refused() -> None:
    shared = parse(f"{MINIMAL}tags: &t [a]\ndescription: {{purpose: x}}\nschema:\n- name: o\n  tags: *t\n".encode())
    with pytest.raises(Conflict) as refused:
        append(shared, ("schema", 0, "tags"), {"x": 1})
    assert refused.value.reason == "contract_edit"
    with pytest.raises(Conflict):
        put(shared, ("tags",), "x")
    with pytest.raises(Conflict):
        remove(shared, ("schema", 4))
    with pytest.raises(Conflict):
        put(shared, ("team", 0, "username"), "x")


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        (MINIMAL.replace("1.0.0", "1.0"), 4, 10, 'in quotes, as "1.0"'),
        (MINIMAL.replace("version: 1.0.0", "version: first"), 4, 10, "as 1.2.0"),
        (MINIMAL + "owner: me\n", 6, 1, "customProperties"),
        (MINIMAL.replace("id: a\n", ""), 1, 1, "id is missing"),
        (MINIMAL.replace("v3.1.0", "v2.2.2"), 1, 13, "is not read"),
        (MINIMAL.replace("DataContract", "DataProduct"), 2, 7, "kind is DataContract"),
        (MINIMAL + "schema:\n- name: o\n  properties:\n  - name: x\n    logicalType: varchar\n", 10, 18, "one of string"),
        (MINIMAL + "schema:\n- name: o\n  properties:\n  - logicalType: string\n", 9, 5, "name is missing"),
        (MINIMAL + "schema:\n- name: o\n  properties: 3\n", 8, 15, "is a list"),
        (MINIMAL + "schema:\n- name: o\n- name: o\n", 8, 3, "there twice"),
        (MINIMAL + "schema:\n- name: o\n  quality:\n  - metric: rowCount\n    mustBeBetween: [1]\n", 10, 20, "two numbers"),
        (MINIMAL + "schema:\n- name: o\n  quality:\n  - metric: rowCount\n", 9, 5, "mustBe: 0"),
        (MINIMAL + "schema:\n- name: o\n  quality:\n  - metric: nulls\n    mustBe: 0\n", 9, 13, "metric is one of"),
        (MINIMAL + "schema:\n- name: o\n  quality:\n  - {type: sql, mustBe: 1}\n", 9, 5, "query is missing"),
        (MINIMAL + "schema:\n- name: o\n  properties:\n  - name: x\n    required: ja\n", 10, 15, "true or false"),
        (MINIMAL + "slaProperties:\n- property: latency\n", 7, 3, "lacks its value"),
        (MINIMAL + "team: [x]\n", 6, 8, "is a mapping"),
    ],
)  # fmt: skip
def test_faults_say_where_they_are_and_how_to_mend_them(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        usable(parse(text.encode()))
    faults = refused.value.detail["faults"]
    assert (line, column) in [(fault["line"], fault["column"]) for fault in faults]
    assert words in " ".join(fault["en"] for fault in faults)
    assert refused.value.reason == "contract_faulty"


def test_what_is_not_known_is_kept_and_named() -> None:
    text = MINIMAL.replace("draft", "piloted") + "schema:\n- name: o\n  properties:\n  - name: x\n    requred: true\n"
    terms, findings = read(parse(text.encode()))
    assert terms.status == "piloted"
    assert [(f.line, f.grave) for f in findings] == [(5, False), (10, False)]


@pytest.mark.parametrize(
    "content",
    [
        b"a: !!python/object/apply:os.system ['true']\n",
        b"a: !secret x\n",
        b"- 1\n- 2\n",
        b"a: [1, 2\n",
        b"a: 1\na: 2\n",
        b"\xff\xfe\x00",
        b"a: 1\n---\nb: 2\n",
        b"? [1]\n: 2\n",
        b"<<: 3\n",
        b"a: \x07\n",
        b"[" * 3000,
        b"",
        b"x: " + b"a" * LONGEST,
        b"a: &a [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(8)),
    ],
)
def test_unsafe_and_broken_files_are_refused(content: bytes) -> None:
    with pytest.raises(BeijiangError) as refused:
        parse(content)
    assert refused.value.reason in {"contract_unreadable", "contract_too_large"}


def test_anchors_and_merges_are_read_and_crlf_and_marks_stay() -> None:
    text = f"\ufeff{MINIMAL}schema:\n- &base {{name: o, physicalType: table}}\n- <<: *base\n  name: p\n".replace(
        "\n", "\r\n"
    )
    document = parse(text.encode())
    assert plain(document.root)["schema"][1] == {"name": "p", "physicalType": "table"}  # type: ignore[index,call-overload]
    edited = put(document, ("name",), "新")
    assert edited.text.startswith("\ufeff")
    assert edited.text.count("\r\n") == text.count("\r\n") + 1
    assert "\n" not in edited.text.replace("\r\n", "")


def test_a_new_version_is_told_by_what_it_breaks() -> None:
    old = usable(parse(EVERYTHING))[0]
    document = parse(EVERYTHING)
    steps = [
        (("schema", 0, "properties", 1, "required"), False),
        (("schema", 0, "properties", 1, "classification"), "L3"),
        (("schema", 0, "properties", 2, "quality", 0, "mustBeLessThan"), 1),
        (("schema", 0, "properties", 3, "logicalType"), "number"),
        (("slaProperties", 0, "value"), 7),
        (("description", "purpose"), "另一种说法"),
    ]
    for path, value in steps:
        document = put(document, path, value)  # type: ignore[arg-type]
    document = remove(document, ("schema", 0, "quality", 0))
    document = append(document, ("schema", 0, "properties"), {"name": "备注", "logicalType": "string"})
    found = {(c.effect.value, c.where, c.what.en) for c in compare(old, usable(document)[0])}
    assert found == {
        ("breaking", "校车.号牌", "required"),
        ("breaking", "校车.号牌", "classification"),
        ("breaking", "校车.座位数量", "logical type"),
        ("breaking", "校车", "quality rule"),
        ("breaking", "frequency 校车 regulatory", "level of service"),
        ("compatible", "校车.盟市", "quality rule library invalidValues"),
        ("compatible", "校车.备注", "column"),
        ("words", "purpose", "purpose"),
    }
    back = {(c.effect.value, c.where) for c in compare(usable(document)[0], old)}
    assert ("breaking", "校车.备注") in back
    assert ("compatible", "校车.号牌") in back
