"""Graphs of enterprises: declared on governed tables, loaded for each reader as he may see them, asked."""

from beijiang.mining.service.graphs.asking import Asking
from beijiang.mining.service.graphs.whole import Whole

__all__ = ["Graphs"]


class Graphs(Asking, Whole):
    """Declare graphs and ask them: chains, real controllers, circles, related parties, shortest chains, communities."""
