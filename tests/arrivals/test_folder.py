"""Files that arrive in a folder stand in the table, each once, whatever happens to them there."""

from __future__ import annotations

import io
import os
import random
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import FileOrder, RunMode, Verdict
from beijiang.ingest.models import FileRules, glob_matches
from beijiang.kit import SYSTEM, BeijiangError
from beijiang.outbound import Target


def test_each_file_is_appended_once(bureau: Any) -> None:
    bureau.put("一月.csv", bureau.lines(1, 2))
    bureau.put("二月.csv", bureau.lines(3, 4))
    bureau.put("说明.pdf", "%PDF")
    bureau.take(patterns=("*.csv",))
    assert bureau.states() == {"一月.csv": "new", "二月.csv": "new"}
    first = bureau.run()
    proof = bureau.proof(first)
    assert (bureau.numbers(), first.report["rows_added"]) == ([1, 2, 3, 4], 4)
    assert (proof.verdict, proof.body["source"]["files"], proof.body["held"]["rows"]) == (Verdict.EQUAL, 2, 4)
    assert {f["name"] for f in proof.body["listing"]} == {"一月.csv", "二月.csv"}

    idle = bureau.run()
    assert (idle.version, bureau.proof(idle).verdict) == (None, Verdict.EQUAL)
    assert set(bureau.states().values()) == {"known"}
    os.utime(bureau.folder / "一月.csv")  # touched, with the same contents
    bureau.put("三月.csv", bureau.lines(5))
    bureau.put("三月副本.csv", bureau.lines(5))
    bureau.run()
    assert bureau.numbers() == [1, 2, 3, 4, 5]
    assert bureau.states() == {
        "一月.csv": "known", "二月.csv": "known", "三月.csv": "known", "三月副本.csv": "refused",
    }  # fmt: skip


def test_a_changed_file_is_not_appended_again_unless_somebody_says_why(bureau: Any) -> None:
    bureau.put("一.csv", bureau.lines(1))
    bureau.take()
    bureau.run()
    bureau.put("一.csv", bureau.lines(1, 2), minute=1)
    assert bureau.states() == {"一.csv": "changed"}
    run = bureau.run()
    assert (bureau.numbers(), bureau.proof(run).verdict) == ([1], Verdict.EXPLAINED)
    assert bureau.states() == {"一.csv": "refused"}
    with pytest.raises(BeijiangError) as refused:
        bureau.run(whole=True)
    assert refused.value.reason == "reason_required"
    bureau.run(whole=True, reason="来源确认要再追加一次")
    assert bureau.numbers() == [1, 1, 2]
    assert bureau.platform.tables.history(SYSTEM, bureau.table)[0].reason == "来源确认要再追加一次"
    assert bureau.states() == {"一.csv": "known"}


def test_the_later_file_counts_where_both_have_a_key(bureau: Any) -> None:
    bureau.put("b.csv", bureau.lines(1, 2, name="旧"), minute=1)
    bureau.put("a.csv", bureau.lines(2, 3, name="新"), minute=2)
    bureau.take(key=("编号",))
    run = bureau.run()
    assert bureau.rows('"编号", "名称"') == [(1, "旧1"), (2, "新2"), (3, "新3")]
    report = run.report
    assert (report["read"], report["good"], report["superseded"], report["bad"]) == (4, 3, 1, 0)
    assert bureau.proof(run).verdict is Verdict.EQUAL
    bureau.put("b.csv", bureau.lines(1, 2, name="改"), minute=3)
    run = bureau.run()
    assert bureau.rows('"编号", "名称"') == [(1, "改1"), (2, "改2"), (3, "新3")]
    assert (run.report["rows_changed"], bureau.proof(run).verdict) == (2, Verdict.EQUAL)


def test_replace_makes_the_table_what_all_files_hold_and_loses_nothing_silently(bureau: Any) -> None:
    bureau.put("一.csv", bureau.lines(1))
    bureau.put("二.csv", bureau.lines(2))
    bureau.take(mode=RunMode.REPLACE)
    bureau.run()
    (bureau.folder / "一.csv").unlink()
    assert bureau.states() == {"二.csv": "known", "一.csv": "gone"}
    assert bureau.proof(bureau.run()).verdict is Verdict.EXPLAINED
    bureau.put("二.csv", bureau.lines(2, 3), minute=1)
    bureau.run()
    assert bureau.numbers() == [1, 2, 3], "what the source deleted stays until somebody says so"
    bureau.run(whole=True)
    assert bureau.numbers() == [2, 3]
    assert bureau.states() == {"二.csv": "known"}


def test_only_the_newest_by_name(bureau: Any) -> None:
    bureau.put("名册_20261101.csv", bureau.lines(1, 2), minute=9)
    bureau.put("名册_20261125.csv", bureau.lines(2, 3), minute=1)
    bureau.take(mode=RunMode.REPLACE, newest=True, order=FileOrder.NAME)
    bureau.run()
    assert bureau.numbers() == [2, 3]
    assert bureau.states() == {"名册_20261101.csv": "older", "名册_20261125.csv": "known"}


def test_unfinished_files_wait(bureau: Any) -> None:
    bureau.put("好.csv", bureau.lines(1))
    bureau.put("好.csv.done", "", minute=1)
    bureau.put("无标记.csv", bureau.lines(2))
    bureau.put("旧标记.csv", bureau.lines(3), minute=2)
    bureau.put("旧标记.done", "", minute=1)
    bureau.put("传.csv.part", bureau.lines(4))
    bureau.take(patterns=("*",), done=".done")
    waiting = {"好.csv": "new", "无标记.csv": "waiting", "旧标记.csv": "waiting", "传.csv.part": "waiting"}
    assert bureau.states() == waiting
    bureau.run()
    assert bureau.numbers() == [1]
    bureau.put("无标记.done", "", minute=5)
    bureau.put("旧标记.done", "", minute=5)
    bureau.run()
    assert bureau.numbers() == [1, 2, 3]


def test_one_marker_for_a_folder_below(bureau: Any) -> None:
    for day, marked in (("01", True), ("02", False)):
        bureau.put(f"2026/11/{day}/甲.csv", bureau.lines(int(day)))
        if marked:
            bureau.put(f"2026/11/{day}/_SUCCESS", "", minute=1)
    bureau.take(feed="2026", patterns=("**/*.csv",), done="_SUCCESS")
    assert bureau.states() == {"11/01/甲.csv": "new", "11/02/甲.csv": "waiting"}
    bureau.run()
    assert bureau.numbers() == [1]


def test_a_young_file_is_looked_at_twice(bureau: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    still, grows = bureau.put("静.csv", bureau.lines(1)), bureau.put("长.csv", bureau.lines(2))
    for path in (still, grows):
        os.utime(path, (time.time() + 3000,) * 2)  # a machine whose clock is ahead
    bureau.take(quiet=1)
    pauses: list[float] = []

    def meanwhile(seconds: float) -> None:
        pauses.append(seconds)
        grows.write_text(bureau.lines(2, 3))

    monkeypatch.setattr("beijiang.ingest.service.taking.PAUSE", meanwhile)
    run = bureau.run()
    assert (pauses, bureau.numbers()) == ([1], [1])
    assert [t["name"] for t in run.report["arrivals"]["told"]] == ["长.csv"]


def test_what_cannot_be_read_holds_up_no_other_file(bureau: Any) -> None:
    bureau.put("好.csv", bureau.lines(1, 2))
    bureau.put("空.csv", "")
    bureau.put("别表.csv", "车牌,颜色\n蒙A1,红\n")
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("内.csv", bureau.lines(*range(10, 3000)))
    bureau.put("坏.zip", broken.getvalue()[:1500] + b"\0" * 400 + broken.getvalue()[1900:])
    bureau.put("只有表头.csv", "编号,名称,人数\n")
    bureau.take()
    run = bureau.run()
    assert bureau.numbers() == [1, 2]
    proof = bureau.proof(run)
    told = {f["name"]: f["why"]["zh"] for f in proof.body["listing"] if f["why"]}
    assert (proof.verdict, set(told)) == (Verdict.EXPLAINED, {"空.csv", "别表.csv", "坏.zip"})
    assert "0 字节" in told["空.csv"]
    assert bureau.states()["别表.csv"] == "refused"
    assert bureau.run().version is None, "they are not read again until they change"
    bureau.put("空.csv", bureau.lines(3), minute=5)
    bureau.run()
    assert bureau.numbers() == [1, 2, 3]


def test_members_of_archives_are_chosen_by_pattern(bureau: Any) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("数据/学校.csv", bureau.lines(1, 2).encode("gb18030"))
        archive.writestr("说明.csv", "说明\n见附件\n")
    bureau.put("包.zip", made.getvalue())
    bureau.take(patterns=("*.zip",), members=("数据/*.csv",))
    bureau.run()
    assert bureau.rows('"编号", "名称"') == [(1, "学校1"), (2, "学校2")]


def test_a_pattern_means_what_its_signs_mean_however_many_there_are() -> None:
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    chance = random.Random(26)  # noqa: S311
    fitting = 0
    for _ in range(5_000):
        pattern = "".join(chance.choices(("*", "**", "**/", "?", "/", "a", "B", "ab"), k=chance.randint(0, 5)))
        name = "".join(chance.choices("aAb/", k=chance.randint(0, 7)))
        parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
        meant = re.fullmatch("".join(words.get(p, re.escape(p)) for p in parts), name, re.IGNORECASE) is not None
        assert glob_matches(pattern, name) == meant, (pattern, name)
        fitting += meant
    assert fitting > 500
    for many in ("*a", "**a", "**/*a"):
        assert not FileRules(patterns=(f"{many * 20}b",)).wants("a" * 80), "it comes to an end"
    with pytest.raises(BeijiangError) as refused:
        FileRules(patterns=("*a" * 200,)).checked(())
    assert refused.value.reason == "bad_file_rules"


def test_files_that_arrive_take_no_rows_out(bureau: Any) -> None:
    bureau.put("一.csv", bureau.lines(1, 2))
    with pytest.raises(BeijiangError) as refused:
        bureau.take(key=("编号",), mode=RunMode.REMOVE)
    assert (refused.value.reason, "--mode remove" in str(refused.value)) == ("bad_file_rules", True)
    bureau.take(key=("编号",), mode=RunMode.HISTORY)
    assert bureau.run().report["rows_added"] == 2


def test_nothing_outside_of_the_folder_is_opened(bureau: Any, tmp_path: Path) -> None:
    secret = tmp_path / "秘密.csv"
    secret.write_text(bureau.lines(666))
    (bureau.folder / "链接.csv").symlink_to(secret)
    (bureau.folder / "目录").symlink_to(tmp_path)
    os.mkfifo(bureau.folder / "管道.csv")
    bureau.put("好.csv", bureau.lines(1))
    for feed in ("..", "../x", "/etc"):
        with pytest.raises(BeijiangError):
            bureau.take(feed=feed)
    with pytest.raises(BeijiangError):
        bureau.take(patterns=("../*.csv",))
    bureau.take(patterns=("**/*.csv",))
    assert bureau.states() == {"链接.csv": "refused", "好.csv": "new"}
    bureau.run()
    assert bureau.numbers() == [1]
    for target in bureau.platform.sources.targets(SYSTEM):
        if target.folder == str(bureau.folder):
            bureau.platform.sources.close_target(SYSTEM, target.id)
    with pytest.raises(BeijiangError) as refused:
        bureau.plan()
    assert refused.value.reason == "folder_not_allowed"


def test_a_rollback_makes_its_files_new_again(bureau: Any) -> None:
    bureau.put("一.csv", bureau.lines(1))
    bureau.take()
    bureau.run()
    bureau.put("二.csv", bureau.lines(2))
    bureau.run()
    bureau.platform.tables.rollback(SYSTEM, bureau.table, 1, "撤回")
    assert bureau.states() == {"一.csv": "known", "二.csv": "new"}
    bureau.put("三.csv", bureau.lines(3))
    bureau.run()
    assert bureau.numbers() == [1, 2, 3]
    assert set(bureau.states().values()) == {"known"}


def test_verify_says_what_the_source_has_besides(bureau: Any) -> None:
    bureau.put("一.csv", bureau.lines(1))
    bureau.take(key=("编号",), checks=("人数=not_null",))
    bureau.run()
    sources = bureau.platform.sources
    assert sources.verify(SYSTEM, bureau.table).verdict is Verdict.EQUAL
    bureau.put("二.csv", "编号,名称,人数\n2,学校2,\n3,学校3,30\n")
    bureau.put("三.csv", "编号,名称,人数\n4,学校4,\n" + bureau.lines(*range(5, 20)).split("\n", 1)[1], minute=1)
    proof = sources.verify(SYSTEM, bureau.table)
    assert (proof.verdict, [d["key"] for d in proof.body["differences"]]) == (
        Verdict.DIFFERENT,
        [["二.csv"], ["三.csv"]],
    )
    run = bureau.run()
    assert (run.report["bad"], run.report["good"]) == (1, 15), "a file with too many bad rows holds up no other"
    assert bureau.states() == {"一.csv": "known", "二.csv": "refused", "三.csv": "known"}
    assert sources.verify(SYSTEM, bureau.table).verdict is Verdict.EXPLAINED


def test_a_folder_that_may_not_be_read_is_named(bureau: Any) -> None:
    bureau.platform.sources.allow(SYSTEM, Target(folder=str(bureau.folder / "没有")), "测试")
    bureau.platform.sources.change(SYSTEM, bureau.source, {"path": str(bureau.folder / "没有")})
    with pytest.raises(BeijiangError) as missing:
        bureau.platform.sources.feeds(SYSTEM, bureau.source)
    assert missing.value.reason == "source_object_missing"
