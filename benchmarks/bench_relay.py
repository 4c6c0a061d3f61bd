"""Relayed applications and servers of bundles: what passing through the platform costs beside asking straight.

    PYTHONPATH=src python benchmarks/bench_relay.py [requests]

The upstream is a small server of the standard library on this machine; the platform stands behind uvicorn in this process, and so
do both ends of the measurement. The server of a bundle answers the same bytes in its own process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from report import Line, median_seconds, show

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / name) for name in ("apps", "mining")]
from hosting import bundle, released  # noqa: E402
from oidc import Served  # noqa: E402
from upstreams import Upstream  # noqa: E402

from beijiang.apps import AudienceKind, Plan  # noqa: E402
from beijiang.kit import SYSTEM  # noqa: E402
from beijiang.outbound import Target, Use  # noqa: E402

AT_ONCE = 8
MAIN = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"0123456789"})
"""


def main(requests: int) -> None:
    upstream = Upstream()
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        served = Served(Path(folder), app_domain="apps.example", relay_at_once=64)
        try:
            lines = [*_relay(served, upstream, requests), *_server(served)]
        finally:
            served.close()
            upstream.close()
    show(f"relayed applications and servers of bundles, {requests:,} requests, SQLite", lines)


def _relay(served: Served, upstream: Upstream, requests: int) -> list[Line]:
    uses = frozenset({Use.CALL})
    allowed = Target(host="127.0.0.1", port=upstream.port, network="127.0.0.1/32", uses=uses, plain_http=True)
    served.platform.sources.allow(SYSTEM, allowed, "bench")
    client, _ = served.client(upstream=upstream.address, label="bench-app")
    codes, subscriptions = served.office.codes, served.platform.subscriptions
    asked = subscriptions.ask(codes["steward"], client.id, "relay", Plan.LARGE)
    subscriptions.decide(codes["reviewer"], asked.id, approve=True, note="bench")
    relay, first = served.platform.relay, codes["first"]
    relay.agree(first, client.id)
    nonce = "n" * 43
    from beijiang.apps import digest_of_secret

    ticket = relay.enter(first, client.id, digest_of_secret(nonce), "/").partition("ticket=")[2].partition("&")[0]
    heads = {"Host": relay.address(client).removeprefix("http://")}
    heads["Cookie"] = f"__Host-beijiang-visit={relay.redeem(client, ticket, nonce)}"

    def through() -> None:
        answer = served.http.get("/start", headers=heads)
        assert answer.status_code == 200, answer.text

    straight = httpx.Client(base_url=upstream.address)
    bare = median_seconds(lambda: straight.get("/start"), runs=51)
    one = median_seconds(through, runs=51)
    with ThreadPoolExecutor(AT_ONCE) as hands:
        begin = time.perf_counter()
        list(hands.map(lambda _: through(), range(requests)))
        rate = requests / (time.perf_counter() - begin)
    body = b"x" * (16 << 20)
    own = {**heads, "Origin": relay.address(client)}
    begin = time.perf_counter()
    assert served.http.post("/up", headers=own, content=body).json() == {"got": len(body)}
    up = time.perf_counter() - begin
    begin = time.perf_counter()
    assert straight.post("/up", content=body).json() == {"got": len(body)}
    bare_up = time.perf_counter() - begin
    straight.close()
    return [
        Line("one request through the relay, median", one * 1000, "limit", 30, 1, "ms"),
        Line("the same, beside asking straight", one * 1000, "straight", bare * 1000, 15, "ms"),
        Line(f"a request, {AT_ONCE} at once", 1000 / rate, "limit", 20, 1, "ms"),
        Line("16 MB sent up through the relay", up, "limit", 1, 1, "s"),
        Line("the same, beside asking straight", up, "straight", bare_up, 25, "s"),
    ]


def _server(served: Served) -> list[Line]:
    from asking import firm

    served.platform.jobs.start_worker()
    served.office.write([firm(n) for n in range(60)])
    served.office.publish()
    released(served.office, bundle(server__main_py=MAIN), AudienceKind.DEPARTMENTS, "education", "health")
    reader = served.reader("first")

    def asked() -> None:
        answer = reader.get("/apps/firms-app/server/")
        assert answer.status_code == 200, answer.text

    begin = time.perf_counter()
    asked()
    cold = time.perf_counter() - begin
    warm = median_seconds(asked, runs=51)
    return [
        Line("a bundle's server, first request (process begins)", cold * 1000, "limit", 2000, 1, "ms"),
        Line("a bundle's server, one request, median", warm * 1000, "limit", 100, 1, "ms"),
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
