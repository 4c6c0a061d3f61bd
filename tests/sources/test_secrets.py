"""A source's password is nowhere but sealed: not in the database, logs, errors, jobs, evidence, plans or answers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import SourceDraft, StreamDraft, StreamKind
from beijiang.kit import SYSTEM, BeijiangError

PASSWORD = "zebra-4711-Steppe"


@pytest.mark.threat("TM-25")
def test_a_password_is_found_nowhere(department: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    platform = department.platform
    department.sql("CREATE TABLE t (k int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    department.connect(password=PASSWORD)
    department.take("t", "表")
    run = department.run("表")
    wrong = department.options(password=PASSWORD, database="nowhere")
    platform.sources.add(SYSTEM, SourceDraft(name="坏", kind="postgresql", org_id="education", options=wrong))
    with pytest.raises(BeijiangError) as refused:
        platform.sources.feeds(SYSTEM, "坏")
    with pytest.raises(BeijiangError) as malformed:
        platform.sources.change(SYSTEM, "坏", {"password": {"secret": PASSWORD}, "port": PASSWORD})
    said = [
        str(refused.value), refused.value.text.zh, str(refused.value.detail), str(malformed.value), str(malformed.value.detail),
        str(platform.sources.source(SYSTEM, "坏").to_json()), str(platform.sources.plan(SYSTEM, "表").to_json()),
        str(run), str(department.certificate(run)), repr(platform.sources.source(SYSTEM, "坏")), caplog.text,
    ]  # fmt: skip
    assert all(PASSWORD not in text for text in said)
    kept = [p for p in Path(platform.settings.home).rglob("*") if p.is_file()]
    assert len(kept) > 5
    assert [p for p in kept if PASSWORD.encode() in p.read_bytes()] == []
    assert platform.sources.source(SYSTEM, "坏").secrets["password"].startswith("bj1-")


def test_rotation_reaches_every_source_and_runs_go_on(department: Any) -> None:
    department.sql("CREATE TABLE t (k int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    department.connect(password=PASSWORD)
    department.take("t", "表")
    before = department.platform.sources.source(SYSTEM, "学籍库").secrets["password"]
    assert department.platform.sources.rotate(SYSTEM) == 1
    after = department.platform.sources.source(SYSTEM, "学籍库").secrets["password"]
    assert (before.split(".")[1], after.split(".")[1]) == ("1", "2")
    department.run("表")


def test_changing_one_option_keeps_the_secret(department: Any) -> None:
    department.connect(password=PASSWORD)
    sources = department.platform.sources
    sealed = sources.source(SYSTEM, "学籍库").secrets
    changed = sources.change(SYSTEM, "学籍库", {"time_zone": "Asia/Urumqi"})
    assert (changed.options["time_zone"], changed.secrets) == ("Asia/Urumqi", sealed)
    assert sources.change(SYSTEM, "学籍库", {"password": ""}).secrets == {}


def test_a_secret_does_not_follow_a_source_to_another_place(platform: Any) -> None:
    platform.first_start()
    sources, streams = platform.sources, platform.streams
    reach = {"host": "db.example", "database": "d", "user": "u", "password": PASSWORD, "tls": "encrypt"}
    sources.add(SYSTEM, SourceDraft(name="库", kind="postgresql", org_id="education", options=reach))
    keys = {"host": "sftp.example", "user": "u", "password": PASSWORD}
    sources.add(SYSTEM, SourceDraft(name="文件", kind="sftp", org_id="education", options=keys))
    broker = {"host": "mqtt.example", "tls": "on", "password": PASSWORD, "user": "u", "topics": ["t"]}
    given = {**broker, "columns": [{"name": "a", "path": "a"}]}
    streams.add(SYSTEM, StreamDraft(name="流", kind=StreamKind.MQTT, org_id="education", table="流", options=given))
    sources.change(SYSTEM, "文件", {"host_key": "SHA256:" + "A" * 43})
    for change, name, moved in (
        (sources.change, "库", {"host": "evil.example"}),
        (sources.change, "库", {"port": 1}),
        (sources.change, "库", {"tls": "off"}),
        (sources.change, "文件", {"host_key": "SHA256:" + "B" * 43}),
        (streams.change, "流", {"host": "evil.example"}),
        (streams.change, "流", {"tls": "off"}),
    ):
        with pytest.raises(BeijiangError) as refused:
            change(SYSTEM, name, moved)
        assert refused.value.reason == "secrets_needed", moved
        change(SYSTEM, name, {**moved, "password": PASSWORD})
    sources.change(SYSTEM, "库", {"tls": "verify", "time_zone": "Asia/Urumqi"})


def test_the_key_is_not_in_the_home(department: Any) -> None:
    department.connect(password=PASSWORD)
    settings = department.platform.settings
    assert settings.root_key_file.is_file()
    assert not settings.root_key_file.is_relative_to(settings.home)
