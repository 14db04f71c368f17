"""What the edge asks of whoever tells the weather."""

from datetime import datetime
from typing import Protocol

from energy_swap_edge.forecast.history import Weather


class WeatherError(Exception):
    """No weather could be had; ``retry_after`` seconds are to pass before the next question, if that was said."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class WeatherSource(Protocol):
    """Tells the weather of the next days at one place."""

    @property
    def name(self) -> str:
        """Who it is, as the household may read it."""
        ...

    async def fetch(self, now: datetime) -> Weather:
        """Return the hourly weather from about ``now`` on; raise `WeatherError`."""
        ...
