"""What is known of the days to come, in one place: the newest forecast, price expectation and advice."""

from collections.abc import Mapping
from typing import Any

from .forecast.household import HouseholdForecast, as_document


class Outlook:
    """The newest curves, for who asks; whoever makes one puts it here."""

    def __init__(self) -> None:
        self.newest_forecast: HouseholdForecast | None = None
        self.newest_advice: Mapping[str, Any] | None = None
        self.newest_prices: Mapping[str, Any] = {"expected": []}

    def forecast(self) -> Mapping[str, Any] | None:
        """Return the forecast by period."""
        return None if self.newest_forecast is None else as_document(self.newest_forecast)

    def advice(self) -> Mapping[str, Any] | None:
        """Return the advice with all its numbers."""
        return self.newest_advice

    def expected_prices(self) -> Mapping[str, Any]:
        """Return the price expectation by period, with its own error figures."""
        return self.newest_prices
