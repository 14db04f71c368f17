"""Forecast of the household's surplus."""
