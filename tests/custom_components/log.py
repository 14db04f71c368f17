"""Home Assistant's log, as tests read it."""

import re

from energy_swap_demo.home_assistant import HomeAssistant

# Home Assistant times itself: on a machine with much else to do this tells of the machine, not of us. What the
# integration costs is measured in tests/benchmarks.
SLOW_MACHINE = re.compile(
    r"Updating state for \S+ .* took [\d.]+ seconds|is taking (over|longer than) [\d.]+ seconds"
)


def log_lines(home: HomeAssistant) -> list[str]:
    """Return the lines so far, without those about the machine's pace."""
    return [line for line in home.log_path.read_text().splitlines() if not SLOW_MACHINE.search(line)]
