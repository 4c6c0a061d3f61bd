"""A library of a site with a Spark Connect server: records are linked there, and what comes of it is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from library_bureau import OTHER, Archive, person

from beijiang.build import build
from beijiang.engine.linking.spark import SparkLinker
from beijiang.kit import FixedClock
from beijiang.settings import Settings

A = "11010519491231002X"


@pytest.fixture
def distributed(tmp_path: Path, spark_url: str) -> Iterator[Archive]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path, spark_url=spark_url), clock)
    built.first_start()
    yield Archive(built, built.settings.home / "staging", clock)
    built.close()


def test_records_without_a_key_in_common_are_matched_on_the_cluster(distributed: Archive) -> None:
    archive, born = distributed, date(1990, 1, 1)
    assert isinstance(archive.platform.fusion.linker, SparkLinker)
    same = {"出生日期": born, "联系电话": "13700000003", "户籍地址": "呼和浩特市新城区海东路18号"}
    police = archive.table([person(A, "巴特尔", **same), person(None, "乌兰", 出生日期=date(1978, 10, 4))])
    other = archive.table([person(None, "巴特尔", **same)], org_id=OTHER)
    library = archive.declare(matching="population", certain=0.99, grey=0.05)
    archive.link(library, police, key=())
    archive.link(library, other, key=())
    run = archive.run(library)
    assert (run.records, run.subjects, run.matched) == (3, 2, 1)
    assert archive.golden(library)[A]["记录数"] == 2
