"""The receipt of a delivery that is on its way to the disk: had by waiting for it, in a thread or in an event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from beijiang.ingest.models import Receipt
from beijiang.kit import Unavailable

__all__ = ["WAIT", "Promise"]

WAIT: Final = 60.0
"""Seconds for which a sender waits at most."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What will be the receipt of a delivery."""

    future: Future[Receipt]
    again: bool = False
    """Another request brought the same delivery first; its receipt counts for both."""

    def wait(self) -> Receipt:
        """Return the receipt once the delivery is on disk.

        Raises:
            Unavailable: it could not be written, or not yet; the sender sends it again.

        """
        try:
            return self._mine(self.future.result(WAIT))
        except TimeoutError as error:
            raise _slow() from error

    async def answer(self) -> Receipt:
        """Do as ``wait`` does, and leave the thread to others meanwhile."""
        loop = asyncio.get_running_loop()
        here: asyncio.Future[Receipt] = loop.create_future()
        late = loop.call_later(WAIT, _settle, here, None)
        self.future.add_done_callback(lambda done: loop.call_soon_threadsafe(_settle, here, done))
        try:
            return self._mine(await here)
        finally:
            late.cancel()

    def _mine(self, first: Receipt) -> Receipt:
        return Receipt(first.id, first.messages, again=True) if self.again else first


def _settle(here: asyncio.Future[Receipt], done: Future[Receipt] | None) -> None:
    """Hand on what became of a delivery, or that nothing did; whoever asked may be gone by now."""
    if here.done():
        return
    error = _slow() if done is None else done.exception()
    if error is not None:
        here.set_exception(error)
    elif done is not None:
        here.set_result(done.result())


def _slow() -> Unavailable:
    """Say that it may get to disk yet; under its key it then counts once."""
    return Unavailable(
        "磁盘太慢，还不能确认已接收。请以同一个 Idempotency-Key 重发。",
        "The disk is too slow to say that it was received. Send it again under the same Idempotency-Key.",
        code="spool_slow",
    )
