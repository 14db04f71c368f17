from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from energy_swap_hub.config import UserConfig
from energy_swap_hub.membership.sign_in import SignIn, SignInRefused, hash_password

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOME = "192.0.2.1"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # a hash carries its own cost


@pytest.fixture(scope="module")
def grace() -> UserConfig:
    return UserConfig("grace", "admin", CHEAP.hash("a long pass phrase"))


@pytest.fixture
def door(grace: UserConfig) -> SignIn:
    users = {"grace": grace, "oddly": UserConfig("oddly", "auditor", "not an argon2 hash")}
    return SignIn(users, _nobody=CHEAP.hash("nobody's"))


def test_the_right_password_opens(door: SignIn, grace: UserConfig) -> None:
    assert door.check("grace", "a long pass phrase", NOW, address=HOME) == grace


def test_a_hash_made_for_the_configuration_opens() -> None:
    made = UserConfig("grace", "admin", hash_password("a long pass phrase"))
    assert made.password_hash.startswith("$argon2id$")
    door = SignIn({"grace": made})
    assert door.check("grace", "a long pass phrase", NOW, address=HOME) == made
    with pytest.raises(SignInRefused):
        door.check("nobody", "a long pass phrase", NOW, address=HOME)


def test_wrong_user_and_wrong_password_get_the_same_answer(door: SignIn) -> None:
    answers = set()
    for user, password in (("grace", "wrong"), ("nobody", "a long pass phrase"), ("oddly", "not an argon2 hash")):
        with pytest.raises(SignInRefused) as refused:
            door.check(user, password, NOW, address=HOME)
        answers.add(str(refused.value))
    assert answers == {"user or password is wrong"}


def test_five_wrong_passwords_lock_out_for_five_minutes(door: SignIn, grace: UserConfig) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW, address=HOME)
    for moment in (NOW, NOW + timedelta(minutes=5) - SECOND):
        with pytest.raises(SignInRefused, match="five minutes"):
            door.check("grace", "a long pass phrase", moment, address=HOME)
    assert door.check("grace", "a long pass phrase", NOW + timedelta(minutes=5), address=HOME) == grace


def test_a_success_forgets_the_wrong_tries_before_it(door: SignIn, grace: UserConfig) -> None:
    for _ in range(4):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW, address=HOME)
    assert door.check("grace", "a long pass phrase", NOW, address=HOME) == grace
    door.note_right("grace", address=HOME)
    for _ in range(2):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW, address=HOME)


def test_a_lock_out_is_for_one_name_and_invented_names_are_forgotten(door: SignIn, grace: UserConfig) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            door.check("nobody", "guess", NOW, address=HOME)
    assert door.check("grace", "a long pass phrase", NOW, address=HOME) == grace
    with pytest.raises(SignInRefused):
        door.check("another", "guess", NOW + timedelta(minutes=6), address=HOME)
    assert set(door._wrong) == {"another"}


def test_who_guesses_locks_itself_out_and_not_the_person(door: SignIn, grace: UserConfig) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW, address="198.51.100.7")
    with pytest.raises(SignInRefused, match="five minutes"):
        door.check("grace", "a long pass phrase", NOW, address="198.51.100.7")
    assert door.check("grace", "a long pass phrase", NOW, address=HOME) == grace
    door.note_right("grace", address=HOME)
    with pytest.raises(SignInRefused, match="five minutes"):
        door.check("grace", "guess", NOW, address="198.51.100.7")


def test_many_addresses_together_lock_a_name(door: SignIn) -> None:
    for number in range(50):
        with pytest.raises(SignInRefused, match="is wrong"):
            door.check("grace", "guess", NOW, address=f"198.51.100.{number}")
    with pytest.raises(SignInRefused, match="five minutes"):
        door.check("grace", "a long pass phrase", NOW, address=HOME)


def test_the_right_password_alone_does_not_forget_wrong_codes(door: SignIn) -> None:
    for _ in range(5):
        door.check("grace", "a long pass phrase", NOW, address=HOME)
        door.note_wrong("grace", NOW, address=HOME)  # the code was wrong
    with pytest.raises(SignInRefused, match="five minutes"):
        door.check("grace", "a long pass phrase", NOW, address=HOME)
