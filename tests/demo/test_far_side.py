"""The demo's far side comes and goes: what knew its address follows it, and nothing goes there once it is gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from beijiang.access import RegionFacts
from beijiang.build import build
from beijiang.demo.exchanging import _SERVICE, _SOURCE, _service, _service_entry, add_service
from beijiang.demo.far_side import CITIES, HOST
from beijiang.demo.tour import Tour
from beijiang.exchange import ServiceState
from beijiang.kit import SYSTEM
from beijiang.settings import Settings


@pytest.fixture
def tour(tmp_path: Path) -> Iterator[Tour]:
    platform = build(Settings.for_tests(tmp_path))
    platform.first_start()
    found = Tour(platform)
    names = ("regions", "jurisdictions", "departments_2018")
    platform.access.seed_region(SYSTEM, RegionFacts(*(tuple(platform.standards.table(name)) for name in names)))
    found.people.ensure([_SOURCE, "industry"])
    yield found
    platform.close()


def test_a_service_that_was_only_registered_follows_the_far_side_and_is_offered(tour: Tour) -> None:
    platform, steward = tour._platform, tour.people.actor(f"steward.{_SOURCE}")
    with tour.far_side as far:
        tour.settle()
        entry = _service_entry(platform, tour.people.actor)
        platform.offered.register(steward, _service(entry.id, far), far.call_secret)
        first = far.port
    with socket.create_server((HOST, first)), tour.far_side as far:  # somebody else has the port by now
        assert far.port != first
        tour.settle()
        add_service(platform, far, tour.people.actor)
        service = next(one for one in platform.offered.services(steward)[0] if one.name == _SERVICE)
        assert service.state is ServiceState.OFFERED
        assert platform.offered.view(steward, service.id).version.spec.base_url == far.base


def test_nothing_goes_to_its_port_once_it_is_gone(tour: Tour) -> None:
    platform, security = tour._platform, tour.people.actor("secadmin")
    steward = tour.people.actor(f"steward.{_SOURCE}")
    with tour.far_side as far:
        tour.settle()
        add_service(platform, far, tour.people.actor)
        service = next(one for one in platform.offered.services(steward)[0] if one.name == _SERVICE)
        assert platform.offered.test(steward, service.id, {"city": CITIES[0]}).ok
        tour.part()
        assert [one for one in platform.sources.targets(security) if one.host == HOST] == []
        assert not platform.offered.test(steward, service.id, {"city": CITIES[0]}).ok, "though it still listens"
        tour.settle()
        assert platform.offered.test(steward, service.id, {"city": CITIES[0]}).ok
