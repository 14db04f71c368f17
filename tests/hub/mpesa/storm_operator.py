"""What an operator decides about a review after a look into M-Pesa's portal: the simulator's books."""

from collections.abc import Callable
from random import Random
from typing import Any


def judge(
    review: dict[str, Any], rows: Callable[..., list[Any]], phones: dict[str, str], random: Random
) -> dict[str, Any]:
    """Return what M-Pesa's portal says is right about a review."""
    actions, subject, evidence = review["actions"], review["subject"], review["evidence"]
    if not actions:
        return {"action": None}
    first = actions[0]
    if "send_again" in actions and random.random() < 0.3:
        return {"action": "send_again"}  # M-Pesa carries an id out once, so nobody is paid twice
    match first:
        case "credit" if review["kind"] == "payment_unconfirmed":
            found = rows("SELECT cents FROM movement WHERE kind = 'c2b' AND receipt = ?", subject)
            if found:
                return {"action": "credit", "receipt": subject, "kes": found[0]["cents"] // 100}
            return {"action": "close_unpaid"}
        case "credit":
            sql = "SELECT receipt, cents FROM movement WHERE kind = 'c2b' AND reference = ?"
            found = rows(sql, evidence["reference"])
            if found:
                return {"action": "credit", "receipt": found[0]["receipt"], "kes": found[0]["cents"] // 100}
            return {"action": "close_unpaid"}
        case "paid":
            originator = evidence["originator_conversation_id"]
            found = rows("SELECT code, receipt FROM payout WHERE originator = ?", originator)
            assert not found or found[0]["code"] is not None, "it is long done"
            if found and found[0]["code"] == "0":
                return {"action": "paid", "receipt": found[0]["receipt"]}
            return {"action": "not_paid"}
        case "reversed":
            sql = "SELECT receipt FROM movement WHERE kind = 'reversal' AND reference = ?"
            found = rows(sql, subject)
            return {"action": "reversed", "receipt": found[0]["receipt"]} if found else {"action": "not_reversed"}
        case "assign":
            [paid] = rows("SELECT phone FROM movement WHERE kind = 'c2b' AND receipt = ?", subject)
            [home] = [home for home, phone in phones.items() if phone == paid["phone"]]
            return {"action": "assign", "household": home}
        case "let_in":
            return {"action": random.choice(["let_in", "turn_away"])}
        case "ask_again":
            return {"action": random.choice(["ask_again", None])}
        case _:
            return {"action": first}
