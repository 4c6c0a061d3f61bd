"""The home that a command works on: its settings, its platform, its address. Each is made when first asked for."""

from __future__ import annotations

import gc
import os
from functools import cache
from typing import TYPE_CHECKING

from beijiang.kit import NotFound

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from beijiang.platform import Platform
    from beijiang.settings import Settings

__all__ = ["choose", "listen_at", "platform", "reserve", "settings"]

_home: Path | None = None
_makes_home = False


def choose(home: Path | None, *, makes: bool) -> None:
    """Work on this home (None: the one of the settings), and make it if it is not there and the command ``makes`` homes."""
    global _home, _makes_home  # the one piece of state that exists before anything is built
    _home, _makes_home = home, makes


@cache
def settings() -> Settings:
    """Return the settings of the chosen home."""
    from beijiang.settings import Settings

    return Settings.load(_home)


@cache
def platform() -> Platform:
    """Build the platform once, when the first command asks for it.

    Raises:
        NotFound: there is no such home, and the command is not one that makes it.

    """
    if not _makes_home and not settings().home.is_dir():
        raise NotFound(
            f"没有主目录 {settings().home}。请检查 --home（或 BEIJIANG_HOME），或先运行 beijiang init。",
            f"There is no home {settings().home}. Check --home or BEIJIANG_HOME, or run beijiang init first.",
            code="no_home",
        )
    from beijiang.build import build

    built = build(settings())
    if not gc.isenabled():  # see ``run`` of the terminal
        gc.freeze()  # what stands now stays: no collection need go through it again
        gc.enable()
    return built


def reserve() -> Callable[[Platform], None]:
    """Take the address now, before a long build, and return what serves there later."""
    from beijiang.worker import answer_requests

    listener = listen_at(settings().host, settings().port)
    return lambda built: answer_requests(built, listener)


def listen_at(host: str, port: int) -> socket.socket:
    """Take the address; links lead there, unless the settings name the address that visitors use."""
    from beijiang.worker import address_of, listen

    listener = listen(host, port)
    if "public_url" not in settings().model_fields_set:
        os.environ["BEIJIANG_PUBLIC_URL"] = address_of(listener)  # read with the rest, below
        settings.cache_clear()
    return listener
