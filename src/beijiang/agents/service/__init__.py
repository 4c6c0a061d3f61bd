"""The verbs of agents, one for each tool."""

from beijiang.agents.service.acting import Acting
from beijiang.agents.service.finding import Finding
from beijiang.agents.service.reading import Reading

__all__ = ["Agents"]


class Agents(Acting, Finding, Reading):
    """Find, look, read, summarise, ask in SQL and draft a request, as the person whose key the agent bears."""
