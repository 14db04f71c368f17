"""What an edge keeps of prices, forecast, market and history, as the cards ask for it."""

import time
from typing import Any

PERIOD = 1_800


def spread(middle: float, by: float) -> dict[str, float]:
    return {"p10": middle - by, "p50": middle, "p90": middle + by, "mean": middle}


def records(periods: int = 200, at: float | None = None) -> dict[str, Any]:
    """What the edge keeps, as of now or of another time by its own clock."""
    now = int(time.time() if at is None else at) // PERIOD * PERIOD
    return {
        "prices": {
            "now": now + 60,
            "past": [
                {"start": now - number * PERIOD, "cents_per_kwh": 1_500 + number, "traded_wh": 900}
                for number in range(40, 0, -1)
            ],
            "expected": [{"start": now + number * PERIOD, **spread(1_600, 100 + number)} for number in range(40)],
        },
        "forecast": {
            "now": now + 60,
            "made_at": now,
            "tier": "history",
            "confidence_percent": 78,
            "seed_confidence_percent": 71,
            "periods": [
                {
                    "start": now + number * PERIOD,
                    "minutes": 30,
                    "production_wh": spread(600, 150),
                    "consumption_wh": spread(250, 60),
                    "surplus_wh": spread(350, 160),
                }
                for number in range(96)
            ],
        },
        "market": {
            "book": {
                "sells": [{"cents_per_kwh": 1_150, "wh": 900}],
                "buys": [{"cents_per_kwh": 1_100, "wh": 400}],
            },
            "trades": [],
        },
        "history": {
            "period_minutes": 30,
            "periods": [
                {
                    "start": now - number * PERIOD,
                    "minutes": 30,
                    "export_wh": 820,
                    "import_wh": 0,
                    "generation_wh": 900,
                    "sold_wh": 800,
                    "bought_wh": 0,
                    "earned_cents": 1_200 + number,
                    "paid_cents": 0,
                    "revision": 0,
                }
                for number in range(periods, 0, -1)
            ],
        },
    }
