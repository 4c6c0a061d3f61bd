"""The commands of mining, a file for each of its pieces."""

from beijiang.mining.commands.bench import commands
from beijiang.mining.commands.forecasting import forecast_commands

__all__ = ["commands", "forecast_commands"]
