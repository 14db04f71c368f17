"""The command ``energy-swap-edge key``: export the household's key under a passphrase, take it back, name it."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from getpass import getpass
from pathlib import Path
from typing import Any

from .key_bundle import export, unseal
from .keys import KEY_FILE, KeyLocked, keep_key, load_or_create_key

type Ask = Callable[[str], str]


def run(
    arguments: Sequence[str],
    *,
    options: Mapping[str, Any],
    data_dir: Path,
    ask: Ask = getpass,
    say: Callable[[str], object] = sys.stdout.write,
) -> int:
    """Carry out the command and return its exit status. ``options`` may hold ``data_dir`` and ``passphrase``."""
    folder = Path(options.get("data_dir") or data_dir)
    passphrase = options.get("passphrase") or None
    wanted = _parser().parse_args(arguments)
    try:
        if wanted.what == "import":
            key = unseal(wanted.file.read_bytes(), ask("Passphrase of the exported key: "))
            keep_key(folder, key, passphrase)
            say(f"household key {key.wallet} is in {folder}\n")
            return 0
        if not (folder / KEY_FILE).exists():
            raise KeyLocked(f"there is no household key in {folder}; ENERGY_SWAP_DATA_DIR names the folder")
        key = load_or_create_key(folder, passphrase)
        if wanted.what == "export":
            chosen = ask("New passphrase for the exported key: ")
            if chosen != ask("The same again: "):
                raise ValueError("the two passphrases are not the same; nothing was exported")
            export(key, wanted.file, chosen)
            say(f"household key {key.wallet} is in {wanted.file}; whoever has it and the passphrase is you\n")
        else:
            say(f"{key.wallet}\n")
    except (KeyLocked, OSError, ValueError) as error:
        say(f"energy-swap-edge key: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="energy-swap-edge key", description=__doc__)
    what = parser.add_subparsers(dest="what", required=True)
    for name, text in (
        ("export", "write the key to a new file, encrypted under a passphrase that you choose now"),
        ("import", "take back an exported key on a machine that has none"),
    ):
        what.add_parser(name, help=text).add_argument("file", type=Path)
    what.add_parser("show", help="print the household's public key (its Solana address)")
    return parser
