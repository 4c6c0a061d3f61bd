"""Delta Sharing on the wire: every call as its clients make it, and what holds at each of them."""

from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from exchange_bureau import AT, OWNER, TABLE, Bureau, People, citizen_id
from fastapi.testclient import TestClient
from share_reader import SCOPES, Recipient, lines, recipient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft
from beijiang.app import create_app
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Narrowing, RecallDraft, Remedy, Way
from beijiang.exchange.commands import add_shares, commands
from beijiang.kit import SYSTEM, Conflict, Invalid, Language, NotFound
from beijiang.tables import Filter, FilterOp

ID, CAPITAL, CITY, NAME, PHONE = "法定代表人证件号码", "注册资本", "盟市", "企业名称", "法定代表人电话"
DELTA = frozenset({Way.DELTA})


@pytest.fixture(scope="module")
def client(region: Bureau) -> TestClient:
    return TestClient(create_app(region.platform), base_url="http://127.0.0.1:8150")


@pytest.fixture(scope="module")
def reader(region: Bureau, client: TestClient) -> Recipient:
    return recipient(region, "consumer", client)


@pytest.fixture(scope="module")
def stranger(region: Bureau, client: TestClient) -> Recipient:
    return recipient(region, "banner", client)


def rows(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return found


def read(reader: Recipient, **body: Any) -> list[dict[str, Any]]:
    return [row for file in reader.files(**body) for row in rows(reader.fetch(file["url"]).content)]


# Profiles


def test_a_profile_is_issued_once_for_a_key_and_its_token_opens_shares_only(bureau: Bureau, client: TestClient) -> None:
    access, who = bureau.platform.access, bureau["consumer"]
    key, _ = access.issue_key(who, KeyDraft(name="分析程序", scopes=SCOPES, days=30))
    profile = bureau.platform.shares.issue_profile(who, key.id)
    told = profile.to_json()
    assert told["shareCredentialsVersion"] == 1
    assert told["endpoint"] == "http://127.0.0.1:8150/share"
    assert told["expirationTime"].startswith(key.expires_at.strftime("%Y-%m-%dT"))
    with pytest.raises(Conflict, match="shown once"):
        bureau.platform.shares.issue_profile(who, key.id)
    with pytest.raises(NotFound):
        bureau.platform.shares.issue_profile(bureau["colleague"], key.id)
    bearer = {"Authorization": f"Bearer {profile.token}"}
    assert client.get("/share/shares", headers=bearer).status_code == 200
    assert client.get("/api/v1/exchange/grants", headers=bearer).status_code == 401
    access.revoke_key(who, key.id)
    refused = client.get("/share/shares", headers=bearer)
    assert refused.status_code == 401
    assert refused.json()["errorCode"] == "UNAUTHENTICATED"
    with pytest.raises(NotFound):
        bureau.platform.shares.issue_profile(who, key.id)


def test_a_key_that_may_not_read_gets_no_profile(bureau: Bureau) -> None:
    key, _ = bureau.platform.access.issue_key(
        bureau["consumer"], KeyDraft(name="目录", scopes=frozenset({"exchange:grant:read"}), days=3)
    )
    with pytest.raises(Invalid, match="needs one of"):
        bureau.platform.shares.issue_profile(bureau["consumer"], key.id)


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer bjs_no", "Bearer bj_no", "Basic eDp5", "bjs_" + "0" * 64])
def test_without_a_good_token_nothing_is_told(client: TestClient, sent: str) -> None:
    for path in ("/share/shares", f"/share/shares/supervision/schemas/{OWNER}/tables/{TABLE}/metadata"):
        answer = client.get(path, headers={"Authorization": sent} if sent else {})
        assert answer.status_code == 401
        assert set(answer.json()) == {"errorCode", "message", "details"}


def test_a_profile_is_had_over_the_api_and_at_the_terminal(bureau: Bureau, client: TestClient, tmp_path: Path) -> None:
    access, who, platform = bureau.platform.access, bureau["consumer"], bureau.platform
    keys = [access.issue_key(who, KeyDraft(name=name, scopes=SCOPES, days=30))[0] for name in ("甲", "乙")]
    group = commands(lambda: platform.exchange, lambda: access)
    add_shares(group, lambda: platform.shares, lambda: access)
    target = tmp_path / "profile.share"
    words = ["profile", keys[0].id, str(target), "--as", "consumer"]
    assert CliRunner().invoke(group, words).exit_code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    bearer = {"Authorization": f"Bearer {json.loads(target.read_text())['bearerToken']}"}
    assert client.get("/share/shares", headers=bearer).status_code == 200
    again = CliRunner().invoke(group, [*words[:2], str(tmp_path / "other.share"), *words[3:]])
    assert isinstance(again.exception, Conflict)
    assert not (tmp_path / "other.share").exists()
    terminal.set_style(as_json=True, language=Language.ZH)
    listed = json.loads(CliRunner().invoke(group, ["profile", "--as", "consumer"]).stdout)
    issued = {one["id"]: one["issued"] for one in (listed if isinstance(listed, list) else listed["rows"])}
    assert (issued[keys[0].id], issued[keys[1].id]) == (True, False)
    # A key issues no profile: only who has signed in does.
    refused = People(bureau)["consumer"].post(f"{AT}/profiles/{keys[1].id}")
    assert refused.status_code == 403


# Lists


def test_lists_hold_what_is_granted_this_way_and_what_needs_no_grant(
    bureau: Bureau, reader: Recipient, stranger: Recipient
) -> None:
    bureau.granted(CAPITAL, ways=frozenset({Way.API}), purpose="statistics")
    bureau.granted(CAPITAL, ways=DELTA)
    answer = reader.get("/shares")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert "\n" not in answer.text.strip()
    assert [one["name"] for one in answer.json()["items"]] == ["supervision", "unconditional"]
    assert [one["name"] for one in stranger.get("/shares").json()["items"]] == ["unconditional"]
    assert reader.get("/shares/Supervision").json() == {"share": {"name": "supervision", "id": "supervision"}}
    assert reader.get("/shares/supervision/schemas").json()["items"] == [{"name": OWNER, "share": "supervision"}]
    tables = reader.get(f"/shares/supervision/schemas/{OWNER}/tables").json()["items"]
    assert [(one["name"], one["schema"], one["share"], one["shareId"]) for one in tables] == [
        (TABLE, OWNER, "supervision", "supervision")
    ]
    assert reader.get("/shares/supervision/all-tables").json()["items"] == tables
    hidden, unknown = (stranger.get(f"/shares/{name}/schemas") for name in ("supervision", "nothing"))
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json()["message"] == unknown.json()["message"]


def test_lists_come_in_pages(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, ways=DELTA)
    first = reader.get("/shares", params={"maxResults": 1}).json()
    assert len(first["items"]) == 1
    rest = reader.get("/shares", params={"maxResults": 1, "pageToken": first["nextPageToken"]}).json()
    assert rest["items"][0]["name"] == "unconditional"
    assert "nextPageToken" not in rest
    bad = reader.get("/shares", params={"pageToken": "???"})
    assert (bad.status_code, bad.json()["errorCode"]) == (400, "INVALID_PARAMETER_VALUE")


# Tables


def test_a_table_is_told_and_queried_in_lines_of_json(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, CITY, ways=DELTA)
    at = reader.at()
    version = reader.get(f"{at}/version")
    assert version.headers["delta-table-version"] == "1"
    assert version.content == b""
    assert reader.client.head(f"/share{at}", headers=reader.bearer).headers["delta-table-version"] == "1"
    metadata = reader.get(f"{at}/metadata")
    assert metadata.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert metadata.headers["delta-table-version"] == "1"
    protocol, told = lines(metadata)
    assert protocol == {"protocol": {"minReaderVersion": 1}}
    schema = json.loads(told["metaData"]["schemaString"])
    assert [(one["name"], one["type"]) for one in schema["fields"]] == [
        (NAME, "string"),
        (CITY, "string"),
        (CAPITAL, "decimal(14,2)"),
    ]
    answer = reader.query()
    assert answer.headers["delta-table-version"] == "1"
    assert lines(answer)[:2] == [protocol, told]
    (file,) = [line["file"] for line in lines(answer)[2:]]
    stats = json.loads(file["stats"])
    assert stats["numRecords"] == 30
    assert stats["minValues"][CITY] == min(("呼和浩特市", "包头市", "赤峰市"))
    assert not {ID, PHONE} & {name for values in stats.values() if isinstance(values, dict) for name in values}
    fetched = reader.fetch(file["url"])
    assert fetched.status_code == 200
    assert len(fetched.content) == file["size"] == int(fetched.headers["content-length"])
    assert {name for row in rows(fetched.content) for name in row} == {NAME, CITY, CAPITAL}
    assert len(rows(fetched.content)) == 30
    assert reader.files()[0]["id"] == file["id"]


def test_the_delta_format_and_the_last_line_come_only_when_asked_for(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, ways=DELTA)
    both = reader.query(headers={"delta-sharing-capabilities": "responseformat=delta,parquet"})
    assert both.headers["delta-sharing-capabilities"] == "responseformat=parquet"
    assert "url" in lines(both)[2]["file"]
    asked = {
        "delta-sharing-capabilities": "responseformat=delta;readerfeatures=deletionvectors;includeendstreamaction=true"
    }
    answer = reader.query(headers=asked)
    assert answer.headers["delta-sharing-capabilities"] == "responseformat=delta;includeendstreamaction=true"
    protocol, told, file, last = lines(answer)
    assert protocol["protocol"]["deltaProtocol"]["minReaderVersion"] == 1
    assert "schemaString" in told["metaData"]["deltaMetadata"]
    add = file["file"]["deltaSingleAction"]["add"]
    assert "X-Amz-Signature=" in add["path"]
    assert len(reader.fetch(add["path"]).content) == add["size"]
    assert last["endStreamAction"]["minUrlExpirationTimestamp"] == file["file"]["expirationTimestamp"]


def test_files_are_served_in_ranges(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, ways=DELTA)
    (file,) = reader.files()
    whole, size = reader.fetch(file["url"]).content, file["size"]
    head = reader.fetch(file["url"], "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    assert head.headers["accept-ranges"] == "bytes"
    assert head.headers["cache-control"] == "private, no-store"
    for said, first, last in (
        ("bytes=0-3", 0, 4),
        ("bytes=-8", size - 8, size),
        ("bytes=10-", 10, size),
        (f"bytes=5-{size * 2}", 5, size),
    ):
        part = reader.fetch(file["url"], Range=said)
        assert part.status_code == 206
        assert part.content == whole[first:last]
        assert part.headers["content-range"] == f"bytes {first}-{last - 1}/{size}"
    beyond = reader.fetch(file["url"], Range=f"bytes={size}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for odd in ("bytes=4-2", "bytes=0-1,4-5", "lines=1-2", "bytes=-"):
        assert reader.fetch(file["url"], Range=odd).status_code == 200
    head = reader.fetch(file["url"], "HEAD", Range="bytes=0-3")
    assert (head.status_code, head.headers["content-length"]) == (206, "4")


# What holds


@pytest.mark.threat("TM-01")
def test_what_is_hidden_or_masked_is_not_in_the_bytes(bureau: Bureau, reader: Recipient) -> None:
    only = (Filter(CITY, FilterOp.EQ, "包头市"),)
    bureau.granted(ID, CITY, ways=DELTA, filters=only, impact="评2026-04")
    answer = reader.query()
    (file,) = [line["file"] for line in lines(answer)[2:]]
    content = reader.fetch(file["url"]).content
    shown = rows(content)
    assert len(shown) == 10
    assert {row[CITY] for row in shown} == {"包头市"}
    footer = pq.read_metadata(io.BytesIO(content))
    said = content + str(pq.read_table(io.BytesIO(content)).to_pydict()).encode() + str(footer.metadata).encode()
    for number in range(30):
        for marker in (citizen_id(number), f"138{number:08d}"):
            assert marker.encode() not in said
            assert marker not in answer.text
    assert all("*" in row[ID] for row in shown)
    for word in (PHONE, "赤峰市", "呼和浩特市"):
        assert word.encode() not in said
        assert word not in answer.text


def test_equal_grants_share_a_copy_and_others_do_not(bureau: Bureau, reader: Recipient, stranger: Recipient) -> None:
    bureau.granted(CAPITAL, ways=DELTA)
    bureau.granted(CAPITAL, by="banner", ways=DELTA)
    (mine,), (theirs,) = reader.files(), stranger.files()
    assert mine["id"] == theirs["id"]
    assert mine["url"] != theirs["url"]
    (free,) = reader.files("unconditional")
    assert free["id"] != mine["id"]
    assert {name for row in rows(reader.fetch(free["url"]).content) for name in row} == {NAME}


@pytest.mark.threat("TM-02")
def test_another_tenant_and_another_purpose_have_nothing(
    bureau: Bureau, reader: Recipient, stranger: Recipient
) -> None:
    bureau.granted(CAPITAL, ways=DELTA, purpose="credit")
    assert len(reader.files("credit")) == 1
    for who, share in ((stranger, "credit"), (reader, "decision"), (reader, "nothing")):
        for answer in (who.query(share), who.get(f"{who.at(share)}/metadata"), who.get(f"{who.at(share)}/version")):
            assert (answer.status_code, answer.json()["errorCode"]) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.threat("TM-02")
@pytest.mark.parametrize("end", ["revoke", "suspend", "expire", "narrow", "quota", "key"])
def test_a_link_in_hand_is_worth_nothing_once_the_right_is_gone(bureau: Bureau, client: TestClient, end: str) -> None:
    reader = recipient(bureau, "consumer", client)
    evening = bureau.clock.at.replace(hour=15)  # 23:00 here, so that the link outlives the day
    bureau.clock.at = evening if evening > bureau.clock.at else evening + timedelta(days=1)
    grant = bureau.granted(CAPITAL, CITY, ways=DELTA, until=bureau.today)
    (file,) = reader.files()
    assert reader.fetch(file["url"], Range="bytes=0-9").status_code == 206
    exchange, lead = bureau.exchange, bureau["lead"]
    if end == "revoke":
        exchange.revoke(lead, grant.id, "用途已结束")
    elif end == "suspend":
        exchange.suspend(lead, grant.id, "核查")
    elif end == "narrow":
        exchange.narrow(lead, grant.id, Narrowing(without=frozenset({CITY})), "不再需要")
    elif end == "quota":
        exchange.narrow(lead, grant.id, Narrowing(rows_per_day=5), "限量")
    elif end == "key":
        bureau.platform.access.revoke_key(bureau["consumer"], reader.profile.key_id)
    else:
        bureau.clock.advance(timedelta(hours=2))
    for method in ("GET", "HEAD"):
        answer = reader.fetch(file["url"], method)
        if (end, method) != ("quota", "HEAD"):
            assert answer.status_code == 403, end
    assert reader.fetch(file["url"]).json()["errorCode"] == "FORBIDDEN"
    bureau.platform.evidence.flush()
    target = file["id"] if end == "key" else TABLE
    assert bureau.platform.evidence.page(EvidenceQuery(target=target, limit=5)).records[0].decision == "deny"
    told = {"revoke": "revoked", "suspend": "suspended", "expire": "expired"}.get(end)
    refused = reader.query()
    if told:  # who held a grant is told what became of it
        assert (refused.status_code, refused.json()["details"][0]["reason"]) == (403, "grant_state")
        assert told in refused.json()["message"]


@pytest.mark.threat("TM-11")
def test_a_link_that_is_late_altered_or_of_another_file_is_refused(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, ways=DELTA)
    (file,) = reader.files()
    (other,) = reader.files("unconditional")
    address, token = file["url"].split("?X-Amz-Signature=")
    for wrong in (
        f"{address}?X-Amz-Signature={'A' if token[0] != 'A' else 'B'}{token[1:]}",
        *(f"{address}?X-Amz-Signature={token[:-1]}{last}" for last in "ABCDwxyz019-_" if last != token[-1]),
        f"{address}?X-Amz-Signature={token[:60]}{'A' if token[60] != 'A' else 'B'}{token[61:]}",
        f"{address}?X-Amz-Signature={token}AAAA",
        f"{address}?X-Amz-Signature=",
        f"{address}?X-Amz-Signature=ü",
        address,
        f"{other['url'].split('?')[0]}?X-Amz-Signature={token}",
    ):
        answer = reader.fetch(wrong)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "FORBIDDEN"), wrong
    bureau.clock.advance(timedelta(hours=3, minutes=59))
    assert reader.fetch(file["url"]).status_code == 200
    bureau.clock.advance(timedelta(minutes=1))
    assert reader.fetch(file["url"]).status_code == 403


@pytest.mark.threat("TM-02")
def test_a_running_download_stops_when_the_right_ends(
    bureau: Bureau, reader: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beijiang.exchange.service import fetching
    from beijiang.kit import Denied

    grant = bureau.granted(CAPITAL, ways=DELTA)
    (file,) = reader.files()
    monkeypatch.setattr(fetching, "CHUNK", 100)
    monkeypatch.setattr("beijiang.protection.models.rechecks.BYTES", 200)
    name, token = file["url"].rpartition("/")[2].split("?X-Amz-Signature=")
    stream = bureau.platform.shares.fetch(name, token, "", head=False).content
    pieces = [next(stream)]
    bureau.exchange.revoke(bureau["lead"], grant.id, "到此为止")
    with pytest.raises(Denied):
        pieces.extend(stream)
    got = b"".join(pieces)
    assert len(got) == 100 < file["size"]


def test_calls_and_rows_of_the_day_are_counted(bureau: Bureau, reader: Recipient) -> None:
    grant = bureau.granted(CAPITAL, ways=DELTA, rows_per_day=100, calls_per_day=3)
    (file,) = reader.files()
    for _ in range(3):
        reader.fetch(file["url"])
    usage = bureau.exchange.grant(bureau["consumer"], grant.id).usage[0]
    assert (usage.calls, usage.rows) == (1, 60)  # the third whole read of one link counts its rows again
    assert len(reader.files()) == 1
    refused = reader.query()
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "FORBIDDEN")
    assert "用完" in refused.json()["message"]
    assert "used up" in refused.json()["message"]


def test_every_query_and_every_file_leaves_a_receipt(bureau: Bureau, reader: Recipient) -> None:
    grant = bureau.granted(CAPITAL, ways=DELTA)
    answer = reader.query()
    (file,) = [line["file"] for line in lines(answer)[2:]]
    part = reader.fetch(file["url"], Range="bytes=0-99")
    evidence = bureau.platform.evidence
    evidence.flush()
    for receipt, asked in (
        (answer.headers["x-beijiang-receipt"], "query"),
        (part.headers["x-beijiang-receipt"], "file"),
    ):
        found = evidence.find(receipt)
        assert found is not None
        assert (found.exit, found.target, found.version) == ("delta_sharing", TABLE, 1)
        assert found.detail["asked"] == asked
        assert found.detail["grant"] == grant.id
    closed = evidence.page(EvidenceQuery(action="read.close", limit=1)).records[0]
    assert (closed.detail["receipt"], closed.bytes) == (part.headers["x-beijiang-receipt"], 100)
    whole = reader.fetch(file["url"])
    evidence.flush()
    sent = {
        str(one.detail["receipt"]): one for one in evidence.page(EvidenceQuery(action="read.sent", limit=3)).records
    }
    for had in (answer, part, whole):
        noted = sent[had.headers["x-beijiang-receipt"]]
        assert noted.bytes == len(had.content)
        assert noted.detail["response"] == hashlib.sha256(had.content).hexdigest()
        assert noted.detail.get("range") == ("0-99" if had is part else None)


# Versions


def release_more(bureau: Bureau, table: str, *rows: dict[str, Any]) -> None:
    bureau.write(table, list(rows))
    bureau.platform.db.deliver_waiting()


@pytest.fixture(scope="module")
def grown(region: Bureau) -> str:
    """A table with three released versions, a second apart."""
    from exchange_bureau import firms

    region.end_all()
    resource = region.publish("变更样本", 3)
    for count in (4, 5):
        region.clock.advance(timedelta(hours=1))
        release_more(region, "变更样本", firms(count)[-1])
    assert sorted(region.platform.catalog.releases(resource.id)) == [1, 2, 3]
    return resource.id


def test_readers_go_back_by_version_and_by_moment(bureau: Bureau, reader: Recipient, grown: str) -> None:
    bureau.granted(CAPITAL, resource=grown, ways=DELTA)
    table = "变更样本"
    counts = [len(read(reader, table=table, version=version)) for version in (1, 2, 3)]
    assert counts == [3, 4, 5]
    at = reader.at(table=table)
    assert reader.get(f"{at}/version").headers["delta-table-version"] == "3"
    assert reader.get(f"{at}/metadata", params={"version": 2}).headers["delta-table-version"] == "2"
    written = bureau.platform.tables.history(SYSTEM, table)
    moments = {one.version: one.at for one in written}
    between = (moments[2] + timedelta(minutes=1)).isoformat()
    assert len(read(reader, table=table, timestamp=between)) == 4
    since = reader.get(f"{at}/version", params={"startingTimestamp": between})
    assert since.headers["delta-table-version"] == "3"
    for wrong in ({"version": 9}, {"version": 0}, {"timestamp": "2001-01-01T00:00:00Z"}, {"timestamp": "gestern"}):
        refused = reader.query(table=table, **wrong)
        assert (refused.status_code, refused.json()["errorCode"]) == (400, "INVALID_PARAMETER_VALUE")


def test_changes_are_told_as_the_reader_sees_them(bureau: Bureau, reader: Recipient, grown: str) -> None:
    bureau.granted(CAPITAL, resource=grown, ways=DELTA)
    at = reader.at(table="变更样本")
    answer = reader.get(f"{at}/changes", params={"startingVersion": 2})
    assert answer.headers["delta-table-version"] == "3"
    files = [line["cdf"] for line in lines(answer)[2:]]
    assert [file["version"] for file in files] == [2, 3]
    told = [row for file in files for row in rows(reader.fetch(file["url"]).content)]
    assert [(row["_change_type"], str(row[CAPITAL])) for row in told] == [("insert", "3.50"), ("insert", "4.50")]
    whole = reader.get(f"{at}/changes", params={"startingVersion": 0, "endingVersion": 1})
    assert sum(len(rows(reader.fetch(line["cdf"]["url"]).content)) for line in lines(whole)[2:]) == 3
    for wrong in ({}, {"startingVersion": 4}, {"startingVersion": 3, "endingVersion": 2}):
        assert reader.get(f"{at}/changes", params=wrong).status_code == 400


def test_a_recalled_version_is_not_served_nor_counted_from(bureau: Bureau, reader: Recipient) -> None:
    from exchange_bureau import firms

    resource = bureau.publish("召回样本", 3)
    release_more(bureau, "召回样本", firms(4)[-1])
    bureau.granted(CAPITAL, resource=resource.id, ways=DELTA)
    (old,), (new,) = reader.files(table="召回样本", version=1), reader.files(table="召回样本")
    assert new["id"] != old["id"]
    draft = RecallDraft(resource_id=resource.id, versions=(2,), reason="一行有误", remedy=Remedy.REPLACE)
    bureau.platform.recalls.recall(bureau["lead"], draft)
    assert reader.fetch(new["url"]).status_code == 403
    assert reader.fetch(old["url"]).status_code == 200
    assert reader.query(table="召回样本", version=2).status_code == 400
    assert len(read(reader, table="召回样本")) == 3
    release_more(bureau, "召回样本", firms(5)[-1])
    answer = reader.get(f"{reader.at(table='召回样本')}/changes", params={"startingVersion": 3})
    assert (answer.status_code, answer.json()["details"][0]["reason"]) == (400, "share_recalled")


# Hints, cache


def test_hints_spare_files_and_never_decide(bureau: Bureau, reader: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    bureau.granted(CITY, ways=DELTA)

    def leaf(op: str, value: str, kind: str = "string") -> str:
        sides = [
            {"op": "column", "name": CITY, "valueType": kind},
            {"op": "literal", "value": value, "valueType": kind},
        ]
        return json.dumps({"op": op, "children": sides})

    assert len(reader.files(jsonPredicateHints=leaf("equal", "包头市"))) == 1
    assert reader.files(jsonPredicateHints=leaf("equal", "一")) == []
    assert reader.files(predicateHints=[f"`{CITY}` = '一'"]) == []
    assert len(reader.files(predicateHints=[f"{CITY} = '包头市'", "nonsense((", "x LIKE '%'"])) == 1
    for ignored in ("[]", "{", '{"op":"and","children":[1]}', leaf("equal", "3", "int"), leaf("between", "一")):
        assert len(reader.files(jsonPredicateHints=ignored)) == 1
    assert len(reader.files(limitHint=0)) == 0
    assert reader.query(limitHint=-1).status_code == 400


def test_large_tables_come_in_files_of_some_size_and_a_limit_stops_early(
    bureau: Bureau, reader: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:

    from beijiang.protection.service import shelf

    monkeypatch.setattr(shelf, "PART_BYTES", 1)
    monkeypatch.setattr(shelf, "GROUP_ROWS", 65_536)
    resource = bureau.publish("大表样本", 70_000)
    bureau.granted(CAPITAL, resource=resource.id, ways=DELTA)
    files = reader.files(table="大表样本")
    assert len(files) > 1
    assert len(reader.files(table="大表样本", limitHint=10)) == 1
    assert sum(json.loads(file["stats"])["numRecords"] for file in files) == 70_000
    assert len(read(reader, table="大表样本")) == 70_000


def test_many_who_ask_at_once_wait_for_one_copy(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, CITY, ways=DELTA, filters=(Filter(CITY, FilterOp.EQ, "赤峰市"),))
    shares = bureau.platform.shares
    before = {folder.name for folder in shares.shelf._root.glob("*")}
    with ThreadPoolExecutor(6) as pool:
        answers = [*pool.map(lambda _: reader.files(), range(5))]
    assert len({file["id"] for (file,) in answers}) == 1
    assert len({folder.name for folder in shares.shelf._root.glob("*")} - before) == 1


@pytest.mark.threat("TM-05")
def test_while_copies_are_made_others_are_told_to_come_back_and_the_site_answers(
    bureau: Bureau, reader: Recipient
) -> None:
    """As many builders as there may be are at work: forty readers of a new copy hold no thread for long."""
    from beijiang.protection.service import shelf

    bureau.granted(CAPITAL, CITY, ways=DELTA, filters=(Filter(CITY, FilterOp.EQ, "包头市"),))
    on = bureau.platform.shares.shelf
    busy = {f"{number:040}": 0 for number in range(shelf.BUILDERS)}
    on._making.update(busy)
    try:
        with ThreadPoolExecutor(40) as pool:
            waiting = [pool.submit(reader.query) for _ in range(40)]
            assert reader.get("/shares").status_code == 200
            answers = [one.result() for one in waiting]
    finally:
        for one in busy:
            on._making.pop(one, None)
    assert {(one.status_code, one.headers["retry-after"]) for one in answers} == {(503, "5")}
    assert {one.json()["details"][0]["reason"] for one in answers} == {"share_busy"}
    assert len(reader.files()) == 1


def test_what_is_being_made_counts_against_one_budget(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CAPITAL, CITY, ways=DELTA, filters=(Filter(CITY, FilterOp.EQ, "赤峰市"),), purpose="credit")
    on = bureau.platform.shares.shelf
    on.sweep(lambda *_: False)  # equal grants of other tests share this copy
    on._making["0" * 40] = on._budget
    try:
        refused = reader.query("credit")
    finally:
        del on._making["0" * 40]
    assert (refused.status_code, refused.json()["details"][0]["reason"]) == (503, "share_no_room")
    assert len(reader.files("credit")) == 1


def test_copies_go_when_nobody_may_have_them_and_when_there_is_no_room(bureau: Bureau, reader: Recipient) -> None:
    shares = bureau.platform.shares
    grant = bureau.granted(CAPITAL, CITY, ways=DELTA)
    (file,) = reader.files()
    copy = shares.shelf.get(file["id"].rpartition("-")[0])
    assert copy is not None
    half = shares.shelf._root / f".making-{'0' * 40}"
    half.mkdir()
    (half / "part-00000.parquet").write_bytes(b"PAR1")  # a process was killed while it wrote
    shares.watch()
    assert not half.exists()
    assert shares.shelf.get(copy.id) is not None
    shares.shelf._budget, kept = 1, shares.shelf._budget
    try:
        shares.shelf._make_room(keep=copy.id)
        refused = reader.query("unconditional")
        assert (refused.status_code, refused.json()["errorCode"]) == (503, "INTERNAL_ERROR")
    finally:
        shares.shelf._budget = kept
    assert reader.fetch(file["url"]).status_code == 200
    bureau.exchange.revoke(bureau["lead"], grant.id, "用途已结束")
    shares.watch()
    assert shares.shelf.get(copy.id) is None
    assert not [*shares.shelf._root.glob(".making-*")]


def test_a_table_without_rows_has_columns_and_no_file(bureau: Bureau, reader: Recipient) -> None:
    bureau.granted(CITY, ways=DELTA, filters=(Filter(CITY, FilterOp.EQ, "乌海市"),))
    answer = reader.query()
    assert len(lines(answer)) == 2
    assert CITY in lines(answer)[1]["metaData"]["schemaString"]
