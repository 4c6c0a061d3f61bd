"""What exchange does by the table of controls: change the table, and it does something else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from exchange_bureau import ID, TABLE, Bureau

from beijiang.exchange import PackageCipher, Way
from beijiang.kit import Refused
from beijiang.protection import ControlRule, asks, files
from controlled import changed, ruled

CAPITAL, CITY = "注册资本", "盟市"
PLAIN = files.DownloadOrder(form=files.DownloadFormat.CSV, encoding=files.DownloadEncoding.UTF8)


@pytest.fixture(autouse=True)
def _nothing_is_granted(bureau: Bureau) -> None:
    bureau.end_all()


def plan(bureau: Bureau, *columns: str, **words: object) -> tuple[set[str], Sequence[str]]:
    found = bureau.exchange.plan(bureau["consumer"], bureau.draft(*columns, **words))
    return {one.code for one in found.problems}, [one.stage.id for one in found.stages]


def graded(bureau: Bureau, *columns: str) -> str:
    grades = bureau.platform.protection.grades_of(TABLE)
    return str(max(grades[column].level for column in columns))


def test_who_decides_follows_the_grade_as_the_table_says(bureau: Bureau) -> None:
    assert "authority_decision" in plan(bureau, ID, impact="评")[1]
    assert "authority_decision" not in plan(bureau, CAPITAL)[1]
    level = graded(bureau, CAPITAL)
    with changed(ruled("share", level, "approval")):
        problems, stages = plan(bureau, CAPITAL)
        assert "authority_decision" in stages
        assert problems - plan(bureau, CAPITAL, impact="评")[0], "its impact has to be said too"


def test_a_day_that_has_gone_by_changes_nothing_of_what_is_asked(bureau: Bureau) -> None:
    now = plan(bureau, ID, impact="评")
    for since in (date(2020, 1, 1), bureau.today - timedelta(days=1)):
        assert plan(bureau, ID, impact="评", since=since) == now
        with changed(ruled("share", "L3", "approval answers_only")):
            assert "level_4" in plan(bureau, ID, impact="评", since=since)[0]


def test_of_a_grade_that_the_table_says_nothing_of_every_control_is_asked() -> None:
    today = date(2026, 11, 28)
    assert not asks(ControlRule.ANSWERS_ONLY, "L3", today)
    assert asks(ControlRule.ANSWERS_ONLY, "L3", date(2020, 1, 1))
    assert asks(ControlRule.ANSWERS_ONLY, "L9", today)
    with changed(lambda row: {**row, "until": "2026-11-01"} if row["level"] == "L3" else row):
        assert asks(ControlRule.ANSWERS_ONLY, "L3", today)
        assert not asks(ControlRule.ANSWERS_ONLY, "L2", today)


def test_what_is_answered_only_is_what_the_table_says(bureau: Bureau) -> None:
    assert "level_4" not in plan(bureau, ID, impact="评")[0]
    with changed(ruled("share", "L3", "approval answers_only")):
        assert "level_4" in plan(bureau, ID, impact="评")[0]
        asked = plan(bureau, ID, impact="评", ways=frozenset({Way.VERIFY}), calls_per_day=5)
        assert "level_4" not in asked[0], "a question is no handing over"


def test_a_package_is_sealed_as_the_table_says(bureau: Bureau) -> None:
    packages, consumer = bureau.platform.packages, bureau["consumer"]
    bureau.granted(CAPITAL, CITY, ways=frozenset({Way.FILE}))
    level = graded(bureau, CAPITAL, CITY)
    assert packages.make(consumer, TABLE, PLAIN).package.file_name.endswith(".zip")
    with changed(ruled("transmit", level, "sm4_payload")):
        with pytest.raises(Refused) as caught:
            packages.make(consumer, TABLE, PLAIN)
        assert caught.value.reason == "package_needs_sm4"
        assert packages.make(consumer, TABLE, PLAIN, cipher=PackageCipher.SM4).package.file_name.endswith(".bjsm4")


def test_a_plain_file_is_marked_as_the_table_says(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, CITY, ways=frozenset({Way.FILE}))
    level = graded(bureau, CAPITAL, CITY)

    def file() -> str:
        taken = bureau.exchange.file(bureau["consumer"], TABLE, PLAIN)
        return b"".join(taken.content).decode()

    assert "consumer" not in file()
    with changed(ruled("export", level, "mark")):
        assert "consumer" in file(), "the file says who took it"
