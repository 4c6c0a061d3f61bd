"""The verbs of forecasts."""
