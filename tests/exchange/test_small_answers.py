"""Receipts of answers that hand no rows over, and of pushes: what was asked and sent can be proved, and tried out by nobody."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import AT, TABLE, Bureau, People
from service_bureau import granted, offered
from typer.testing import CliRunner
from unruly import Unruly

from beijiang.evidence.verifier import main as judge
from beijiang.exchange import Way
from beijiang.exchange.commands import commands
from beijiang.kit import SYSTEM

NAME, CITY = "企业名称", "盟市"
RIGHT = {NAME: "内蒙古第0商贸有限公司", CITY: "呼和浩特市"}


@pytest.fixture(scope="module")
def people(region: Bureau) -> People:
    return People(region)


def verdict(
    bureau: Bureau, folder: Path, receipt: str, *, salt: str, request: str = "", response: str = ""
) -> list[str]:
    """Judge a receipt as a stranger would: with the file, the key of the log, and what was kept of the answer."""
    bureau.platform.evidence.flush()
    bureau.platform.evidence.seal()
    held = bureau.platform.receipts.receipt(SYSTEM, receipt)
    (folder / "receipt.json").write_text(json.dumps(held, default=str), encoding="utf-8")
    (folder / "answer").write_text(response, encoding="utf-8")
    keys = [word for key in held["keys"] for word in ("--key", key)]
    said: list[str] = []
    words = ["--salt", salt, "--request", request, *(["--response", str(folder / "answer")] if response else [])]
    judge([str(folder / "receipt.json"), *keys, *words], said.append)
    return [one for one in said if "请求" in one or "收到的文件" in one]


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_a_verification_and_a_count_are_proved_by_whoever_has_their_salt(
    bureau: Bureau, people: People, tmp_path: Path
) -> None:
    bureau.granted(NAME, CITY, ways=frozenset({Way.VERIFY, Way.COUNT}), calls_per_day=20)
    answer = people["consumer"].post(f"{AT}/tables/{TABLE}/verify", json={"values": RIGHT}).json()
    asked = compact({"table": TABLE, "values": RIGHT})
    good = verdict(bureau, tmp_path, answer["receipt"], salt=answer["salt"], request=asked, response='{"match":true}')
    assert [one[0] for one in good] == ["✓", "✓"], good
    lied = verdict(bureau, tmp_path, answer["receipt"], salt=answer["salt"], request=asked, response='{"match":false}')
    assert [one[0] for one in lied] == ["✓", "✗"], lied
    bare = verdict(bureau, tmp_path, answer["receipt"], salt="", request=asked, response='{"match":true}')
    assert [one[0] for one in bare] == ["✗", "✗"], "the record alone tells no answer"

    count = people["consumer"].post(f"{AT}/tables/{TABLE}/count", json={"where": [f"{CITY}=赤峰市"]}).json()
    asked = compact({"table": TABLE, "where": [[CITY, "eq", "赤峰市"]]})
    told = compact({"count": count["count"], "version": count["version"]})
    good = verdict(bureau, tmp_path, count["receipt"], salt=count["salt"], request=asked, response=told)
    assert [one[0] for one in good] == ["✓", "✓"], good
    count = people["consumer"].post(f"{AT}/tables/{TABLE}/count", json={"where": [f"{CITY}__notnull"]}).json()
    asked = compact({"table": TABLE, "where": [[CITY, "notnull", ""]]})
    told = compact({"count": count["count"], "version": count["version"]})
    good = verdict(bureau, tmp_path, count["receipt"], salt=count["salt"], request=asked, response=told)
    assert [one[0] for one in good] == ["✓", "✓"], "a condition without a value has an empty one"

    group = commands(lambda: bureau.exchange, lambda: bureau.platform.access)
    values = [word for name, value in RIGHT.items() for word in ("--value", f"{name}={value}")]
    shown = CliRunner().invoke(group, ["verify", TABLE, *values, "--as", "consumer"])
    assert shown.exit_code == 0, shown.output
    assert "盐值" in shown.output
    bureau.end_all()


def test_a_service_is_proved_by_its_salt_too(bureau: Bureau, unruly: Unruly, people: People, tmp_path: Path) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service)
    answer = people["consumer"].post(f"{AT}/services/{service.id}/call", json={"parameters": {"city": "包头市"}}).json()
    assert answer["rows"]
    record = bureau.platform.receipts.receipt(SYSTEM, answer["receipt"])
    sent = [json.loads(part["body"])["detail"] for part in record["records"][1:]]
    told = compact(answer["rows"])
    assert hashlib.sha256(f"{answer['salt']}\n{told}".encode()).hexdigest() in {one.get("response") for one in sent}
    good = verdict(bureau, tmp_path, answer["receipt"], salt=answer["salt"], response=told)
    assert "✓" in {one[0] for one in good}, good
    bureau.end_all()
