"""How often the hub's process looks for garbage that reference counts do not free."""

import gc
from typing import Final

# Python's own 2,000 are made by a few dozen orders, and each look walks through much that is still in use: of what
# an order costs the process it took a tenth. Twenty thousand small objects are a few megabytes.
_NEW_OBJECTS: Final = 20_000


def collect_rarely() -> None:
    """Never look again at what is there now, which stays until the process ends, and rarely at what comes.

    Only circular garbage waits for it; everything else is freed at once as before. For a process that has started.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
