"""The own folder of an application's server, as a platform without the rights of root looks at it and empties it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from beijiang.apps.service.serving.folders import Held, held_in, put_aside, sweep_aside

NOBODY = 65534


@pytest.fixture
def folders() -> Iterator[Path]:
    """Return the folder of all servers, as somebody who is not root."""
    made = Path(tempfile.mkdtemp(prefix="folders-"))
    root = os.geteuid() == 0
    if root:
        os.chown(made, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield made
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(made)


@pytest.fixture
def outside() -> Iterator[Path]:
    """Return a folder of somebody else's work beside it, to which a link leads."""
    made = Path(tempfile.mkdtemp(prefix="outside-"))
    made.chmod(0o755)
    (made / "kept").write_text("kept", encoding="utf-8")
    yield made
    shutil.rmtree(made)


def test_what_a_server_closed_counts_as_too_much_and_is_removed_for_good(outside: Path, folders: Path) -> None:
    own = folders / "app"
    deep = own / "work" / "closed" / "deeper"
    deep.mkdir(parents=True)
    (deep / "large").write_bytes(b"x" * 1000)
    (own / "work" / "closed" / "link").symlink_to(outside)
    assert held_in(own).bytes >= 1000
    assert not held_in(own).is_full
    deep.chmod(0o000)
    deep.parent.chmod(0o000)
    assert held_in(own).closed
    assert held_in(own).is_full
    aside = put_aside(own)
    assert aside is not None
    assert held_in(own) == Held(0, 0)
    sweep_aside(folders)
    assert not aside.exists()
    assert (outside / "kept").read_text(encoding="utf-8") == "kept"
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o500, 0o100])
def test_it_is_removed_however_it_was_closed(folders: Path, mode: int) -> None:
    work = folders / "app" / "work"
    work.mkdir(parents=True)
    (work / "one").touch()
    work.chmod(mode)
    assert held_in(folders / "app").is_full is (mode != 0o500)
    aside = put_aside(folders / "app")
    sweep_aside(folders)
    assert aside is not None
    assert not aside.exists()


def test_a_folder_that_is_not_there_holds_nothing(folders: Path) -> None:
    assert held_in(folders / "none") == Held(0, 0)
    assert put_aside(folders / "none") is None
