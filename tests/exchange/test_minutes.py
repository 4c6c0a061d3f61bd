"""Minutes on paper: what was asked, what of it was refused, and what became of the time."""

from __future__ import annotations

import io
from collections.abc import Sequence

from exchange_bureau import Bureau
from pypdf import PdfReader

from beijiang.exchange import Narrowing, Way
from beijiang.kit import Language
from beijiang.standards import PauseReason

NAME, CITY, CAPITAL = "企业名称", "盟市", "注册资本"


def printed(bureau: Bureau, request_id: str, language: Language = Language.ZH) -> Sequence[str]:
    made = bureau.exchange.minutes(bureau["consumer"], request_id, language)
    return [line for page in PdfReader(io.BytesIO(made.content)).pages for line in page.extract_text().splitlines()]


def after(lines: Sequence[str], name: str, count: int) -> str:
    """Return the cells that stand beside a name in a table: pages give each cell a line of its own."""
    at = lines.index(name)
    return "".join(lines[at : at + count + 1])


def test_minutes_say_what_was_refused_at_which_stage_and_why_the_time_stood_still(bureau: Bureau) -> None:
    exchange = bureau.exchange
    asked = bureau.asked(
        NAME, CITY, CAPITAL, ways=frozenset({Way.API, Way.FILE}), system="卫生监督系统", contact="王五 0471-0000000"
    )
    exchange.approve(bureau["reviewer"], asked.id, "材料齐全")
    exchange.pause(bureau["steward"], asked.id, PauseReason.THIRD_PARTY, "征求企业意见")
    exchange.resume_time(bureau["steward"], asked.id, "已收到")
    less = Narrowing(without=frozenset({CAPITAL}), without_ways=frozenset({Way.FILE}), rows_per_day=50)
    exchange.approve(bureau["steward"], asked.id, "注册资本与用途无关", less)
    done = exchange.approve(bureau["lead"], asked.id, "同意")
    lines = printed(bureau, done.id)
    text = "".join(lines)
    for words in ("卫生监督系统", "王五 0471-0000000", "征求第三方意见", "材料齐全", "50行/日", "应于此日前答复"):
        assert words in text, words
    for stage in done.stages:
        assert stage.name.zh in text, "each step says at which stage it was taken"
    for refused in (CAPITAL, Way.FILE.text.zh):
        assert "未批准" in after(lines, refused, 2), (refused, lines)
    assert "未批准" not in after(lines, NAME, 2)
    english = "".join(printed(bureau, done.id, Language.EN))
    assert "asked for" in english
    assert "refused" in english
    bureau.end_all()


def test_of_a_refused_request_nothing_was_granted(bureau: Bureau) -> None:
    asked = bureau.asked(CITY)
    assert any("办理至此" in line for line in printed(bureau, asked.id))
    bureau.exchange.refuse(bureau["reviewer"], asked.id, "没有履职依据")
    lines = printed(bureau, asked.id)
    assert "未批准" in after(lines, CITY, 2), lines
    assert any("没有履职依据" in line for line in lines)


def test_of_a_withdrawn_request_nothing_is_said_to_be_refused(bureau: Bureau) -> None:
    asked = bureau.asked(CITY)
    bureau.exchange.withdraw(bureau["consumer"], asked.id, "不再需要")
    lines = printed(bureau, asked.id)
    assert "已撤回" in after(lines, CITY, 2), lines
    assert not any("未批准" in line for line in lines), "nobody refused anything"
