"""Help in the product: what each kind of reader needs to know, in both languages, from files that ship with it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from beijiang.kit import Language, Word
from beijiang.opendata.markdown import rendered

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["HELP_WORDS_LONGEST", "HelpTopic", "found_help", "help_page"]

HELP_WORDS_LONGEST: Final = 60


class HelpTopic(Word):
    """Whom a page of help is for."""

    CITIZEN = "citizen", "市民：找数据、看数据、提意见", "Citizens: find data, look at them, tell us"
    BUSINESS = (
        "business",
        "企业：使用条件、稳定取数、展示成果",
        "Businesses: terms, a steady supply, showing what you made",
    )
    DEPARTMENT = (
        "department",
        "部门：交数据、编目录、守承诺、答复公众",
        "Departments: hand in, describe, keep promises, answer",
    )
    CONSOLE = "console", "管理控制台：每个页面做什么", "The console: what each page is for"
    DEVELOPER = "developer", "开发者：接口、版本、限额、出错", "Developers: API, versions, limits, errors"


@cache
def help_text(topic: HelpTopic, language: Language) -> str:
    """Return the Markdown of a page of help."""
    short = "zh" if language is Language.ZH else "en"
    return files("beijiang.opendata").joinpath("help", f"{topic.value}.{short}.md").read_text(encoding="utf-8")


@cache
def help_page(topic: HelpTopic, language: Language) -> Markup:
    """Return a page of help."""
    return rendered(help_text(topic, language))


def found_help(words: str, language: Language) -> list[tuple[HelpTopic, str, str]]:
    """Return the sections that have the words: topic, anchor and heading."""
    wanted = words.strip().casefold()[:HELP_WORDS_LONGEST]
    found: list[tuple[HelpTopic, str, str]] = []
    for topic in HelpTopic:
        for section in help_text(topic, language).split("\n## ") if wanted else ():
            if wanted in section.casefold():
                heading, _, rest = section.removeprefix("## ").partition(" {#")
                found.append((topic, rest.partition("}")[0], heading.partition("\n")[0]))
    return found
