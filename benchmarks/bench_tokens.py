"""Tokens of applications: issued by the protocol's own step, and checked as every request with one is.

    PYTHONPATH=src python benchmarks/bench_tokens.py [tokens]

Issue and check stand for one call each of the token end-point's service and of ``Access.actor_for``, without the web server.
"""

from __future__ import annotations

import sys
import tempfile
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import Line, median_seconds, show

from beijiang.access import PersonDraft, Role
from beijiang.apps import ClientDraft, ProtocolCall
from beijiang.build import build
from beijiang.kit import SYSTEM, Actor
from beijiang.settings import Settings

AT_ONCE = 16


def main(tokens: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bj-bench-") as folder:
        platform = build(Settings.for_tests(Path(folder)))
        platform.first_start()
        draft = PersonDraft(login="dev", name="开发", org_id="education", roles=frozenset({Role.STEWARD}))
        platform.access.add_person(SYSTEM, draft)
        dev: Actor = platform.access.actor_for_person("dev")
        words = {"name": "应用", "purpose": "测速", "scopes": frozenset({"opendata:dataset:read"}), "machine": True}
        client = platform.clients.register(dev, ClientDraft(**words))
        platform.clients.review(SYSTEM, client.id, approve=True, note="bench")
        _, secret = platform.clients.new_secret(dev, client.id)
        head = "Basic " + b64encode(f"{client.id}:{secret}".encode()).decode()
        call = ProtocolCall(method="POST", fields=[("grant_type", "client_credentials")], authorization=head)
        issued = [str(platform.sign_on.token(call).body["access_token"]) for _ in range(20)]

        def issue(_: int) -> str:
            return str(platform.sign_on.token(call).body["access_token"])

        def pair(_: int) -> str:
            fresh = issue(0)
            assert platform.access.actor_for({}, f"Bearer {fresh}").id == client.id
            return fresh

        alone = median_seconds(lambda: issue(0), runs=51)
        with ThreadPoolExecutor(AT_ONCE) as hands:
            begin, worked = time.perf_counter(), time.process_time()
            issued += hands.map(pair, range(tokens))
            together = (time.perf_counter() - begin) / tokens
            worked = (time.process_time() - worked) / tokens
        one = median_seconds(lambda: platform.access.actor_for({}, f"Bearer {issued[0]}"), runs=201)
        platform.close()
    show(
        f"tokens of applications, {tokens:,} issued and checked, SQLite",
        [
            Line(f"issue and check, {AT_ONCE} at once, per token", together * 1000, "500/s", 2, 1, "ms"),
            Line("the same, processor time per token", worked * 1000, "500/s", 2, 1, "ms"),
            Line("one issue, median", alone * 1000, "500/s", 2, 1, "ms"),
            Line("one check, median", one * 1000, "bar", 1, 1, "ms"),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
