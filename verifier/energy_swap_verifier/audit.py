"""Recompute a token's whole history from the chain and the published readings; the first lie ends it."""

from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field

from energy_swap_protocol.memo import AdmissionMemo, MemoError
from energy_swap_protocol.period import PeriodCalendar
from energy_swap_protocol.transaction import spent_account
from solders.pubkey import Pubkey

from . import merkle
from .accounts import Token
from .evidence import EvidenceError, Run, check_runs, read_frames, runs_of, slot_of
from .proposal import leaves_of
from .published import Head, Transaction
from .register import admission_in, lock_in, orders_named
from .transactions import Burn, Message, MintTo, Transfer
from .trust import attested_mint, registration


class LieError(Exception):
    """The chain and the published readings do not go together; the text says where."""


@dataclass(slots=True)
class Audit:
    """What has been recomputed so far; feed it every successful transaction of the token, oldest first."""

    head: Head
    token: Token
    published: dict[str, Transaction]
    escrows: frozenset[Pubkey]  # all that the token has had: minting may have gone to other keys
    meters: dict[str, dict[bytes, AdmissionMemo]] = field(default_factory=dict)
    spans: dict[bytes, list[tuple[int, int]]] = field(default_factory=dict)
    minted_in: dict[str, set[str]] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    periods: dict[str, int] = field(default_factory=dict)
    transactions: int = 0
    mints: int = 0
    readings: int = 0
    minted_wh: int = 0
    burned_wh: int = 0
    registrations: int = 0  # of meters with the trust mode's program
    escrow_wh: int = 0
    unexplained_wh: int = 0
    calendar: PeriodCalendar = field(init=False)

    def __post_init__(self) -> None:
        self.calendar = self.head.calendar

    @property
    def open_wh(self) -> int:
        """What open orders have locked, as far as the chain shows."""
        return sum(self.orders.values())

    def add(self, signature: str, message: Message) -> None:
        """Recompute one transaction; raises `LieError`."""
        self.transactions += 1
        try:
            self._add(signature, message)
        except (EvidenceError, MemoError) as error:
            raise LieError(f"{signature}: {error}") from None

    def _add(self, signature: str, message: Message) -> None:
        for operation in message.operations:
            match operation:
                case Burn(mint=mint, wh=wh) if mint == self.token.mint:
                    self.burned_wh += wh
                case Transfer(mint=mint) if mint == self.token.mint:
                    self._moved(signature, operation)
        self._admitted(signature, message)
        minted = self._mints(signature, message)
        if minted:
            self._minted(signature, message, minted)
        self._orders(signature, message, is_mint=bool(minted) or _is_mint(message))

    def _moved(self, signature: str, move: Transfer) -> None:
        spent = spent_account(self.token.mint)
        if move.source == spent:
            raise LieError(f"{signature}: {move.wh} Wh that were used came back")
        self.burned_wh += move.wh if move.to == spent else 0
        self.escrow_wh += move.wh if move.to in self.escrows else 0
        self.escrow_wh -= move.wh if move.source in self.escrows else 0

    def _mints(self, signature: str, message: Message) -> list[tuple[Pubkey, Pubkey | None, int]]:
        """Return what is minted: where to, for whose account where a meter says it, and how much."""
        program, mint = self.token.program, self.token.mint
        direct = [(o.to, None, o.wh) for o in message.operations if isinstance(o, MintTo) and o.mint == mint]
        if program is None:
            return [*direct]
        if direct:
            raise LieError(
                f"{signature}: {sum(wh for *_, wh in direct)} Wh were minted past the program {program}"
            )
        found = [attested_mint(operation, program) for operation in message.operations]
        return [(one.to, one.account, one.wh) for one in found if one is not None and one.mint == mint]

    def _registered(self, signature: str, message: Message) -> None:
        """Raise unless the program takes readings of just the meter that the approvers' own memo names."""
        program, mint = self.token.program, self.token.mint
        if program is None:
            return
        found = [registration(operation, program) for operation in message.operations]
        registered = [one for one in found if one is not None and one.mint == mint]
        named = [(memo, a) for a in message.thawed(mint) if (memo := admission_in(message, mint, a)) is not None]
        for one in registered:
            if not any(one.is_of(memo, account) for memo, account in named):
                raise LieError(f"{signature}: the meter {one.meter.hex()} is registered, and not as admitted")
        if named and not registered:
            raise LieError(f"{signature}: the meter {named[0][0].meter.hex()} is admitted and not registered")
        self.registrations += len(registered)

    def _admitted(self, signature: str, message: Message) -> None:
        self._registered(signature, message)
        for account in message.thawed(self.token.mint):
            memo = admission_in(message, self.token.mint, account)
            if memo is not None:
                # Of one meter the first counts: a later register epoch of it takes nothing back.
                self.meters.setdefault(str(account), {}).setdefault(memo.meter, memo)

    def _minted(self, signature: str, message: Message, minted: list[tuple[Pubkey, Pubkey | None, int]]) -> None:
        evidence, wh = self.published.get(signature), sum(wh for *_, wh in minted)
        if evidence is None:
            raise LieError(f"{signature}: {wh} Wh were minted and no readings are published for them")
        if any(to not in self.escrows for to, *_ in minted):
            raise LieError(f"{signature}: minted past the escrow, to {[str(to) for to, *_ in minted]}")
        told = sum(mint.wh for mint in evidence.mints)
        if wh != told:
            raise LieError(f"{signature}: the chain minted {wh} Wh, the published readings are for {told} Wh")
        if self.token.program is not None:
            self._check_accounts(signature, minted, evidence)
        period, part = self._check_memo(signature, message, evidence)
        slot = slot_of(period, self.calendar)
        done = self.minted_in.setdefault(slot.group, set())
        if part in done:
            raise LieError(f"{signature}: period {slot.group}{part} was minted before")
        done.add(part)
        for mint in evidence.mints:
            runs = runs_of(read_frames(mint.frames))
            known = self.meters.get(mint.account, {})
            # Whether the period was over is not asked: the chain may keep another time than this machine.
            net_wh = check_runs(runs, known, slot, slot.period.end)
            if mint.wh > net_wh or (mint.wh < net_wh and not self.head.sells_to_utility):
                raise LieError(f"{signature}: {mint.wh} Wh minted for {mint.account}, readings prove {net_wh} Wh")
            for run in runs:
                self._check_new(signature, run)
            self.mints += 1
            self.readings += len(mint.frames)
        self.minted_wh += wh
        self.escrow_wh += wh
        self.periods[slot.group] = self.periods.get(slot.group, 0) + wh

    def _check_accounts(
        self, signature: str, minted: list[tuple[Pubkey, Pubkey | None, int]], evidence: Transaction
    ) -> None:
        by_meters, by_readings = Counter[str](), Counter[str]()
        for _, account, wh in minted:
            by_meters[str(account)] += wh
        for mint in evidence.mints:
            by_readings[mint.account] += mint.wh
        if by_meters != by_readings:
            raise LieError(f"{signature}: the meters minted for other accounts than the published readings say")

    def _check_memo(self, signature: str, message: Message, evidence: Transaction) -> tuple[str, str]:
        """Return the period and the part that the memo names, once it commits to the published readings."""
        memos = [memo for memo in message.memos if memo.startswith("es1|")]
        fields = memos[0].split("|") if len(memos) == 1 else []
        if len(fields) not in {5, 6}:
            raise LieError(f"{signature}: a mint without the memo that names its readings")
        _, community, period, count, root, *part = fields
        if (community, count) != (self.head.community, str(len(evidence.mints))):
            raise LieError(f"{signature}: the memo tells of {count} mints of {community}")
        if root != merkle.root_text(leaves_of(evidence.mints)):
            raise LieError(f"{signature}: the published readings are not those that the memo commits to")
        return period, "".join(part)

    def _check_new(self, signature: str, run: Run) -> None:
        """Raise unless ``run`` overlaps nothing that was minted; what was is in order and apart."""
        if run.start == run.end:
            return
        spans = self.spans.setdefault(run.start.meter, [])
        span = (run.start.sequence, run.end.sequence)
        place = bisect(spans, span)
        if (place > 0 and spans[place - 1][1] > span[0]) or (place < len(spans) and spans[place][0] < span[1]):
            raise LieError(
                f"{signature}: readings {span[0]} to {span[1]} of meter {run.start.meter.hex()} were minted before"
            )
        spans.insert(place, span)

    def _orders(self, signature: str, message: Message, *, is_mint: bool) -> None:
        lock = lock_in(message, self.token.mint, self.escrows, self.head.hubs)
        moves = [o for o in message.operations if isinstance(o, Transfer) and o.mint == self.token.mint]
        # What is handed over stays in escrow, and stays locked for the same orders.
        out = [o for o in moves if o.source in self.escrows and o.to not in self.escrows]
        came = sum(o.wh for o in moves if o.to in self.escrows and o.source not in self.escrows)
        if lock is not None:
            self.orders[lock[0]] = self.orders.get(lock[0], 0) + lock[1].wh
        else:
            self.unexplained_wh += came
        if not out:
            return
        wh = sum(move.wh for move in out)
        if is_mint:
            group = self._group(message)
            self.periods[group] = self.periods.get(group, 0) - wh
            if self.periods[group] < 0:
                raise LieError(f"{signature}: period {group} gave out {-self.periods[group]} Wh it never minted")
            return
        named = [name for memo in message.memos for name in orders_named(memo)]
        order = next((name for name in named if name in self.orders), None)
        if order is None or wh > self.orders[order]:
            raise LieError(f"{signature}: {wh} Wh left the escrow that no order had locked")
        self.orders[order] -= wh

    def _group(self, message: Message) -> str:
        period = next(memo for memo in message.memos if memo.startswith("es1|")).split("|")[2]
        return slot_of(period, self.calendar).group

    def close(self, supply_wh: int, escrow_wh: int) -> None:
        """Compare with what the chain says now, used energy left out; raises `LieError`."""
        if supply_wh != self.minted_wh - self.burned_wh:
            raise LieError(
                f"the supply is {supply_wh} Wh; minted {self.minted_wh} less burned {self.burned_wh} is "
                f"{self.minted_wh - self.burned_wh} Wh"
            )
        kept = sum(self.periods.values())
        if escrow_wh != self.escrow_wh or escrow_wh != self.open_wh + kept + self.unexplained_wh:
            raise LieError(
                f"the escrow holds {escrow_wh} Wh; open orders {self.open_wh}, periods {kept} and unexplained "
                f"{self.unexplained_wh} Wh should be in it"
            )


def _is_mint(message: Message) -> bool:
    return any(memo.startswith("es1|") for memo in message.memos)
