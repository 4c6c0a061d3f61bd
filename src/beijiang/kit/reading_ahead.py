"""Read ahead in threads, so that parsing the next batch overlaps with work on this one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Generic, TypeVar

__all__ = ["ahead", "mingled"]

T = TypeVar("T")


class _End:
    """Closes the queue, with the error that ended the work, if any."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Worker(Generic[T]):
    """Runs one iterator in a thread and hands its items over through a short queue."""

    def __init__(self, produce: Callable[[], Iterator[T]], items: queue.Queue[T | _End]) -> None:
        self.items = items
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
    return mingled([produce], depth)


def mingled(producers: Sequence[Callable[[], Iterator[T]]], depth: int = 2) -> Iterator[T]:
    """Run each producer in a thread and yield what comes, as it comes; at most ``depth`` items of each wait.

    The first error ends it for all, and closing stops all threads.
    """
    items: queue.Queue[T | _End] = queue.Queue(maxsize=depth * len(producers))
    workers = [_Worker(produce, items) for produce in producers]
    try:
        for worker in workers:
            worker.thread.start()
        running = len(workers)
        while running:
            item = items.get()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                running -= 1
    finally:
        for worker in workers:
            worker.stop.set()
        for worker in workers:
            worker.thread.join()
