"""The client for programs that do many things at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from beijiang.client import asking, plans
from beijiang.client.plans import Ask, Came, Options, Plan, Wait

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from beijiang.client.models import Dataset, Grant, RowPage, SearchResult, SqlResult

__all__ = ["AsyncClient", "AsyncRows"]

T = TypeVar("T")


class AsyncRows:
    """The rows of one question; every walk begins anew and follows the server's cursor to the end."""

    def __init__(self, client: AsyncClient, ask: Ask) -> None:
        self._client = client
        self._ask = ask

    async def pages(self) -> AsyncIterator[RowPage]:
        """Yield page by page; all are of the version of the first."""
        cursor: str | None = None
        while True:
            page = await self._client.drive(plans.page(self._ask, cursor, self._client.options))
            yield page
            if (cursor := page.next) is None:
                return

    async def __aiter__(self) -> AsyncIterator[Mapping[str, Any]]:
        async for page in self.pages():
            for row in page.rows:
                yield row

    async def to_arrow(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return asking.arrow([row async for row in self])

    async def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a pandas frame."""
        return asking.pandas([row async for row in self])

    async def to_polars(self) -> pl.DataFrame:
        """Return all rows as a polars frame."""
        return asking.polars([row async for row in self])


class AsyncClient:
    """Speak to one platform, as a visitor or with a key; close it, or use it in a ``async with`` block."""

    def __init__(self, url: str, key: str | None = None, options: Options | None = None) -> None:
        self.options = options or Options()
        self._http = httpx.AsyncClient(
            **asking.settings(url, key, self.options),
            transport=httpx.AsyncHTTPTransport(uds=self.options.socket) if self.options.socket else None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def search(
        self, words: str = "", *, page: int = 1, size: int = 20, facets: Mapping[str, str] | None = None
    ) -> SearchResult:
        """Find published data sets by words, Chinese or pinyin."""
        return await self.drive(plans.search(words, facets or {}, page, size, self.options))

    async def dataset(self, dataset_id: str) -> Dataset:
        """Return one data set."""
        return await self.drive(plans.dataset(dataset_id, self.options))

    def rows(
        self,
        dataset_id: str,
        *,
        where: Mapping[str, Any] | None = None,
        columns: Sequence[str] = (),
        sort: str = "",
        size: int = 1000,
    ) -> AsyncRows:
        """Return the rows of an open data set; ``where`` is ``{"column__op": value}``."""
        return AsyncRows(self, asking.rows_asked(plans.open_address(dataset_id), where or {}, columns, sort, size))

    def granted_rows(
        self,
        table: str,
        *,
        purpose: str = "",
        where: Mapping[str, Any] | None = None,
        columns: Sequence[str] = (),
        sort: str = "",
        size: int = 1000,
    ) -> AsyncRows:
        """Return the rows of a table under a grant of the key's organisation."""
        path = plans.grant_address(table)
        return AsyncRows(self, asking.rows_asked(path, where or {}, columns, sort, size, purpose))

    async def sql(self, text: str, purpose: str = "") -> SqlResult:
        """Run one SELECT over the tables that the key may use."""
        return await self.drive(plans.sql(text, purpose, self.options))

    async def grants(self) -> tuple[Grant, ...]:
        """Return the grants of and to the key's organisation."""
        return await self.drive(plans.grants(self.options))

    async def receipt(self, receipt_id: str) -> Mapping[str, Any]:
        """Return the receipt file of one read, for ``beijiang verify``."""
        return await self.drive(plans.receipt(receipt_id, self.options))

    async def download(
        self,
        dataset_id: str,
        target: Path | str,
        *,
        format: str = "csv",  # noqa: A002 - the server's word
        progress: Callable[[int], object] | None = None,
    ) -> Path:
        """Write all rows of an open data set into a file, which appears when it is whole; tell the bytes so far."""
        query = [("format", format)]
        return await self.save(plans.file_address(dataset_id), target, query=query, progress=progress)

    async def call(
        self, method: str, path: str, *, query: Sequence[tuple[str, str]] = (), body: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask anything of the API, e.g. ``call("GET", "/api/v1/session")``; return the JSON that came, or nothing."""
        return await self.drive(plans.answer(Ask(method, path, query, body), self.options))

    async def save(
        self,
        path: str,
        target: Path | str,
        *,
        query: Sequence[tuple[str, str]] = (),
        purpose: str = "",
        progress: Callable[[int], object] | None = None,
    ) -> Path:
        """Write the file that an address gives, which appears when it is whole; tell the bytes so far."""
        target = Path(target)
        headers = {"X-Beijiang-Purpose": purpose} if purpose else {}
        part, done = asking.part_of(target), 0
        try:
            async with self._http.stream("GET", path, params=list(query), headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                if (failure := asking.failed_file(answer)) is not None:
                    raise failure
                with part.open("wb") as file:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
                        done += len(piece)
                        if progress is not None:
                            progress(done)
            part.replace(target)
        except httpx.TransportError as error:
            raise asking.unreachable(error) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    async def send(
        self,
        path: str,
        source: Path,
        *,
        query: Sequence[tuple[str, str]] = (),
        progress: Callable[[int], object] | None = None,
    ) -> Any:
        """Send the bytes of a file as the body of a request, never the whole in memory; tell the bytes so far."""

        async def content() -> AsyncIterator[bytes]:
            for piece in asking.pieces(source, progress):
                yield piece

        headers = asking.weighed(source)
        try:
            return asking.body_of(
                await self._http.request("POST", path, params=list(query), content=content(), headers=headers)
            )
        except httpx.TransportError as error:
            raise asking.unreachable(error) from error

    async def hand_in(self, path: str, name: str, content: bytes, *, query: Sequence[tuple[str, str]] = ()) -> Any:
        """Hand in a small file as a form does, under a name."""
        try:
            return asking.body_of(
                await self._http.request("POST", path, params=list(query), files={"file": (name, content)})
            )
        except httpx.TransportError as error:
            raise asking.unreachable(error) from error

    async def drive(self, plan: Plan[T]) -> T:
        """Do what a plan says until it is done."""
        came: Came | None = None
        while True:
            try:
                step = plan.send(came)
            except StopIteration as done:
                result: T = done.value
                return result
            came = await self._do(step)

    async def _do(self, step: Ask | Wait) -> Came | None:
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
            return None
        try:
            answer = await self._http.request(
                step.method, step.path, params=list(step.query), json=step.body, headers=dict(step.headers)
            )
        except httpx.TransportError as error:
            return Came(trouble=asking.unreachable(error))
        return asking.came_of(answer)
