"""Who lives in the demo neighbourhood: twelve households, what they want from the market, and who admits them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from typing import Final

# A Monday, 00:00 in Nairobi: the weekday of the measured week, and where every register begins at zero.
COMMUNITY_START: Final = datetime(2026, 11, 15, 21, 0, tzinfo=UTC)
ADMISSIONS_NEEDED: Final = 2


class PromptHabit(StrEnum):
    """What a subscriber does with an M-Pesa prompt on the phone."""

    PAYS = "pays"
    CANCELS = "cancels"
    IGNORES_THEN_PAYS = "ignores_then_pays"  # lets the first prompt run out, tries again, pays


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One household as it signs up; prices are in cents per kWh, ``None`` keeps out of that side of the market."""

    number: int
    given_name: str
    family_name: str
    phone: str
    rated_pv_w: int
    main_breaker_w: int
    sell_at_least: int | None
    buy_at_most: int
    top_up_kes: int
    tops_up_at: time  # on the first morning, Nairobi
    habit: PromptHabit = PromptHabit.PAYS

    @property
    def name(self) -> str:
        """How the neighbours know it: "Amina's house"."""
        return f"{self.given_name}'s house"

    @property
    def full_name(self) -> str:
        """Name of the phone's subscriber."""
        return f"{self.given_name} {self.family_name}"

    @property
    def has_solar(self) -> bool:
        """Whether the household can sell."""
        return self.rated_pv_w > 0


@dataclass(frozen=True, slots=True)
class ApproverPerson:
    """A member whose device co-signs admissions; ``device`` is also the file name of its key."""

    device: str
    name: str
    role: str


# Limits lie between the feed-in tariff and the highest retail tariff (8.25 and 18.57 KES per kWh) and differ from
# household to household, so that a surplus pulls the price down the sellers' list and a shortage up the buyers'.
HOUSEHOLDS: Final = (
    Household(
        number=1, given_name="Amina", family_name="Odhiambo", phone="254708374101",
        rated_pv_w=2600, main_breaker_w=9200, sell_at_least=925, buy_at_most=1500,
        top_up_kes=200, tops_up_at=time(6, 10),
    ),
    Household(
        number=2, given_name="Kamau", family_name="Njoroge", phone="254708374102",
        rated_pv_w=2400, main_breaker_w=9200, sell_at_least=1050, buy_at_most=1420,
        top_up_kes=150, tops_up_at=time(6, 20),
    ),
    Household(
        number=3, given_name="Wanjiku", family_name="Mwangi", phone="254708374103",
        rated_pv_w=2200, main_breaker_w=9200, sell_at_least=850, buy_at_most=1580,
        top_up_kes=300, tops_up_at=time(6, 25),
    ),
    Household(
        number=4, given_name="Barasa", family_name="Wekesa", phone="254708374104",
        rated_pv_w=2400, main_breaker_w=9200, sell_at_least=1180, buy_at_most=1380,
        top_up_kes=250, tops_up_at=time(6, 30),
    ),
    Household(
        number=5, given_name="Fatuma", family_name="Hassan", phone="254708374105",
        rated_pv_w=3000, main_breaker_w=9200, sell_at_least=990, buy_at_most=1460,
        top_up_kes=200, tops_up_at=time(6, 40), habit=PromptHabit.IGNORES_THEN_PAYS,
    ),
    Household(
        number=6, given_name="Kiprono", family_name="Cheruiyot", phone="254708374106",
        rated_pv_w=2600, main_breaker_w=9200, sell_at_least=1120, buy_at_most=1340,
        top_up_kes=100, tops_up_at=time(6, 45),
    ),
    Household(
        number=7, given_name="Njeri", family_name="Kariuki", phone="254708374107",
        rated_pv_w=2000, main_breaker_w=9200, sell_at_least=1270, buy_at_most=1540,
        top_up_kes=400, tops_up_at=time(6, 50),
    ),
    Household(
        number=8, given_name="Otieno", family_name="Ouma", phone="254708374108",
        rated_pv_w=0, main_breaker_w=7400, sell_at_least=None, buy_at_most=1857,
        top_up_kes=500, tops_up_at=time(6, 5),
    ),
    Household(
        number=9, given_name="Mwende", family_name="Mutua", phone="254708374109",
        rated_pv_w=0, main_breaker_w=7400, sell_at_least=None, buy_at_most=1790,
        top_up_kes=1000, tops_up_at=time(6, 15),
    ),
    Household(
        number=10, given_name="Juma", family_name="Salim", phone="254708374110",
        rated_pv_w=0, main_breaker_w=7400, sell_at_least=None, buy_at_most=1720,
        top_up_kes=300, tops_up_at=time(6, 35), habit=PromptHabit.CANCELS,
    ),
    Household(
        number=11, given_name="Akinyi", family_name="Okoth", phone="254708374111",
        rated_pv_w=0, main_breaker_w=7400, sell_at_least=None, buy_at_most=1650,
        top_up_kes=350, tops_up_at=time(6, 55),
    ),
    Household(
        number=12, given_name="Naliaka", family_name="Simiyu", phone="254708374112",
        rated_pv_w=0, main_breaker_w=7400, sell_at_least=None, buy_at_most=1620,
        top_up_kes=250, tops_up_at=time(7, 0),
    ),
)  # fmt: skip

APPROVERS: Final = (
    ApproverPerson("approver-1", "Zawadi Kilonzo", "chair"),
    ApproverPerson("approver-2", "Peter Mbugua", "treasurer"),
    ApproverPerson("approver-3", "Halima Abdi", "secretary"),
)
