"""What became of a period's contracts: paid from what they hold, refunded, and charged to who deviated."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from energy_swap_protocol.period import Period
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Journal, Posting
from energy_swap_hub.market.ahead import Contract
from energy_swap_hub.market.delivery import AheadLine, Delivery, settle_contracts
from energy_swap_hub.storage import change_rows, insert_rows

from . import tables, totals
from .ahead_tables import ahead_line, contract
from .allowances import allowances
from .gates import close_gate, contract_hold, contracts_of
from .settings import tariff_of


def settle_period_contracts(
    connection: Connection,
    community: CommunityConfig,
    period: Period,
    net_export_wh: Mapping[str, int | None],
    now: datetime,
) -> dict[str, AheadLine]:
    """Settle the contracts of ``period`` and return what they came to, by household; empty without any.

    ``net_export_wh`` is what each household's meter counted in the period, net import negative, None for one that
    is silent at the end of the grace time. A buyer takes at most what may still be burned for it. The money moves
    in an entry of its own; the tokens that go with it are of the period's (`Outcome.minted_wh` and the like), so
    both belong into one transaction. Call it before wallets are read: what is refunded can be spent in the period.
    """
    close_gate(connection, community, period, now)
    contracts = contracts_of(connection, community.id, period)
    if not contracts:
        return {}
    shown = {name: net_export_wh.get(name) for made in contracts for name in (made.seller, made.buyer)}
    buyers = {made.buyer for made in contracts}
    allowed = allowances(connection, community.id, buyers)
    for buyer in buyers:
        if (net := shown[buyer]) is not None:
            shown[buyer] = max(net, -max(allowed.get(buyer, 0), 0))
    delivery = settle_contracts(contracts, shown, tariff_of(connection, community, period.start))
    lines = _move_money(connection, community.id, period, delivery, now)
    _record_contracts(connection, community.id, period, delivery, now)
    _record_lines(connection, community.id, period, contracts, lines)
    return {line.household: line for line in lines}


def _move_money(
    connection: Connection, community_id: str, period: Period, delivery: Delivery, now: datetime
) -> list[AheadLine]:
    """Post what buyers, and those who deviated, pay from their holds; return the lines as they were paid.

    Roundings can ask for a cent more than is held: nobody pays it, the community's rounding account does.
    """
    journal = Journal(connection, community_id)
    accounts = [ledger.kes(line.household) for line in delivery.lines]
    journal.expect(
        accounts=[
            *accounts,
            *(f"{account}_held" for account in accounts),
            ledger.FEES,
            ledger.GRID,
            ledger.ROUNDING,
        ],
        holds=[contract_hold(period, line.household) for line in delivery.lines],
    )
    postings: list[Posting] = []
    lines: list[AheadLine] = []
    unpaid = 0
    for line in delivery.lines:
        hold = contract_hold(period, line.household)
        held = journal.hold_remaining(hold)
        charged = _within(line, held)
        lines.append(charged)
        unpaid += _cost(line) - _cost(charged)
        gained = charged.earned_cents + max(charged.difference_cents, 0)
        postings += [
            journal.spend_hold(hold, held),
            Posting(ledger.kes(line.household), held - _cost(charged) + gained),
        ]
        journal.close_hold(hold, at=now, text="contracts settled")
    postings += [
        Posting(ledger.FEES, delivery.community_fee_cents),
        Posting(ledger.GRID, delivery.grid_fee_cents),
        Posting(ledger.ROUNDING, delivery.rounding_cents - unpaid),
    ]
    text = f"contracts for {period.id}"
    is_new = journal.post(Entry("ahead", period.id, now, text, postings))
    assert is_new, f"the contracts for {period.id} were settled before"
    journal.write()
    totals.add(
        connection,
        community_id,
        [
            totals.Change(
                line.household,
                sold_wh=line.sold_wh,
                bought_wh=line.bought_wh,
                earned_cents=line.earned_cents + max(line.difference_cents, 0),
                spent_cents=_cost(line),
            )
            for line in lines
        ],
    )
    return lines


def _cost(line: AheadLine) -> int:
    """Return what a household pays: for what was delivered, and for its own deviation."""
    return line.paid_cents + max(-line.difference_cents, 0)


def _within(line: AheadLine, held: int) -> AheadLine:
    """Return ``line`` with no more to pay than is held for it."""
    paid = min(line.paid_cents, held)
    return replace(
        line,
        paid_cents=paid,
        refunded_cents=line.refunded_cents + line.paid_cents - paid,
        difference_cents=max(line.difference_cents, paid - held),
    )


def _record_contracts(
    connection: Connection, community_id: str, period: Period, delivery: Delivery, now: datetime
) -> None:
    change_rows(
        connection,
        contract,
        ("community_id", "start", "number"),
        ("settled_at", "delivered_wh", "backfill_wh", "spare_wh"),
        [
            (
                now,
                part.delivered_wh,
                part.backfill_wh,
                part.spare_wh,
                community_id,
                period.start,
                part.contract.number,
            )
            for part in delivery.settled
        ],
    )
    insert_rows(
        connection,
        tables.trade,
        ("community_id", "market", "reference", "seller", "buyer", "wh", "cents_per_kwh", "cents", "at"),
        [
            (
                community_id,
                "ahead",
                period.id,
                part.contract.seller,
                part.contract.buyer,
                part.delivered_wh,
                part.contract.cents_per_kwh,
                cost_cents(part.delivered_wh, part.contract.cents_per_kwh),
                now,
            )
            for part in delivery.settled
            if part.delivered_wh
        ],
    )


def _record_lines(
    connection: Connection,
    community_id: str,
    period: Period,
    contracts: Sequence[Contract],
    lines: Sequence[AheadLine],
) -> None:
    sold_wh, bought_wh = Counter[str](), Counter[str]()
    for made in contracts:
        sold_wh[made.seller] += made.wh
        bought_wh[made.buyer] += made.wh
    insert_rows(
        connection,
        ahead_line,
        ahead_line.c.keys(),
        [
            (
                community_id,
                period.start,
                line.household,
                "sell" if line.household in sold_wh else "buy",
                sold_wh[line.household] + bought_wh[line.household],
                line.sold_wh + line.bought_wh,
                line.paid_cents,
                line.refunded_cents,
                line.earned_cents,
                line.difference_cents,
                line.grid_wh,
                line.grid_cents,
            )
            for line in lines
        ],
    )
