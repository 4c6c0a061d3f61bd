"""The verbs of relayed applications: who visits them, what passes, and whether they answer."""

from beijiang.apps.service.relay.health import HealthWatch
from beijiang.apps.service.relay.passing import RelayAsk, RelayStart
from beijiang.apps.service.relay.visits import Passage, Relay

__all__ = ["HealthWatch", "Passage", "Relay", "RelayAsk", "RelayStart"]
