"""Software agents: the catalog and the gate as tools that a language model may call (Model Context Protocol).

Owns no table. An agent is the person whose key it bears, or a visitor: every row comes through the gate, every answer is cited,
small, and says what to do next. Nothing of the protocol's library is loaded before the first call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.agents.models import TOOLS, Tool
    from beijiang.agents.service import Agents

__all__ = ["TOOLS", "Agents", "Tool"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.agents import models, service

    return getattr(service if name == "Agents" else models, name)
