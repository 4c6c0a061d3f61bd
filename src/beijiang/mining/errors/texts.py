"""What documents refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound, Refused

__all__ = ["bad_grade", "no_document", "no_form", "no_words", "too_few_labels", "unfit_document"]


def no_document() -> NotFound:
    """Return the error for a document that is missing, removed, or another department's."""
    return NotFound(
        "没有这份文档，或者您无权查看。", "There is no such document, or you may not see it.", code="document_not_found"
    )


def no_form(name: str) -> Invalid:
    """Return the error for a file that is none of the kinds that are read."""
    return Invalid(
        f"不支持文件“{name[:80]}”。请提交 .txt、.md 或 .docx；PDF 请先另存为 Word 或文本。",
        f'The file "{name[:80]}" is of no kind that is read. Hand in .txt, .md or .docx; save a PDF as one of these first.',
        code="document_form",
    )


def no_words(name: str) -> Invalid:
    """Return the error for a document without text."""
    return Invalid(
        f"文档“{name[:80]}”里没有文字。扫描件请先识别成文字。",
        f'The document "{name[:80]}" holds no text. A scan has to be recognised first.',
        code="document_empty",
    )


def bad_grade(grade: str) -> Refused:
    """Return the error for a grade that documents are not kept under."""
    return Refused(
        f"文档级别“{grade[:10]}”不可用：分级管控表不许这一级的文档入库，级别写作 L1 至 L4。请去掉敏感内容，或在平台外保管。",
        f'No document of grade "{grade[:10]}" is kept here: the table of controls forbids it, or it is none of L1 to L4. Take out what is sensitive, or keep it elsewhere.',
        code="document_grade",
    )


def unfit_document(zh: str, en: str) -> Invalid:
    """Return the error for a document or a label that cannot be kept."""
    return Invalid(zh, en, code="document_unfit")


def too_few_labels(classes: int, least: int) -> Conflict:
    """Return the error for a corpus that no classes can be learned from."""
    return Conflict(
        f"已标注的文档不足：至少要有 2 个类别，每类至少 {least} 份（现有 {classes} 个类别够数）。请先给文档标注类别。",
        f"Too few labelled documents: two classes with {least} documents each are needed ({classes} have as many). Label more first.",
        code="too_few_labels",
    )
