"""What became of a period's contracts: paid from what they hold, refunded, and charged to who deviated."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from energy_swap_protocol.period import Period
from energy_swap_protocol.units import cost_cents
from sqlalchemy import Connection, insert, update

from energy_swap_hub import ledger
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.market.ahead import Contract
from energy_swap_hub.market.delivery import AheadLine, Delivery, Settled, settle_contracts
from energy_swap_hub.market.fees import tariff_at

from . import tables, totals
from .ahead import close_gate, contract_hold, contracts_of
from .ahead_tables import ahead_line, contract
from .allowances import allowance_wh


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
    for buyer in {made.buyer for made in contracts}:
        if (net := shown[buyer]) is not None:
            shown[buyer] = max(net, -max(allowance_wh(connection, community.id, buyer), 0))
    delivery = settle_contracts(contracts, shown, tariff_at(community.tariffs, period.start))
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
    postings: list[Posting] = []
    lines: list[AheadLine] = []
    unpaid = 0
    for line in delivery.lines:
        hold = contract_hold(period, line.household)
        held = ledger.hold_remaining(connection, community_id, hold)
        charged = _within(line, held)
        lines.append(charged)
        unpaid += _cost(line) - _cost(charged)
        gained = charged.earned_cents + max(charged.difference_cents, 0)
        postings += [
            ledger.spend_hold(connection, community_id, hold, held),
            Posting(ledger.kes(line.household), held - _cost(charged) + gained),
        ]
        ledger.close_hold(connection, community_id, hold, at=now, text="contracts settled")
    postings += [
        Posting(ledger.FEES, delivery.community_fee_cents),
        Posting(ledger.GRID, delivery.grid_fee_cents),
        Posting(ledger.ROUNDING, delivery.rounding_cents - unpaid),
    ]
    text = f"contracts for {period.id}"
    is_new = ledger.post(connection, community_id, Entry("ahead", period.id, now, text, postings))
    assert is_new, f"the contracts for {period.id} were settled before"
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
    for part in delivery.settled:
        connection.execute(
            update(contract)
            .where(
                contract.c.community_id == community_id,
                contract.c.start == period.start,
                contract.c.number == part.contract.number,
            )
            .values(
                settled_at=now,
                delivered_wh=part.delivered_wh,
                backfill_wh=part.backfill_wh,
                spare_wh=part.spare_wh,
            )
        )
    if trades := [_trade_row(community_id, period, part, now) for part in delivery.settled if part.delivered_wh]:
        connection.execute(insert(tables.trade), trades)


def _trade_row(community_id: str, period: Period, part: Settled, now: datetime) -> dict[str, object]:
    price = part.contract.cents_per_kwh
    return {
        "community_id": community_id,
        "market": "ahead",
        "reference": period.id,
        "seller": part.contract.seller,
        "buyer": part.contract.buyer,
        "wh": part.delivered_wh,
        "cents_per_kwh": price,
        "cents": cost_cents(part.delivered_wh, price),
        "at": now,
    }


def _record_lines(
    connection: Connection,
    community_id: str,
    period: Period,
    contracts: list[Contract],
    lines: list[AheadLine],
) -> None:
    sellers = {made.seller for made in contracts}
    connection.execute(
        insert(ahead_line),
        [
            {
                "community_id": community_id,
                "start": period.start,
                "household_id": line.household,
                "side": "sell" if line.household in sellers else "buy",
                "promised_wh": sum(c.wh for c in contracts if line.household in (c.seller, c.buyer)),
                "delivered_wh": line.sold_wh + line.bought_wh,
                "paid_cents": line.paid_cents,
                "refunded_cents": line.refunded_cents,
                "earned_cents": line.earned_cents,
                "difference_cents": line.difference_cents,
                "grid_wh": line.grid_wh,
                "grid_cents": line.grid_cents,
            }
            for line in lines
        ],
    )
