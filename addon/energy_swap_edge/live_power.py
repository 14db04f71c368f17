"""The last minutes of live power, a sample a second, in memory only: it is for looking at, never for money."""

from collections import deque
from typing import Any, Final

KEPT_SAMPLES: Final = 900


class LivePower:
    """The newest samples, oldest first."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=KEPT_SAMPLES)

    def add(self, at: int, net_w: int, generation_w: int) -> None:
        """Keep a sample; one of a second that is there already replaces it."""
        if self._samples and self._samples[-1][0] == at:
            self._samples.pop()
        self._samples.append((at, net_w, generation_w))

    def samples(self) -> list[dict[str, Any]]:
        """Return all samples as the local API does."""
        return [{"at": at, "net_w": net_w, "generation_w": made_w} for at, net_w, made_w in self._samples]
