"""Sealed secrets: what opens, what does not, and what a thief of the database or of the key file gets."""

from __future__ import annotations

import contextlib
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beijiang.crypto import RootKeys, Vault
from beijiang.kit import Invalid, Unavailable

SECRET = "口令-Kp9!x"
PLACE = {"purpose": "connector", "context": "src_1/password"}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(RootKeys(tmp_path / "home.key"))


def test_a_secret_comes_back_and_never_shows(vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    assert vault.open(sealed, **PLACE) == SECRET
    assert SECRET not in sealed
    assert sealed != vault.seal(SECRET, **PLACE), "equal secrets do not look equal"


@pytest.mark.parametrize("moved", [{"context": "src_2/password"}, {"purpose": "webhook"}])
def test_a_sealed_text_opens_only_in_its_place(vault: Vault, moved: dict[str, str]) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    with pytest.raises(Invalid, match="moved from its place"):
        vault.open(sealed, **{**PLACE, **moved})


@given(position=st.integers(min_value=0, max_value=10_000), flip=st.integers(min_value=1, max_value=127))
def test_a_changed_text_never_opens_as_something_else(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    vault = Vault(RootKeys(tmp_path_factory.mktemp("keys") / "home.key"))
    sealed = vault.seal(SECRET, **PLACE)
    at = position % len(sealed)
    changed = sealed[:at] + chr(ord(sealed[at]) ^ flip) + sealed[at + 1 :]
    with contextlib.suppress(Invalid, Unavailable):
        assert vault.open(changed, **PLACE) == SECRET  # base64 ignores some spellings


def test_rotation_keeps_every_secret_readable(vault: Vault) -> None:
    old = vault.seal(SECRET, **PLACE)
    assert not vault.is_old(old)
    assert vault.new_root_key() == 2
    assert vault.is_old(old)
    assert vault.open(old, **PLACE) == SECRET
    new = vault.rewrap(old, **PLACE)
    assert not vault.is_old(new)
    assert vault.open(new, **PLACE) == SECRET
    assert new.rsplit(".", 1)[1] == old.rsplit(".", 1)[1], "the data key was wrapped anew, the secret never opened"


def test_the_key_file_is_the_owners_alone(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / "home.key"
    sealed = vault.seal(SECRET, **PLACE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(Invalid) as exposed:
        vault.open(sealed, **PLACE)
    assert exposed.value.reason == "root_key_exposed"


def test_a_lost_key_says_what_to_do(tmp_path: Path, vault: Vault) -> None:
    sealed = vault.seal(SECRET, **PLACE)
    (tmp_path / "home.key").unlink()
    with pytest.raises(Unavailable) as lost:
        vault.open(sealed, **PLACE)
    assert lost.value.reason == "root_key_missing"
    other = Vault(RootKeys(tmp_path / "other.key"))
    other.seal("x", **PLACE)
    with pytest.raises(Invalid):
        other.open(sealed, **PLACE)


def test_of_two_processes_that_make_the_first_key_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "home.key"
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda n: Vault(RootKeys(path)).seal(str(n), **PLACE), range(8)))
    assert [Vault(RootKeys(path)).open(text, **PLACE) for text in sealed] == [str(n) for n in range(8)]
