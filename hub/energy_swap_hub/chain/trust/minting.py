"""How a period's exports are minted in the trust mode: each household's by its own meter's signed readings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from energy_swap_protocol.reading import ReadingFlag, decode_frame, frame_from_text
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from energy_swap_hub.chain.payload import Mint

from .program import attested_mint


class UnprovenError(ValueError):
    """Readings do not show the energy that is to be minted; the text says whose."""


@dataclass(frozen=True, slots=True)
class Span:
    """Two frames between which one meter's registers ran on, and the net export that they show, 0 or more."""

    earlier: bytes
    later: bytes
    net_wh: int


def spans(frames: Sequence[bytes]) -> list[Span]:
    """Return the spans that ``frames``, oldest first, show; where a meter began anew nothing is counted."""
    readings = [(frame, decode_frame(frame)) for frame in frames]
    runs: list[list[int]] = []
    for place, (_, reading) in enumerate(readings):
        starts = ReadingFlag.REGISTER_EPOCH_STARTED in reading.flags
        if not runs or starts or reading.meter != readings[place - 1][1].meter:
            runs.append([place, place])
        runs[-1][1] = place
    found = []
    for first, last in runs:
        (earlier, a), (later, b) = readings[first], readings[last]
        net_wh = (b.export_wh - a.export_wh) - (b.import_wh - a.import_wh)
        found.append(Span(earlier, later, max(net_wh, 0)))
    return found


def minted_by(mint: Mint) -> Iterator[tuple[Span, int]]:
    """Yield the spans that mint an export, and how many Wh each does; raise `UnprovenError` if they prove less.

    Usually it is one. Where a meter was replaced within the period there are two.
    """
    left_wh = mint.wh
    for span in spans([frame_from_text(text) for text in mint.frames]):
        wh = min(left_wh, span.net_wh)
        if wh:
            yield span, wh
        left_wh -= wh
    if left_wh:
        raise UnprovenError(f"the readings of {mint.account} prove {mint.wh - left_wh} Wh, not {mint.wh} Wh")


def readings_verified(mint: Mint) -> int:
    """Return of how many readings the runtime verifies the signature for this export; each costs a fee."""
    return 2 * len(spans([frame_from_text(text) for text in mint.frames]))


def attested_mints(
    program: Pubkey,
    token: Pubkey,
    minters: Pubkey,
    signers: Sequence[Pubkey],
    escrow: Pubkey,
    mints: Sequence[Mint],
    *,
    place: int,
) -> list[Instruction]:
    """Mint ``mints`` of ``token`` into ``escrow``, from the ``place``-th instruction of the transaction on."""
    made: list[Instruction] = []
    for mint in mints:
        for span, wh in minted_by(mint):
            made += attested_mint(
                program,
                mint=token,
                minters=minters,
                signers=signers,
                to=escrow,
                account=Pubkey.from_string(mint.account),
                earlier=span.earlier,
                later=span.later,
                wh=wh,
                place=place + len(made),
            )
    return made
