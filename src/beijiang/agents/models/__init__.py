"""What an agent may ask, what it is told, and the caps of both."""

from beijiang.agents.models import answers, arguments
from beijiang.agents.models.answers import Citation, Reason, refusal
from beijiang.agents.models.arguments import FilterAsked, SortAsked
from beijiang.agents.models.fitting import ANSWER_BYTES, clean, fit, whole_bytes
from beijiang.agents.models.tools import TOOLS, Tool

__all__ = [
    "ANSWER_BYTES",
    "TOOLS",
    "Citation",
    "FilterAsked",
    "Reason",
    "SortAsked",
    "Tool",
    "answers",
    "arguments",
    "clean",
    "fit",
    "refusal",
    "whole_bytes",
]
