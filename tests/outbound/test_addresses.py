"""Where connections may go: every disguise of an inner address is seen through, and only named targets are let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from beijiang.kit import BeijiangError, Invalid, Refused, Unavailable
from beijiang.outbound import Address, Outbound, Target, Use

INNER = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "fe80::1%eth0",
]  # fmt: skip
ODD_SPELLINGS = ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost", "127.0.0.1"]


def outbound(addresses: list[str], *targets: Target) -> Outbound:
    return Outbound(lambda: targets, lambda _host, _port: addresses)


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_refused_however_they_are_written(address: str) -> None:
    with pytest.raises(Refused) as refused:
        outbound([address]).addresses("data.example.gov.cn", 443)
    assert refused.value.reason == "target_not_allowed"
    assert address not in str(refused.value.text), "the answer does not map the inner network"


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize("host", ODD_SPELLINGS)
def test_odd_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(BeijiangError) as refused:
        Outbound(lambda: ()).addresses(host, 80)
    assert refused.value.reason in {"target_not_allowed", "host_not_found"}


def test_public_addresses_are_reached() -> None:
    assert outbound(["8.8.8.8", "2606:4700::1111"]).addresses("example.com", 443) == (
        Address("8.8.8.8", 443),
        Address("2606:4700::1111", 443),
    )


@pytest.mark.threat("TM-21")
def test_a_name_with_a_good_and_a_bad_address_is_bad() -> None:
    with pytest.raises(Refused):
        outbound(["8.8.8.8", "10.0.0.1"]).addresses("example.com", 443)


@pytest.mark.threat("TM-21")
def test_a_name_that_changes_its_mind_is_checked_each_time() -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    rebinding = Outbound(lambda: (), lambda _host, _port: answers.pop(0))
    assert rebinding.addresses("example.com", 443) == (Address("8.8.8.8", 443),)
    with pytest.raises(Refused):
        rebinding.addresses("example.com", 443)


def test_a_target_opens_one_host_port_and_network() -> None:
    target = Target(host="db.bureau", port=5432, network="10.6.0.0/16")
    assert outbound(["10.6.1.20"], target).addresses("DB.bureau", 5432) == (Address("10.6.1.20", 5432),)
    for host, port, address in (
        ("db.bureau", 22, "10.6.1.20"),
        ("x.bureau", 5432, "10.6.1.20"),
        ("db.bureau", 5432, "10.7.0.1"),
    ):
        with pytest.raises(Refused):
            outbound([address], target).addresses(host, port)


def test_a_withdrawn_target_is_closed_at_the_next_connection() -> None:
    targets = [Target(host="db.bureau", port=5432, network="10.6.0.0/16")]
    way = Outbound(lambda: targets, lambda _host, _port: ["10.6.1.20"])
    assert way.addresses("db.bureau", 5432)
    targets.clear()
    with pytest.raises(Refused):
        way.addresses("db.bureau", 5432)


def test_folders_are_opened_by_name_and_links_do_not_lead_out(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "a.db").touch()
    way = Outbound(lambda: (Target(folder=str(inside)),))
    assert way.path(str(inside / "a.db")) == inside / "a.db"
    for path in (outside / "a.db", inside / "link" / "a.db", inside / ".." / "out", Path("/etc/passwd")):
        with pytest.raises(Refused) as refused:
            way.path(str(path))
        assert refused.value.reason == "folder_not_allowed"


@pytest.mark.parametrize(
    "words",
    [{}, {"host": "a", "port": 1, "network": "10.0.0.1/8"}, {"host": "a", "port": 0, "network": "10.0.0.0/8"},
     {"host": "a", "port": 1, "network": ""}, {"folder": "relative"}, {"host": "a", "port": 1, "network": "10.0.0.0/8", "folder": "/x"}],
)  # fmt: skip
def test_a_target_that_says_nothing_clear_is_refused(words: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Target(**words)  # type: ignore[arg-type]


def test_an_unknown_host_says_so() -> None:
    with pytest.raises(Unavailable) as missing:
        outbound([]).addresses("nowhere.invalid", 80)
    assert missing.value.reason == "host_not_found"


@pytest.mark.threat("TM-21")
def test_a_target_is_open_for_its_uses_and_its_department_only() -> None:
    mine = Target(host="db.bureau", port=5432, network="10.6.0.0/16", uses=frozenset({Use.PUSH}), org_id="education")
    out = outbound(["10.6.1.20"], mine)
    assert out.bound(Use.PUSH, "education").addresses("db.bureau", 5432) == (Address("10.6.1.20", 5432),)
    for use, org in ((Use.READ, "education"), (Use.CALL, "education"), (Use.PUSH, "finance"), (Use.PUSH, "")):
        with pytest.raises(Refused) as refused:
            out.bound(use, org).addresses("db.bureau", 5432)
        assert refused.value.reason == "target_not_allowed"
    with pytest.raises(Refused):
        out.addresses("db.bureau", 5432)


@pytest.mark.threat("TM-21")
def test_a_folder_is_open_for_its_uses_and_its_department_only(tmp_path: Path) -> None:
    folder = Target(folder=str(tmp_path), uses=frozenset({Use.READ}), org_id="education")
    way = Outbound(lambda: (folder,))
    assert way.bound(Use.READ, "education").path(str(tmp_path)) == tmp_path.resolve()
    for use, org in ((Use.PUSH, "education"), (Use.READ, "finance")):
        with pytest.raises(Refused):
            way.bound(use, org).path(str(tmp_path))


def test_plain_http_is_allowed_by_name_wherever_it_leads() -> None:
    network = {"port": 80, "uses": frozenset({Use.PUSH})}
    plain = Target(host="hook.example.com", network="8.8.8.0/24", plain_http=True, **network)  # type: ignore[arg-type]
    quiet = Target(host="other.example.com", network="8.8.8.0/24", **network)  # type: ignore[arg-type]
    way = outbound(["8.8.8.8"], plain, quiet).bound(Use.PUSH, "education")
    way.require_plain("hook.example.com", 80)
    for host, port in (("hook.example.com", 8080), ("other.example.com", 80), ("third.example.com", 80)):
        with pytest.raises(Refused) as refused:
            way.require_plain(host, port)
        assert refused.value.reason == "plain_http"


def test_a_target_has_a_use() -> None:
    with pytest.raises(Invalid):
        Target(host="db.bureau", port=5432, network="10.6.0.0/16", uses=frozenset())
