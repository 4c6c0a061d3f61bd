"""A folder of this machine, often a mounted share: no link is followed, and nothing outside of it is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from beijiang.ingest.connectors.contract import ConnectorOptions, Feed, option
from beijiang.ingest.connectors.files import ROOT, FileConnector, Shelf, file_changed, file_forbidden, safe_folder
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses, source_unreachable
from beijiang.ingest.models import Found
from beijiang.kit import Text

__all__ = ["Folder", "FolderOptions"]

_PIECE: Final = 1 << 20
_FOLDERS: Final = 500
_INTO: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe put there would wait for ever


class FolderOptions(ConnectorOptions):
    """Where files arrive on this machine."""

    path: str = option(
        Text("目录", "Folder"),
        Text(
            "服务器上的目录（含已挂载的共享），须在允许读取的目录之内。",
            "Folder of the server, mounted shares included, within a folder that may be read.",
        ),
    )


class Folder(FileConnector):
    """Take files from a folder of the server."""

    text: ClassVar[Text] = Text("文件夹（持续到达的文件）", "Folder (files that keep arriving)")
    options_model: ClassVar[type[ConnectorOptions]] = FolderOptions
    options: FolderOptions

    def discover(self) -> list[Feed]:
        with self._root() as (root, path), _speaking(), os.scandir(root) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
        return [Feed(name=ROOT, comment=str(path)), *(Feed(name=n) for n in names[:_FOLDERS])]

    @contextmanager
    def open(self) -> Iterator[Shelf]:
        with self._root() as (root, _):
            yield _Shelf(root)

    @contextmanager
    def _root(self) -> Iterator[tuple[int, Path]]:
        """Open the folder, and ask once more where it is: on the way to it a name may have become a link."""
        path = self.outbound.path(self.options.path)
        if not path.is_dir():
            raise source_refuses("source_object_missing")
        with _speaking():
            root = os.open(path, _INTO)
        try:
            with _speaking():
                here = Path(f"/proc/self/fd/{root}").readlink()
            yield root, self.outbound.path(str(here))
        finally:
            os.close(root)


class _Shelf(Shelf):
    """Everything is opened from the folder's own handle, one part of the path after the other."""

    def __init__(self, root: int) -> None:
        self._root = root

    def listing(self, feed: str, *, deep: bool) -> Iterator[Found]:
        with self._within(feed) as folder, _speaking():
            yield from _listed(folder, "", deep=deep)

    def read(self, feed: str, found: Found) -> Iterator[bytes]:
        above, _, leaf = found.name.rpartition("/")
        place = "/".join(p for p in (feed if feed != ROOT else "", above) if p)
        with self._within(place or ROOT) as folder, _opened(leaf, folder) as file:
            yield from _pieces(file, found)

    @contextmanager
    def _within(self, feed: str) -> Iterator[int]:
        folder = os.dup(self._root)
        try:
            for part in [] if feed == ROOT else safe_folder(feed).split("/"):
                try:
                    inner = os.open(part, _INTO, dir_fd=folder)
                except (FileNotFoundError, NotADirectoryError) as error:
                    raise feed_missing(feed) from error
                except PermissionError as error:
                    raise source_refuses("source_forbidden") from error
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _listed(folder: int, above: str, *, deep: bool) -> Iterator[Found]:
    inner: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{above}{entry.name}"
            if entry.is_symlink():
                yield Found(name, None, "", fault="link")
            elif entry.is_file(follow_symlinks=False):
                try:
                    about = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield Found(name, about.st_size, _mark(about), datetime.fromtimestamp(about.st_mtime, UTC))
            elif deep and entry.is_dir(follow_symlinks=False):
                inner.append(entry.name)
    for name in inner:
        try:
            below = os.open(name, _INTO, dir_fd=folder)
        except (FileNotFoundError, PermissionError):
            continue
        try:
            yield from _listed(below, f"{above}{name}/", deep=True)
        finally:
            os.close(below)


@contextmanager
def _opened(leaf: str, folder: int) -> Iterator[int]:
    try:
        file = os.open(leaf, _FILE, dir_fd=folder)
    except PermissionError as error:
        raise file_forbidden() from error
    except OSError as error:
        raise file_changed() from error
    try:
        yield file
    finally:
        os.close(file)


def _pieces(file: int, found: Found) -> Iterator[bytes]:
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode) or (about.st_size, _mark(about)) != (found.size, found.mark):
        raise file_changed()
    came = 0
    try:
        while piece := os.read(file, _PIECE):
            came += len(piece)
            yield piece
    except OSError as error:
        raise source_unreachable(str(error.errno or "")) from error
    about = os.fstat(file)
    if came != found.size or (about.st_size, _mark(about)) != (found.size, found.mark):
        raise file_changed()


def _mark(about: os.stat_result) -> str:
    """Return both times: programs that copy set the one, and only the system sets the other."""
    return f"{about.st_mtime_ns:x}-{about.st_ctime_ns:x}"


@contextmanager
def _speaking() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise source_refuses("source_forbidden") from error
    except FileNotFoundError as error:
        raise source_refuses("source_object_missing") from error
    except OSError as error:
        raise source_unreachable(str(error.errno or "")) from error
