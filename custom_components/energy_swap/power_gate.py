"""Live power once a second is more than a database should keep: small changes are shown only now and then."""

from .api.model import Power

LEAST_JUMP_W = 50
JUMP_SHARE = 0.1


class PowerGate:
    """Decides which of the live powers are shown.

    A jump (of 50 W and 10 % at least) is shown at once, anything smaller at most every
    ``seconds``. All powers are shown together, so that they always belong to the same moment.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._shown: Power | None = None
        self._shown_at = 0.0

    def wait(self, power: Power | None, now: float) -> float:
        """Return after how many seconds this power is to be shown, 0 for at once; ``now`` is a monotonic time."""
        if self._shown is None or power is None or _is_jump(self._shown, power):
            return 0.0
        return max(0.0, self._shown_at + self.seconds - now)

    def show(self, power: Power | None, now: float) -> None:
        """Note what is shown now."""
        self._shown, self._shown_at = power, now


def _is_jump(before: Power, after: Power) -> bool:
    return any(
        abs(new - old) >= max(LEAST_JUMP_W, JUMP_SHARE * abs(old))
        for old, new in ((before["net_w"], after["net_w"]), (before["generation_w"], after["generation_w"]))
    )
