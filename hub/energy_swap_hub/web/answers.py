"""What the console's routes answer, as types: the API describes itself by them, and a test holds answers to them.

Money is in cents, energy in Wh, power in W, prices in cents per kWh, times in Unix seconds.
"""

from typing import Any, Literal, TypedDict

type Currency = Literal["KES", "eKWh"]


class Leg(TypedDict):
    """A posting; liabilities are positive, ``trust_cash`` and ``minted`` negative."""

    account: str
    currency: Currency
    amount: int


class EntryRow(TypedDict):
    """A ledger entry: when it happened, when it was booked, and which entry it corrects."""

    id: int
    at: int
    source: str
    external_id: str
    text: str
    booked_at: int
    corrects: int | None
    postings: list[Leg]


class Entries(TypedDict):
    """A page of the ledger, newest first; ``next`` is the ``before`` of what follows; ``total`` if asked for."""

    entries: list[EntryRow]
    next: int | None
    total: int | None


class AccountMove(TypedDict):
    """What an entry did to an account, and the account's balance after it: cents or Wh."""

    id: int
    at: int
    booked_at: int
    source: str
    external_id: str
    text: str
    amount: int
    balance: int


class AccountMoves(TypedDict):
    """A page of an account's statement, newest first; ``next`` is the ``before`` of what follows."""

    account: str
    currency: Currency
    moves: list[AccountMove]
    next: int | None
    total: int | None


class AccountBalance(TypedDict):
    """An account and what its postings sum to."""

    account: str
    currency: Currency
    balance: int


class TrialBalance(TypedDict):
    """Every account; balanced when each currency sums to zero and the kept balances are those of the postings."""

    accounts: list[AccountBalance]
    is_balanced: bool


class Policy(TypedDict):
    """By which rule the fund pays: per kWh, its share of the fee, its premium and the hours of the peak."""

    cents_per_kwh: int
    fund_percent: int
    premium_percent: int
    peak_from: int
    peak_until: int


class RewardDay(TypedDict):
    """A day with rewards: who gave how much, what that earned, and what was paid."""

    day: str
    households: int
    export_wh: int
    earned_cents: int
    paid_cents: int


class Fund(TypedDict):
    """The community's fund."""

    fund_cents: int
    policy: Policy | None
    rewards: list[RewardDay]


class LedgerHealth(TypedDict):
    """Cash in trust, what is owed, tokens outstanding, and whether all sums are zero."""

    trust_cash_cents: int
    owed_cents: int
    ekwh_outstanding_wh: int
    is_balanced: bool


class PeriodRow(TypedDict):
    """A booked period and its clearing; ``settled_at`` is null until the chain has done its part."""

    period: str
    minutes: int
    state: str
    cents_per_kwh: int | None
    supply_wh: int
    demand_wh: int
    traded_wh: int
    settled_at: int | None


class Periods(TypedDict):
    """The newest periods first; ``total`` if asked for."""

    periods: list[PeriodRow]
    total: int | None


class PeriodOrder(TypedDict):
    """What a household brought to a period's market."""

    household: str
    side: str
    wh: int
    limit: int


class Flow(TypedDict):
    """Who sold how much to whom in a period, and in which market."""

    market: str
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int
    cents: int


class TrueUp(TypedDict):
    """Late energy of a period."""

    household: str
    export_wh: int
    import_wh: int
    minted_wh: int
    burned_wh: int
    grid_wh: int
    booked_at: int


class PeriodDetail(PeriodRow):
    """A period with its orders, trades and late energy."""

    orders: list[PeriodOrder]
    trades: list[Flow]
    true_ups: list[TrueUp]


class TradeRow(TypedDict):
    """A trade of any market."""

    id: int
    market: str
    reference: str
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int
    cents: int
    at: int


class Trades(TypedDict):
    """A page of trades, newest first; ``next`` is the ``before`` of what follows; ``total`` if asked for."""

    trades: list[TradeRow]
    next: int | None
    total: int | None


class BookLine(TypedDict):
    """An order that rests in the open book."""

    cents_per_kwh: int
    wh: int
    household: str


class Book(TypedDict):
    """Both sides of the open book, the best first."""

    sell: list[BookLine]
    buy: list[BookLine]


class AuctionRow(TypedDict):
    """An auction and how it stands."""

    id: str
    seller: str
    wh: int
    start_price: int
    minimum_step: int
    best_bid: int | None
    leader: str | None
    ends_at: int
    state: str


class AheadOrder(TypedDict):
    """An open order for a period to come."""

    id: str
    period: str
    household: str
    side: str
    wh: int
    limit: int
    gate_closes_at: int


class Contract(TypedDict):
    """A contract; what was delivered is null until its period is booked."""

    period: str
    number: int
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int
    delivered_wh: int | None
    backfill_wh: int | None
    spare_wh: int | None


class Ahead(TypedDict):
    """What is traded ahead."""

    orders: list[AheadOrder]
    contracts: list[Contract]


class MarketPage(TypedDict):
    """The open book, the last auctions, and what is traded ahead."""

    book: Book
    auctions: list[AuctionRow]
    ahead: Ahead


class ReviewRow(TypedDict):
    """What waits for a person, its evidence, and which actions there are."""

    id: int
    kind: str
    subject: str
    evidence: dict[str, Any]
    opened_at: int
    state: str
    resolution: str | None
    actions: list[str]


class Reviews(TypedDict):
    """The review queue, open ones first."""

    reviews: list[ReviewRow]


class AtMpesa(TypedDict):
    """What M-Pesa said last about its accounts."""

    cents: int
    at: int


class MpesaState(TypedDict):
    """Payments under way, why payouts are stopped, and the money by the books and by M-Pesa."""

    open: int
    payouts_stopped: str | None
    trust_cents: int
    suspense_cents: int
    at_mpesa: AtMpesa | None


class ReceiptRow(TypedDict):
    """A payment in; whole KES. Without a household it is in suspense."""

    receipt: str
    household_id: str | None
    reference: str
    kes: int
    channel: str
    paid_at: int
    recorded_at: int
    reversal: str | None


class Receipts(TypedDict):
    """The newest payments in; ``total`` if asked for."""

    receipts: list[ReceiptRow]
    total: int | None


class PaymentIntentRow(TypedDict):
    """A payment that a phone was asked for; whole KES, and ``review`` the open case about it.

    ``purpose`` is ``top_up``, ``order:`` with the order's id, or ``phone:`` with the household whose phone it
    proves. ``given_up_at``: since when money that comes is for the wallet only.
    """

    id: str
    household: str
    kes: int
    purpose: str
    state: str
    reason: str | None
    reference: str
    receipt: str | None
    created_at: int
    given_up_at: int | None
    ended_at: int | None
    review: int | None


class PaymentIntents(TypedDict):
    """The newest payments that phones were asked for; ``total`` if asked for."""

    intents: list[PaymentIntentRow]
    total: int | None


class PayoutRow(TypedDict):
    """A payout; whole KES, and ``review`` the open case about it.

    ``fee_cents`` is M-Pesa's fee: the expected one until the payout is paid, null where the money went back.
    """

    id: str
    household: str
    kes: int
    fee_cents: int | None
    state: str
    reason: str | None
    receipt: str | None
    conversation: str
    attempts: int
    created_at: int
    accepted_at: int | None
    ended_at: int | None
    review: int | None


class Payouts(TypedDict):
    """The newest payouts; ``total`` if asked for."""

    payouts: list[PayoutRow]
    total: int | None


class DifferenceRow(TypedDict):
    """What M-Pesa and the books say differently."""

    kind: str
    receipt: str
    mpesa_cents: int | None
    books_cents: int | None


class Comparison(TypedDict):
    """What taking a statement in found."""

    matched: int
    credited: int
    differences: list[DifferenceRow]


class ClosedDay(TypedDict):
    """A closed day of the ledger and its hash."""

    day: str
    entries: int
    first_entry: int | None
    last_entry: int | None
    hash: str


class ClosedDays(TypedDict):
    """The closed days, newest first, and the first lie among them in words."""

    days: list[ClosedDay]
    lies: list[str]


class Corrected(TypedDict):
    """A correction; not new when the same one was booked before."""

    id: str
    is_new: bool


class Asked(TypedDict):
    """What the approvers are asked now."""

    proposal: str


class RelayCommanded(TypedDict):
    """The newest command to a relay, signed by the hub; executed before ``expires_at`` or never."""

    sequence: int
    action: str
    reason: str
    issued_at: int
    expires_at: int
    open_until: int | None


class RelayReported(TypedDict):
    """What a meter said last of its relay: how it is, and what became of the command ``sequence``."""

    is_open: bool
    is_protected: bool
    sequence: int
    outcome: str
    reason: str
    open_until: int | None
    reported_at: int


class RelayState(TypedDict):
    """A household's connection; ``wanted`` is why it is to be open, or ``none``: it is to be closed.

    ``meter`` is null where no meter has told of a relay, ``command`` before the first one.
    """

    household: str
    name: str
    is_protected: bool
    is_ended: bool
    is_asked_off: bool
    wanted: str
    command: RelayCommanded | None
    meter: RelayReported | None
