"""The verbs of stream rules and their alerts."""

from beijiang.mining.service.stream_rules.declaring import Declaring
from beijiang.mining.service.stream_rules.handling import Handling, Timeline
from beijiang.mining.service.stream_rules.hearing import Hearing

__all__ = ["StreamRules", "Timeline"]


class StreamRules(Hearing, Declaring, Handling):
    """Judge readings as they arrive, raise alerts within seconds, and keep what people do about them."""
