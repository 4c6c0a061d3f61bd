"""Every area of the console has a section of the help, in both languages, and no section is about nothing."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from beijiang.kit import Language
from beijiang.opendata.helping import HelpTopic, help_text
from beijiang.web import help as marks

LIST = Path(__file__).with_name("ways_out.csv")
ANCHOR = re.compile(r"^## .+ \{#([a-z]+)\}$", re.MULTILINE)


def areas() -> set[str]:
    """Return the first word after ``/console/`` of every page; ``test_every_way_out`` holds the list to the routes."""
    with LIST.open(encoding="utf-8") as file:
        pages = [row["door"].removeprefix("GET ") for row in csv.DictReader(file) if row["door"].startswith("GET ")]
    return {
        page.removeprefix("/console").strip("/").partition("/")[0]
        for page in pages
        if f"{page}/".startswith("/console/")
    }


def test_every_area_of_the_console_has_help() -> None:
    found = areas()
    assert len(found) > 100
    without = sorted(
        area for area in found if marks.console_section(f"/console/{area}" if area else "/console") is None
    )
    assert not without, (
        f"{without} have no help: name them in beijiang/web/help.py, with a section in opendata/help/console.*.md"
    )
    gone = sorted({area for all_of in marks._CONSOLE.values() for area in all_of} - found)
    assert not gone, f"{gone} are in beijiang/web/help.py and no page of the console begins so"


@pytest.mark.parametrize("language", list(Language))
def test_every_section_is_written_in_both_languages(language: Language) -> None:
    written = ANCHOR.findall(help_text(HelpTopic.CONSOLE, language))
    assert sorted(written) == sorted(marks._CONSOLE), "opendata/help/console.*.md and beijiang/web/help.py differ"
    for section in help_text(HelpTopic.CONSOLE, language).split("\n## "):
        assert len(section.partition("\n")[2].strip()) > 20, f"{section[:40]} says nothing"
