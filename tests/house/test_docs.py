"""The documentation's reference pages are what the program says of itself; nothing is undocumented."""

import re
from pathlib import Path

import pytest

from beijiang import reference
from beijiang.access import Permission
from beijiang.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    committed = ROOT / "docs" / "reference" / name
    assert committed.exists(), "run: make docs"
    assert committed.read_text(encoding="utf-8") == reference.PAGES[name](), "run: make docs"


def test_every_setting_has_help_and_every_permission_both_languages() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert all(p.text.zh and p.text.en for p in Permission)


def test_every_command_has_help() -> None:
    page = reference.commands_page()
    assert "\n\n\n\n" not in page
    for block in page.split("## ")[1:]:
        title, _, rest = block.partition("\n")
        assert rest.strip(), f"{title} has no help"


def test_every_front_door_says_what_it_is_and_owns() -> None:
    for door in (ROOT / "src" / "beijiang").glob("*/__init__.py"):
        text = door.read_text(encoding="utf-8")
        assert text.startswith('"""'), door
        assert "__all__" in text, door


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "explanation" / "dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[\[<>=~]", line)[0] for line in (ROOT / "requirements" / "runtime.in").read_text().split()]
    assert not [name for name in names if name not in page]


def test_local_links_of_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken, "\n".join(broken)


def test_every_page_of_the_documentation_is_listed() -> None:
    docs = ROOT / "docs"
    listed = set(re.findall(r"\]\(([^)#]+)\)", (docs / "README.md").read_text(encoding="utf-8")))
    pages = {
        p.relative_to(docs).as_posix() for f in ("tutorials", "how-to", "explanation") for p in docs.glob(f"{f}/*.md")
    }
    assert not pages - listed
