"""Read ahead in a thread, so that parsing the next batch overlaps with work on this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Generic, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


class _End:
    """Closes the queue, with the error that ended the work, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Worker(Generic[T]):
    """Runs one iterator in a thread and hands its items over through a short queue."""

    def __init__(self, produce: Callable[[], Iterator[T]], depth: int) -> None:
        self.items: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(produce,), name="beijiang-read-ahead", daemon=True)

    def _offer(self, item: T | _End) -> bool:
        while not self.stop.is_set():
            try:
                self.items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def _run(self, produce: Callable[[], Iterator[T]]) -> None:
        error: BaseException | None = None
        try:
            with ExitStack() as finally_close:
                source = produce()
                if hasattr(source, "close"):  # a generator holds files and connections; a plain iterator, nothing
                    finally_close.callback(source.close)
                for item in source:
                    if not self._offer(item):
                        return
        except BaseException as caught:  # noqa: BLE001  # it is raised again in the consumer's thread
            error = caught
        self._offer(_End(error))


def ahead(produce: Callable[[], Iterator[T]], depth: int = 2) -> Iterator[T]:
    """Run ``produce`` in a thread; at most ``depth`` items wait, and closing stops the thread."""
    worker = _Worker(produce, depth)
    worker.thread.start()
    try:
        while not isinstance(item := worker.items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        worker.stop.set()
        worker.thread.join()
