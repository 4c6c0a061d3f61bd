"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands
from beijiang.mining.commands.forecasting import forecast_commands
from beijiang.mining.commands.graphs import commands as graph_commands
from beijiang.mining.commands.learning import models
from beijiang.mining.commands.notebooks import notebook_commands
from beijiang.mining.commands.stream_rules import alerts
from beijiang.mining.commands.texts import texts_commands

__all__ = ["alerts", "commands", "forecast_commands", "graph_commands", "models", "notebook_commands", "texts_commands"]
