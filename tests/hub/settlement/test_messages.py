from datetime import timedelta
from uuid import uuid4

import pytest
from energy_swap_hub.membership.households import NotAdmitted
from energy_swap_hub.settlement import messages, spot_tables, tables
from energy_swap_protocol.message import (
    AnyMessage,
    BuyOrder,
    Envelope,
    GrantAllowance,
    MessageError,
    PayOut,
    SellOrder,
    StandingOrder,
    TopUp,
    sign_message,
)

from tests.hub.village import Home, Village


async def receive(village: Village, envelope: Envelope) -> dict[str, object]:
    return await village.database.write(lambda c: messages.receive(c, village.desk, envelope, village.now))


async def test_the_same_message_again_has_the_same_answer_and_one_effect(village: Village) -> None:
    chebet = village.chebet
    await village.fund(chebet, 10_000)
    order = BuyOrder(**village.head(), wh=1_000, at_most=1_000)
    first = await village.send(chebet, order)
    village.now += timedelta(hours=1)  # by now it would be too old to be new
    assert await village.send(chebet, order) == first
    assert len(await village.rows(spot_tables.spot_order)) == 1
    assert (await village.wallet(chebet))["kes_held_cents"] == 1_200

    payout = PayOut(**village.head(), kes=50)
    assert [await village.send(chebet, payout) for _ in range(3)] == [
        {"id": str(payout.id), "status": "accepted", "payout": str(payout.id), "kes": 50}
    ] * 3
    assert await village.cents(chebet) == 10_000 - 1_200 - 5_000


async def test_every_kind_of_message_may_be_repeated(village: Village) -> None:
    amina = village.amina
    await village.end_period({amina.id: 3_000})
    await village.fund(amina, 100_000)
    sale = await village.sell_order(amina, 500, at_least=1_000)
    wishes: list[AnyMessage] = [
        amina.application(village.now),
        StandingOrder(**village.head(), sell_at_least=900),
        sale,
        TopUp(**village.head(), kes=10),
        PayOut(**village.head()),
    ]
    first = [await village.send(amina, wish) for wish in wishes]
    before = (await village.trial_balance(), len(await village.intents()), len(await village.rows(tables.message)))
    assert [await village.send(amina, wish) for wish in wishes] == first
    after = (await village.trial_balance(), len(await village.intents()), len(await village.rows(tables.message)))
    assert after == before
    await village.chain_works()
    assert (await village.send(amina, sale))["status"] == "open", "the answer tells how it stands now"


async def test_an_id_belongs_to_one_signer(village: Village) -> None:
    order = StandingOrder(**village.head(), sell_at_least=1_000)
    await village.send(village.amina, order)
    with pytest.raises(MessageError, match="somebody else"):
        await village.send(village.brian, order)


async def test_an_id_belongs_to_one_message(village: Village) -> None:
    await village.fund(village.chebet, 10_000)
    order = StandingOrder(**village.head(), buy_at_most=1_000)
    await village.send(village.chebet, order)
    for other in (
        StandingOrder(**village.head(order.id), buy_at_most=1_001),
        BuyOrder(**village.head(order.id), wh=100, at_most=1),
    ):
        with pytest.raises(MessageError, match="another message"):
            await village.send(village.chebet, other)
    assert await village.rows(spot_tables.spot_order) == []


async def test_what_moves_money_must_be_fresh_and_a_standing_wish_may_have_waited(village: Village) -> None:
    chebet = village.chebet
    await village.fund(chebet, 10_000)
    now = int(village.now.timestamp())

    def head(seconds: int) -> dict[str, object]:
        return village.head() | {"sent_at": now + seconds}

    for seconds, words in ((-901, "too old"), (301, "in the future"), (-(10**30), "too old"), (10**30, "future")):
        with pytest.raises(MessageError, match=words):
            await village.send(chebet, BuyOrder(**head(seconds), wh=1_000, at_most=100))  # type: ignore[arg-type]
    await village.send(chebet, BuyOrder(**head(-900), wh=1_000, at_most=100))  # type: ignore[arg-type]
    await village.send(chebet, StandingOrder(**head(-14 * 86_400), buy_at_most=1_000))  # type: ignore[arg-type]
    with pytest.raises(MessageError, match="too old"):
        await village.send(chebet, StandingOrder(**head(-14 * 86_400 - 1)))  # type: ignore[arg-type]
    assert len(await village.rows(spot_tables.spot_order)) == 1


async def test_a_message_for_another_community_is_refused(village: Village) -> None:
    order = StandingOrder(**village.head() | {"community": "elsewhere"}, sell_at_least=1_000)
    with pytest.raises(MessageError, match="serves the community kisima"):
        await village.send(village.amina, order)


async def test_only_members_are_served(village: Village) -> None:
    stranger = Home("h-005", "Esther", 5, 0)
    wish = StandingOrder(**village.head(), buy_at_most=1_000)
    with pytest.raises(NotAdmitted, match="apply first"):
        await village.send(stranger, wish)
    answer = await village.send(stranger, stranger.application(village.now))
    assert (answer["household"], answer["status"]) == ("h-005", "applied")
    with pytest.raises(NotAdmitted, match="waits for the community's approvers"):
        await village.send(stranger, wish)
    await village.chain_works()


async def test_an_application_must_be_the_meters_own_and_its_phone_nobody_elses(village: Village) -> None:
    stranger = Home("h-005", "Esther", 5, 0)
    foreign_frame = village.brian.application(village.now).frame
    with pytest.raises(MessageError, match="signed by another meter"):
        await village.send(stranger, stranger.application(village.now, frame=foreign_frame))
    with pytest.raises(MessageError, match="frame"):
        await village.send(stranger, stranger.application(village.now, frame="A" * 192))
    with pytest.raises(ValueError, match="already belongs"):
        await village.send(stranger, stranger.application(village.now, phone=village.amina.phone))
    assert len(await village.rows(tables.message)) == 8  # four applications, four allowances: none of these


async def test_what_fails_leaves_nothing_and_may_be_sent_again(village: Village) -> None:
    chebet = village.chebet
    order = BuyOrder(**village.head(), wh=1_000, at_most=1_000)
    with pytest.raises(ValueError, match="top up 1200 cents"):
        await village.send(chebet, order)
    await village.fund(chebet, 1_200)
    assert (await village.send(chebet, order))["status"] == "open"


async def test_an_altered_message_is_refused(village: Village) -> None:
    envelope = sign_message(StandingOrder(**village.head(), sell_at_least=1_000), village.amina.key)
    other = sign_message(StandingOrder(**village.head(), sell_at_least=1), village.brian.key)
    for forged in (
        Envelope(envelope.signer, other.payload, envelope.signature),
        Envelope(other.signer, envelope.payload, envelope.signature),
        Envelope(envelope.signer, envelope.payload, other.signature),
        Envelope("AAAA", envelope.payload, envelope.signature),
        Envelope("é", envelope.payload, envelope.signature),
    ):
        with pytest.raises(MessageError):
            await receive(village, forged)
    assert await village.rows(tables.standing_order) == []


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "é"])
async def test_what_is_no_transaction_is_refused(village: Village, text: str) -> None:
    await village.end_period({village.amina.id: 1_000})
    for wish in (
        SellOrder(**village.head(), wh=100, at_least=1, lock=text),
        GrantAllowance(**village.head(uuid4()), wh=1, approval=text),
    ):
        with pytest.raises(ValueError, match="transaction"):
            await village.send(village.amina, wish)
