"""Documents for paper: the words are there, pages are numbered, the same content gives the same bytes."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from beijiang.kit import Language, TooLarge
from beijiang.standards import Paper, PaperTable, SheetFormat, paper_file, text_file


def words_of(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_title_facts_tables_and_notes_are_printed_and_marks_of_markup_are_letters() -> None:
    facts = PaperTable("", (), [["资源", "企业<b>登记</b> & 信息"], ["用途", ""]])
    steps = PaperTable("办理过程", ["时间", "意见"], [["2026-03-10", "同意\n第二行"]])
    content = paper_file(Paper("审批单", [facts, steps, PaperTable("附件", ["名称"], [])], ["依据：国发〔2016〕51号"]))
    pages = words_of(content)
    assert len(pages) == 1
    for expected in (
        "审批单",
        "企业<b>登记</b> & 信息",
        "办理过程",
        "同意",
        "第二行",
        "无",
        "依据：国发〔2016〕51号",
        "第 1 页，共 1 页",
    ):
        assert expected in pages[0]
    assert PdfReader(io.BytesIO(content)).metadata["/Title"] == "审批单"  # type: ignore[index]
    assert content == paper_file(
        Paper("审批单", [facts, steps, PaperTable("附件", ["名称"], [])], ["依据：国发〔2016〕51号"])
    )


def test_long_tables_and_long_cells_run_over_numbered_pages_with_their_head() -> None:
    rows = [[str(n), "长" * (4000 if n == 150 else 2)] for n in range(200)]
    pages = words_of(paper_file(Paper("Report", [PaperTable("Rows", ["序号", "内容"], rows)], (), Language.EN)))
    assert len(pages) > 4
    assert pages[-1].count(f"page {len(pages)} of {len(pages)}") == 1
    assert "序号" in pages[1]
    assert "".join(pages).count("长") == 4000 + 199 * 2


def test_wide_tables_lie_on_their_side_and_what_nobody_would_print_is_refused() -> None:
    wide = paper_file(Paper("宽", [PaperTable("", [str(n) for n in range(9)], [["x"] * 9])]))
    box = PdfReader(io.BytesIO(wide)).pages[0].mediabox
    assert box.width > box.height
    with pytest.raises(TooLarge) as error:
        paper_file(Paper("多", [PaperTable("", ["a"], [["x"]] * 2001)]))
    assert error.value.reason == "too_long_for_paper"


def test_lists_of_the_platform_come_as_pdf_too() -> None:
    pages = [("排名", [["名次", "部门"], ["1", "卫生健康委"]]), ("权重", [["指标"], ["目录完整率"]])]
    (printed,) = words_of(text_file(pages, SheetFormat.PDF, title="考核结果-2026Q3"))
    for expected in ("考核结果-2026Q3", "卫生健康委", "目录完整率"):
        assert expected in printed
