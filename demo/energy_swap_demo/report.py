"""The day in figures: per household energy, money and what trading saved; the community's totals; every check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .households import HOUSEHOLDS
from .invariants import Check, Evidence


def make_report(
    evidence: Evidence, checks: Sequence[Check], *, start: datetime, until: datetime, seconds: float
) -> dict[str, Any]:
    """Return the report; energies in kWh, money in KES, both exact decimals as text would lose nothing."""
    retail = evidence.overview["community"]["retail_tariff"]
    priced = [p for p in evidence.periods if p["cents_per_kwh"] is not None]
    traded = sum(p["traded_wh"] for p in priced)
    paid_in, paid_out = _payments(evidence)
    balances = evidence.balances
    return {
        "from": start.isoformat(),
        "to": until.isoformat(),
        "duration_seconds": round(seconds, 1),
        "households": [
            _household(row, retail, paid_in.get(row["household"], 0), paid_out.get(row["household"], 0))
            for row in evidence.households
        ],
        "totals": {
            "minted_kwh": -balances.get("minted", 0) / 1000,
            "burned_kwh": balances.get("burned", 0) / 1000,
            "supply_kwh": evidence.supply_wh / 1000,
            "traded_kwh": sum(t["wh"] for t in evidence.trades) / 1000,
            "trust_cash_kes": -balances.get("trust_cash", 0) / 100,
            "community_fees_kes": balances.get("fees", 0) / 100,
            "grid_fees_kes": balances.get("grid", 0) / 100,
            "rounding_kes": balances.get("rounding", 0) / 100,
            "paid_in_kes": sum(paid_in.values()) / 100,
            "paid_out_kes": sum(paid_out.values()) / 100,
            "mean_clearing_price_kes_per_kwh": None
            if not traded
            else round(sum(p["cents_per_kwh"] * p["traded_wh"] for p in priced) / traded / 100, 4),
            "periods": len(evidence.periods),
            "trades": {
                market: sum(t["market"] == market for t in evidence.trades)
                for market in ("period", "partner", "ahead", "spot", "auction")
            },
            "chain_fees_lamports": sum(i["fee_lamports"] or 0 for i in evidence.chain_page["intents"]),
        },
        "checks": [
            {
                "name": c.name,
                "is_met": c.is_met,
                **({} if c.is_met else {"expected": c.expected, "found": c.found}),
            }
            for c in checks
        ],
        "is_sound": all(c.is_met for c in checks),
    }


def books(evidence: Evidence) -> dict[str, Any]:
    """Return what two runs of the same day must have in common to the cent and the Wh."""
    return {
        "balances": evidence.balances,
        "supply_wh": evidence.supply_wh,
        "periods": [
            {key: p[key] for key in ("period", "cents_per_kwh", "supply_wh", "demand_wh", "traded_wh")}
            for p in evidence.periods
        ],
        "trades": sorted(
            (t["market"], t["seller"], t["buyer"], t["wh"], t["cents_per_kwh"]) for t in evidence.trades
        ),
    }


def _household(row: dict[str, Any], retail: int, paid_in: int, paid_out: int) -> dict[str, Any]:
    consumed = row["generated_wh"] + row["imported_wh"] - row["exported_wh"]
    number = next(h.number for h in HOUSEHOLDS if h.name == row["name"])
    return {
        "household": row["household"],
        "number": number,
        "name": row["name"],
        "generated_kwh": row["generated_wh"] / 1000,
        "consumed_kwh": consumed / 1000,
        "sold_kwh": row["sold_wh"] / 1000,
        "bought_kwh": row["bought_wh"] / 1000,
        "tokens_kwh": row["wallet"]["ekwh_wh"] / 1000,
        "paid_in_kes": paid_in / 100,
        "paid_out_kes": paid_out / 100,
        "earned_kes": row["earned_cents"] / 100,
        "spent_kes": row["spent_cents"] / 100,
        "saved_against_grid_kes": round((row["bought_wh"] * retail / 1000 - row["spent_cents"]) / 100, 2),
        "wallet_kes": row["wallet"]["kes_cents"] / 100,
    }


def _payments(evidence: Evidence) -> tuple[dict[str, int], dict[str, int]]:
    """Return the cents that came in and went out by household."""
    paid_in: dict[str, int] = {}
    paid_out: dict[str, int] = {}
    for entry in evidence.entries:
        for posting in entry["postings"]:
            household, _, account = posting["account"].partition(":")
            if account != "kes":
                continue
            if entry["source"] == "mpesa" and posting["amount"] > 0:
                paid_in[household] = paid_in.get(household, 0) + posting["amount"]
            elif entry["source"] in {"payout", "payout_failed"}:
                paid_out[household] = paid_out.get(household, 0) - posting["amount"]
    return paid_in, paid_out
