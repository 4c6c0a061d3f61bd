"""Settings come from the home and the environment; a wrong one is named, with what is right, and never with its value."""

from pathlib import Path

import pytest

from beijiang.build import build
from beijiang.kit import BeijiangError, Invalid, Unavailable
from beijiang.settings import TOML_NAME, Settings
from beijiang.worker import warn


def home(folder: Path, *lines: str) -> Path:
    (folder / TOML_NAME).write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_environment_is_heavier_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home(tmp_path, "port = 8200", 'region_name = "赤峰市"')
    monkeypatch.setenv("BEIJIANG_PORT", "8300")
    found = Settings.load(folder)
    assert (found.port, found.region_name, found.home) == (8300, "赤峰市", folder)


@pytest.mark.parametrize(
    ("line", "zh", "en"),
    [
        ("prot = 1", "没有设置“prot”，是不是 port？", "There is no setting “prot”; did you mean port?"),
        ('port = "abc"', "应为整数", "valid integer"),
        ("port = 70000", "不能大于 65535", "less than or equal to 65535"),
        ('language = "fr"', "可选", "'zh-CN' or 'en'"),
        ('time_zone = "Mars/Olympus"', "没有这个时区", "no such time zone"),
        ('public_url = "beijiang.example"', "应以 http:// 或 https:// 开头", "begins with http:// or https://"),
        ('database_url = "mysql://me:hidden@db/x"', "应以 postgresql://", "begins with postgresql://"),
        ("port = [", "不是正确的 TOML", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, zh: str, en: str) -> None:
    with pytest.raises(Invalid) as caught:
        Settings.load(home(tmp_path, line))
    assert caught.value.reason == "settings_wrong"
    assert zh in caught.value.text.zh
    assert en in caught.value.text.en
    assert "hidden" not in caught.value.text.zh + caught.value.text.en


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_address_may_be_written_as_everywhere(scheme: str) -> None:
    found = Settings.model_validate({"database_url": f"{scheme}://me@db/x"})
    assert found.metadata_url == "postgresql+psycopg://me@db/x"
    assert Settings.model_validate({"database_url": ""}).metadata_url.startswith("sqlite:///")


def test_a_database_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    address = "postgresql://me:hidden@127.0.0.1:1/x"
    with pytest.raises(Unavailable) as caught:
        build(Settings.for_tests(tmp_path, database_url=address))
    assert caught.value.reason == "database_unreachable"
    assert isinstance(caught.value, BeijiangError)
    assert "hidden" not in caught.value.text.en


@pytest.mark.parametrize(("written", "taken"), [(5, 60), (59, 60), (60, 60), (300, 300)])
def test_looks_at_applications_that_were_set_too_close_still_start_and_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], written: int, taken: int
) -> None:
    chosen = Settings.for_tests(tmp_path, health_seconds=written)
    assert chosen.health_every == taken
    warn(chosen)
    told = capsys.readouterr()
    assert ("health_seconds" in told.out + told.err) is (written != taken)
