"""Everything that can be made to go wrong: 34 faults by number and name, each with its variants."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, where it is met, and what it can look like (the first variant is the usual one)."""

    name: str
    product: str
    variants: Mapping[str, str]


def _fault(name: str, product: str, **variants: str) -> Fault:
    return Fault(name, product, {key.strip("_").replace("_", "-"): what for key, what in variants.items()})


FAULTS: Final[Mapping[str, Fault]] = {
    "F01": _fault(
        "stk-answer-lost",
        "stk",
        reset="an STK push is accepted, then the connection is reset",
        hang="an STK push is accepted and never answered",
        unavailable="an STK push is accepted and answered with HTTP 503",
    ),
    "F02": _fault("callback-lost", "stk", lost="the callback never comes"),
    "F03": _fault("receiver-down", "any", cut="the callback is cut off halfway; it does not come again"),
    "F04": _fault("callback-twice", "stk", twice="the callback comes a second time 1 s later (`seconds`)"),
    "F05": _fault("callback-before-answer", "stk", first="the callback arrives before the push is answered"),
    "F06": _fault(
        "query-in-flight",
        "query",
        _4999="asked in flight, the query says 4999",
        empty_200="asked in flight, it says 500.001.1001 without words, HTTP 200",
        empty_500="the same with HTTP 500",
    ),
    "F07": _fault(
        "query-flaps",
        "query",
        error="asked afterwards, the query says 500.001.1001",
        success="asked afterwards, it says 0 whatever happened",
        timeout="asked afterwards, it says 1037 whatever happened",
    ),
    "F08": _fault("other-prose", "any", other="the ResultDesc is one that nobody documented"),
    "F09": _fault("types-wander", "any", other="numbers come as strings, amounts as 1.00"),
    "F10": _fault(
        "odd-items", "any", odd="items without Value, unknown items, one object where a list was, disorder"
    ),
    "F11": _fault(
        "late-success",
        "stk",
        callback="1037 is told, then the payment succeeds after 90 s (`seconds`) and a second callback says so",
        silent="the same without the second callback: C2B confirmation and Pull alone tell",
    ),
    "F12": _fault(
        "double-tap",
        "stk",
        lock="the push is refused: Unable to lock subscriber",
        _1001="the prompt ends with 1001",
        _17="the prompt ends with 17",
        both="the lock fails: a second prompt opens beside the first",
    ),
    "F13": _fault(
        "user-outcome",
        "stk",
        **{
            f"_{code}": f"the prompt ends with {code}"
            for code in (
                *("1032", "1037", "1", "2001", "1019", "1025", "2", "3", "4", "8", "26"),
                *("9999", "8006", "2028", "SFC_IC0003"),
            )
        },
    ),
    "F14": _fault(
        "token-killed",
        "any",
        killed="another worker fetched a token: this one is void",
        no_product="the product is not in the app: no apiproduct match found",
    ),
    "F15": _fault(
        "unreadable-answer",
        "any",
        html="the request is taken, the answer is an HTML page",
        empty="the request is taken, the answer is empty",
        envelope="the request is taken, the answer is an error inside HTTP 200",
    ),
    "F16": _fault(
        "spike-arrest",
        "any",
        spike="refused at the gateway: spike arrest, HTTP 500",
        quota="refused at the gateway: quota, HTTP 500",
        _429="refused at the gateway: spike arrest, HTTP 429",
        busy="System is busy: nothing was taken",
        busy_taken="System is busy: and yet the request was taken",
    ),
    "F17": _fault(
        "b2c-answer-lost",
        "b2c",
        reset="a B2C request is accepted, then the connection is reset",
        hang="a B2C request is accepted and never answered",
        unavailable="a B2C request is accepted and answered with HTTP 503",
    ),
    "F18": _fault("b2c-result-lost", "b2c", lost="the payout is made, its result never comes"),
    "F19": _fault(
        "queue-timeout",
        "b2c",
        then_result="QueueTimeOutURL is called, then the result comes",
        silent="QueueTimeOutURL is called, the request is carried out, no result comes",
        never="QueueTimeOutURL is called and nothing else ever happens",
    ),
    "F20": _fault("utility-empty", "b2c", short="result 1 whatever Utility holds"),
    "F21": _fault(
        "initiator-refused",
        "b2c",
        _2001="the credential is wrong (or older than 90 days)",
        _21="the initiator lacks the role",
        _8006="the credential is locked, and stays so until the control API unlocks it",
    ),
    "F22": _fault(
        "recipient-refuses",
        "b2c",
        _2040="the recipient is not registered",
        _SFC_IC0003="the phone is no good",
        _4="the recipient's daily limit",
        _8="the recipient's account is full",
    ),
    "F23": _fault("confirmation-first", "c2b", first="the C2B confirmation overtakes the STK callback by 10 s"),
    "F24": _fault(
        "mistyped-payment",
        "c2b",
        wrong="the subscriber mistypes the account number",
        missing="the subscriber leaves the account number out",
        partial="the subscriber pays half",
        over="the subscriber pays double",
    ),
    "F25": _fault(
        "forged-callback",
        "stk",
        paid="a forged success arrives while the prompt is still open",
        race="a forged success with a receipt of its own arrives between the payment and its callback",
    ),
    "F26": _fault(
        "source-hidden",
        "any",
        forged="X-Forwarded-For begins with an address of Safaricom's that the sender made up",
        garbage="X-Forwarded-For holds no address at all",
    ),
    "F27": _fault("clock-skew", "stk", skew="M-Pesa's clock disagrees: 500.001.1001 Wrong credentials"),
    "F28": _fault(
        "reversed-later", "c2b", reversed="M-Pesa takes the payment back after 10 min (`seconds`), unasked"
    ),
    "F29": _fault(
        "cut-in-the-middle",
        "any",
        before="the connection is cut before the request was taken",
        after="the connection is cut after the request was taken",
    ),
    "F30": _fault(
        "pull-gaps",
        "pull",
        missing="the last row of a page is left out",
        double="the first row of a page comes twice",
        short="a page has one row only",
    ),
    "F31": _fault("books-differ", "balance", less="the balance told is KES 100 lower than the truth"),
    "F32": _fault(
        "hostile-text",
        "any",
        markup="descriptions and names hold markup and control characters",
        huge="the callback is over 1 MB",
        deep="the callback nests 5,000 levels",
        charset="the callback is not UTF-8",
    ),
    "F33": _fault(
        "registration-changed",
        "any",
        urls="the C2B URLs are gone (at once)",
        certificate="the key pair changes (at once): credentials sealed before are wrong",
    ),
    "F34": _fault(
        "outage", "any", outage="nothing answers for 3 h (`seconds`), then all late callbacks come at once"
    ),
}

SCENARIOS: Final[Mapping[str, Mapping[str, float]]] = {
    "calm": {},
    "usual": {"F02": 0.02, "F04": 0.02, "F07": 0.05, "F08": 0.2, "F09": 0.2, "F10": 0.2, "F16": 0.01},
    "storm": {
        **dict.fromkeys(("F01", "F02", "F04", "F07", "F11", "F16", "F17", "F18", "F19"), 0.1),
        **dict.fromkeys(("F03", "F05", "F13", "F14", "F15", "F23", "F25", "F29", "F30", "F32"), 0.05),
        **dict.fromkeys(("F08", "F09", "F10"), 0.3),
        **dict.fromkeys(("F20", "F22", "F24", "F28"), 0.02),
    },
}


def find(fault: str) -> str:
    """Return the number of a fault given by number or name; an unknown one raises `ValueError`."""
    for number, known in FAULTS.items():
        if fault.lower() in (number.lower(), known.name):
            return number
    raise ValueError(f"there is no fault {fault}; known: {', '.join(f'{n} {f.name}' for n, f in FAULTS.items())}")
