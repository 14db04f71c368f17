"""Check from the outside that nothing was lost or invented: ledger, chain, M-Pesa's books and meters agree."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from energy_swap_verifier.verify_command import verify

from .founding import FOUNDED
from .happenings import NAIROBI
from .households import COMMUNITY_START, HOUSEHOLDS
from .neighbourhood import Neighbourhood
from .profile import Profile, minute_index
from .settings import COMMUNITY

# The accounts at M-Pesa that hold the community's money.
_TRUST_AT_MPESA = ("utility", "charges")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true, and the two figures that should agree."""

    name: str
    expected: Any
    found: Any

    @property
    def is_met(self) -> bool:
        """Whether both agree."""
        return bool(self.expected == self.found)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the checks look at, read at one quiet moment."""

    overview: dict[str, Any]
    reviews: list[dict[str, Any]]
    households: list[dict[str, Any]]
    balances: dict[str, int]
    trades: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    periods: list[dict[str, Any]]
    chain_page: dict[str, Any]
    supply_wh: int
    escrow_wh: int
    on_chain_wh: dict[str, int]
    daraja: dict[str, Any]
    days: dict[str, Any]
    statements: list[dict[str, Any]]
    audit: tuple[int, list[str]]


async def gather(neighbourhood: Neighbourhood) -> Evidence:
    """Read hub, chain and simulator."""
    console = neighbourhood.console
    chain = await console.chain(COMMUNITY)
    supply = await neighbourhood.rpc("getTokenSupply", chain["mint"])
    escrow = await neighbourhood.rpc("getTokenAccountBalance", chain["escrow"])
    households = (await console.get("households"))["households"]
    on_chain = {
        row["household"]: int(
            (await neighbourhood.rpc("getTokenAccountBalance", row["account"]))["value"]["amount"]
        )
        for row in households
    }
    founded, today = _day(FOUNDED), _day(neighbourhood.clock.now())
    accounts = (await console.get("ledger/trial-balance"))["accounts"]
    told: list[str] = []
    code = await verify(
        neighbourhood.chain_url,
        f"{neighbourhood.hub_url}/api/v1/communities/{COMMUNITY}/readings",
        say=told.append,
        mint=chain["mint"],
    )
    return Evidence(
        audit=(code, told),
        overview=await console.get("overview"),
        reviews=(await console.get("reviews"))["reviews"],
        households=households,
        balances={account["account"]: account["balance"] for account in accounts},
        trades=await console.all("trades", "trades"),
        entries=await console.all("ledger/entries", "entries"),
        periods=(await console.get("periods?limit=500"))["periods"],
        chain_page=await console.get("chain"),
        supply_wh=int(supply["value"]["amount"]),
        escrow_wh=int(escrow["value"]["amount"]),
        on_chain_wh=on_chain,
        daraja=await neighbourhood.daraja_books(),
        days=await console.get("ledger/days"),
        statements=[
            await console.get(f"households/{row['household']}/statement?from={founded}&to={today}")
            for row in households
        ],
    )


def check(evidence: Evidence, profiles: dict[int, Profile], until: datetime) -> list[Check]:
    """Return every standing invariant of docs/architecture.md section 6, with what was found."""
    return [
        *_ledger(evidence),
        *_past(evidence, until),
        *_chain(evidence),
        *_money(evidence),
        *_energy(evidence, profiles, until),
        *_finished(evidence),
    ]


def _sum(balances: dict[str, int], wanted: Callable[[str], bool]) -> int:
    return sum(balance for account, balance in balances.items() if wanted(account))


def _is_energy(account: str) -> bool:
    name = account.rpartition(":")[2]
    return name in {"minted", "burned", "ekwh", "ekwh_held"}


def _ledger(evidence: Evidence) -> list[Check]:
    balances = evidence.balances
    unbalanced = [
        entry["id"]
        for entry in evidence.entries
        if any(
            sum(p["amount"] for p in entry["postings"] if p["currency"] == currency)
            for currency in ("KES", "eKWh")
        )
    ]
    names = [(entry["source"], entry["external_id"]) for entry in evidence.entries]
    return [
        Check("KES in the ledger sums to zero", 0, _sum(balances, lambda a: not _is_energy(a))),
        Check("eKWh in the ledger sums to zero", 0, _sum(balances, _is_energy)),
        Check("every ledger entry balances", [], unbalanced),
        Check("every source is posted once", len(names), len(set(names))),
        Check("no household is below zero", [], [a for a, b in balances.items() if ":" in a and b < 0]),
        Check(
            "cash in trust is what is owed",
            _sum(balances, lambda a: not _is_energy(a) and a != "trust_cash"),
            -balances.get("trust_cash", 0),
        ),
    ]


def _past(evidence: Evidence, until: datetime) -> list[Check]:
    """Check what was closed and what households are told of it."""
    over = [(_day(FOUNDED) + timedelta(n)).isoformat() for n in range((_day(until) - _day(FOUNDED)).days)]
    wallets = {row["household"]: row["wallet"] for row in evidence.households}
    told = {
        s["household"]: {
            name: s["opening"][name] + sum(line["change"][name] for line in s["lines"]) for name in s["opening"]
        }
        for s in evidence.statements
    }
    unexplained = [
        s["household"] for s in evidence.statements if s["totals"]["other_cents"] or s["totals"]["other_wh"]
    ]
    return [
        Check("every day that is over is closed", over, [day["day"] for day in reversed(evidence.days["days"])]),
        Check("the chain of closed days holds", [], evidence.days["lies"]),
        Check("every statement closes on the wallet", wallets, told),
        Check(
            "every statement says so itself", wallets, {s["household"]: s["closing"] for s in evidence.statements}
        ),
        Check("statements explain every cent and watt-hour", [], unexplained),
    ]


def _day(time: datetime) -> date:
    return time.astimezone(NAIROBI).date()


def _chain(evidence: Evidence) -> list[Check]:
    balances = evidence.balances
    outstanding = -balances.get("minted", 0) - balances.get("burned", 0)
    wallets = {row["household"]: row["wallet"]["ekwh_wh"] for row in evidence.households}
    held = sum(row["wallet"]["ekwh_held_wh"] for row in evidence.households)
    return [
        Check("supply on the chain is the ledger's eKWh", outstanding, evidence.supply_wh),
        Check("escrow on the chain is what the ledger holds", held, evidence.escrow_wh),
        Check("every wallet on the chain is the ledger's", wallets, evidence.on_chain_wh),
        Check(
            "a stranger recomputes every mint from published readings",
            (0, "all true"),
            (evidence.audit[0], evidence.audit[1][-1]),
        ),
    ]


def _money(evidence: Evidence) -> list[Check]:
    accounts = evidence.daraja["accounts"]
    at_mpesa = sum(accounts.get(name, 0) for name in _TRUST_AT_MPESA)
    credited = sum(
        -posting["amount"]
        for entry in evidence.entries
        for posting in entry["postings"]
        if posting["account"] == "trust_cash" and posting["amount"] < 0
    )
    collected = evidence.daraja["totals"].get("c2b", {"cents": 0})["cents"]
    return [
        Check("M-Pesa's books sum to zero", 0, evidence.daraja["sum_cents"]),
        Check("cash in trust is what M-Pesa holds", at_mpesa, -evidence.balances.get("trust_cash", 0)),
        Check("every shilling collected was credited once", collected, credited),
    ]


def _energy(evidence: Evidence, profiles: dict[int, Profile], until: datetime) -> list[Check]:
    names = {household.name: household.number for household in HOUSEHOLDS}
    first, last = minute_index(FOUNDED, COMMUNITY_START), minute_index(until, COMMUNITY_START)
    metered = {}
    settled = {}
    for row in evidence.households:
        profile = profiles[names[row["name"]]]
        before, after = profile.registers_at(first), profile.registers_at(last)
        metered[row["household"]] = (
            after.export_wh - before.export_wh,
            after.import_wh - before.import_wh,
            after.generation_wh - before.generation_wh,
        )
        settled[row["household"]] = (row["exported_wh"], row["imported_wh"], row["generated_wh"])
    burned = sum(row["bought_wh"] for row in evidence.households)
    bought = sum(trade["wh"] for trade in evidence.trades)
    sold = sum(row["sold_wh"] for row in evidence.households)
    return [
        Check("every watt-hour of every meter was settled", metered, settled),
        Check("what was bought is what was sold", sold, burned),
        Check("the trades are what households bought", burned, bought),
    ]


def _finished(evidence: Evidence) -> list[Check]:
    return [
        Check("no payment is open", 0, evidence.overview["payments_open"]),
        Check("nothing is on its way to the chain", 0, evidence.overview["chain"]["pending"]),
        Check(
            "no chain intent failed",
            [],
            [i["id"] for i in evidence.chain_page["intents"] if i["state"] == "failed"],
        ),
        Check("every period is settled", [], [p["period"] for p in evidence.periods if p["state"] != "settled"]),
        Check(
            "nothing waits for a person",
            [],
            [(r["kind"], r["subject"], r["evidence"]) for r in evidence.reviews if r["state"] == "open"],
        ),
        Check(
            "all markets traded",
            ["ahead", "auction", "partner", "period", "spot"],
            sorted({trade["market"] for trade in evidence.trades}),
        ),
        Check("a purchase was paid by phone", True, any("paid for order:" in e["text"] for e in evidence.entries)),
        Check("sellers were paid out", True, any(e["source"] == "payout" for e in evidence.entries)),
    ]
