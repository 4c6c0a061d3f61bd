"""The base library is asked for what a document may name and for nothing else, however much that is."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from filled_library import filled

from beijiang.build import build
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Actor
from beijiang.mining import DocumentDraft
from beijiang.mining.models.texts.documents import Sentence
from beijiang.mining.models.texts.firms import keys_of
from beijiang.platform import Platform
from beijiang.settings import Settings

LIBRARY = "法人单位库"
FIRMS = [(f"呼和浩特市鹿{chr(0x4E00 + n)}{chr(0x5E00 + n)}贸易有限公司", f"91150100MA0{n:06d}A") for n in range(300)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Actor]]:
    platform = build(Settings.for_tests(tmp_path_factory.mktemp("asked")))
    platform.first_start()
    yield platform, filled(platform, FIRMS, "commerce_admin")
    platform.close()


def read(platform: Platform) -> int:
    """Return how many rows of the library all receipts together say were read."""
    platform.evidence.flush()
    found = platform.evidence_reader.search(SYSTEM, EvidenceQuery(limit=500)).records
    return sum(one.rows or 0 for one in found if one.action == "read.close" and LIBRARY in str(one.target))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("通知鹿一丈贸易按期完成。", 0),
        (f"通知{FIRMS[7][0]}按期完成。", 2),
        (f"通知{FIRMS[7][0][5:10]}按期完成。", 1),
    ],
)
def test_a_receipt_tells_what_was_found_and_not_the_whole_library(
    library: tuple[Platform, Actor], text: str, rows: int
) -> None:
    platform, keeper = library
    before = read(platform)
    made = platform.texts.add(keeper, "bigdata", DocumentDraft(name="文.txt"), io.BytesIO(text.encode()))
    found, _ = platform.texts.mentions(keeper, made.id)
    assert bool([one for one in found if one.chosen]) is bool(rows)
    assert read(platform) - before == rows


def test_none_of_many_words_is_left_out(library: tuple[Platform, Actor]) -> None:
    platform, keeper = library
    made_up = [f"{chr(0x7000 + n % 4000)}{chr(0x7000 + n // 4000)}某某" for n in range(9000)]
    few = ["易有", "有限公司的", FIRMS[299][0][5:9], FIRMS[5][0][4:10], "%", "'", "_"]
    wanted = re.compile("|".join(map(re.escape, few[1:])))
    found = platform.fusion.containing(keeper, [*made_up, *few[1:]])
    assert sorted(one.name for one in found) == sorted(name for name, _ in FIRMS if wanted.search(name))
    assert len(platform.fusion.containing(keeper, few)) == len(FIRMS)
    named = platform.fusion.named(keeper, [*made_up, FIRMS[299][0], FIRMS[5][1], "", "\x00", "长" * 5000])
    assert {word: [one.name for one in ones] for word, ones in named.items()} == {
        FIRMS[299][0]: [FIRMS[299][0]],
        FIRMS[5][1]: [FIRMS[5][0]],
    }


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("委托金沙滩化工公司处理。", ["沙滩化工"]),
        ("源建材", []),
        ("A龙源建材", ["龙源建材"]),
        ("甲，源建材", []),
        ("甲，龙源建材厂", ["龙源建材", "源建材厂"]),
    ],
)
def test_four_characters_before_an_ending_are_asked_for(text: str, keys: list[str]) -> None:
    assert keys_of([Sentence(0, 0, 0, len(text), text)]) == keys
