"""With what every member goes into a period's clearing: what it counted, what it may pay with, what it wants."""

from collections.abc import Collection, Mapping

from energy_swap_protocol.period import Period
from sqlalchemy import Connection

from energy_swap_hub import ledger
from energy_swap_hub.market.delivery import AheadLine
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.period import PeriodOrder, Side
from energy_swap_hub.membership.households import Household

from .allowances import allowances
from .clearing import Stand, without_contracts
from .limits import NO_LIMITS, Limits, limits_of_all
from .netting import Means, Position, split_import


def take_stands(
    connection: Connection,
    community_id: str,
    members: Collection[Household],
    positions: Mapping[str, Position],
    contracts: Mapping[str, AheadLine],
    *,
    period: Period,
    tariff: Tariff,
) -> list[Stand]:
    """Return where each member stands, with its limits as they were when ``period`` ended and its wallet as it is.

    ``contracts`` are what its contracts for the period came to.
    """
    limits = limits_of_all(connection, community_id, period.end)
    means = means_of(connection, community_id, members)
    return [
        _stand(
            member,
            positions[member.id],
            contracts.get(member.id),
            means[member.id],
            limits.get(member.id, NO_LIMITS),
            tariff.fees_cents_per_kwh,
            is_net_metered=member.is_net_metered_at(period.start),
        )
        for member in members
    ]


def means_of(connection: Connection, community_id: str, members: Collection[Household]) -> dict[str, Means]:
    """Return what each member can pay with: free money, free tokens, and what may be burned for it."""
    balances = ledger.balances(connection, community_id)
    granted = allowances(connection, community_id)
    return {
        member.id: Means(
            balances.get(ledger.kes(member.id), 0),
            balances.get(ledger.ekwh(member.id), 0),
            granted.get(member.id, 0),
        )
        for member in members
    }


def _stand(
    member: Household,
    position: Position,
    contracts: AheadLine | None,
    means: Means,
    limits: Limits,
    fees_cents_per_kwh: int,
    *,
    is_net_metered: bool,
) -> Stand:
    left = without_contracts(position, contracts)
    if contracts is not None:
        means = Means(means.kes_cents, means.ekwh_wh, means.allowance_wh - contracts.bought_wh)
    sell_at_least, buy_at_most = limits
    own_wh, wanted_wh = split_import(
        left, means, None if buy_at_most is None else buy_at_most + fees_cents_per_kwh
    )
    order = None
    if left.net_export_wh and sell_at_least is not None and not is_net_metered:
        order = PeriodOrder(member.id, Side.SELL, left.net_export_wh, sell_at_least)
    elif wanted_wh and buy_at_most is not None:
        order = PeriodOrder(member.id, Side.BUY, wanted_wh, buy_at_most)
    return Stand(member, position, order, own_wh, contracts, is_net_metered)
