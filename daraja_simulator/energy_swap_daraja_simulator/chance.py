"""Randomness that a seed decides: one stream per purpose, so that no kind of event shifts another's luck."""

from random import Random


class Chance:
    """Named streams of random numbers; the same seed and the same events give the same luck."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._streams: dict[str, Random] = {}

    def of(self, purpose: str) -> Random:
        """Return the stream of ``purpose``."""
        if purpose not in self._streams:
            self._streams[purpose] = Random(f"{self._seed}/{purpose}")  # noqa: S311 - a simulation's luck
        return self._streams[purpose]

    def request_id(self) -> str:
        """Return a new id in the gateway's manner: ``16738-27456357-1``."""
        stream = self.of("request id")
        return f"{stream.randrange(10**5):05d}-{stream.randrange(10**8):08d}-1"
