"""The mints that the console's check in the browser is tested against are those that the hub makes."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_vectors_are_what_the_hub_makes() -> None:
    script = runpy.run_path(str(ROOT / "script/mint_vectors.py"))
    assert script["FILE"].read_text() == script["vectors"](), "run script/mint_vectors.py"
