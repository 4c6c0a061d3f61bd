"""A home that is copied as the how-to says has its documents; one that lost the folder of the documents is found out."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from asking import ORIGIN, open_office

from beijiang.build import Platform, build
from beijiang.kit import Actor
from beijiang.mining import DocumentDraft
from beijiang.settings import Settings

WORDS = "全区防汛会议纪要。水库水位每日报送。"


def finding(platform: Platform) -> tuple[bool, str]:
    found = next(one for one in platform.health.examine() if one.name == "texts")
    return found.ok, found.text.en


def test_documents_come_back_with_the_home(tmp_path: Path) -> None:
    office = open_office(tmp_path / "home")
    steward = office["steward"]
    draft = DocumentDraft(name="纪要.txt", title="防汛纪要")
    made = office.platform.texts.add(steward, "education", draft, io.BytesIO(WORDS.encode()))
    home = office.platform.settings.home
    assert finding(office.platform)[0]
    office.close()

    backup = tmp_path / "backup"
    shutil.copytree(home, backup / home.name, symlinks=True)
    shutil.rmtree(home)
    shutil.copytree(backup / home.name, home, symlinks=True)  # as the how-to says: put the copy in the home's place

    restored = build(Settings.for_tests(tmp_path / "home", public_url=ORIGIN))
    try:
        who: Actor = restored.access.actor_for_person("steward")
        assert restored.texts.text(who, made.id) == WORDS
        assert restored.texts.landing.path(made.sha256).read_bytes() == WORDS.encode()
        assert finding(restored) == (True, "the documents are in the folder texts")
        path = restored.texts.landing.path(made.sha256)
        path.chmod(0o600)
        path.write_text("another text")
        changed = finding(restored)
        path.unlink()
        gone = finding(restored)
    finally:
        restored.close()
    for ok, words in (changed, gone):
        assert not ok
        assert made.id in words
        assert "防汛纪要" not in words
