"""Why something is refused, for programs that say it in their reader's language: a key and its figures."""


class Explained(Exception):  # noqa: N818 - a trait of refusals, none by itself
    """A refusal whose text says why; ``key`` names the reason and ``numbers`` has the figures of the text.

    Figures have their units in their names. Without a key there is only the text.
    """

    def __init__(self, text: str, key: str = "", **numbers: int) -> None:
        super().__init__(text)
        self.key = key
        self.numbers = numbers
