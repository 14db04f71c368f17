"""The program in the tree is what its source says, and what a compiler makes of it today."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from energy_swap_hub.chain import trust

from .conftest import BUILD, ROOT, build

PACKAGE = ROOT / "hub" / "energy_swap_hub" / "chain" / "trust"
PROGRAM = ROOT / "hub" / "program"


def made() -> dict[str, str]:
    found = json.loads((PACKAGE / "on_chain.json").read_text())
    assert isinstance(found, dict)
    return found


def test_program_in_the_tree_is_the_one_written_down() -> None:
    assert hashlib.sha256(trust.program_bytes()).hexdigest() == made()["sha256"]


def test_program_in_the_tree_was_made_from_this_source() -> None:
    seen = hashlib.sha256()
    for name in ("trust.c", "solana.h", "build.py"):
        content = (PROGRAM / name).read_bytes()
        seen.update(f"{name} {len(content)}\n".encode() + content)
    assert made()["source_sha256"] == seen.hexdigest(), "run script/build-program and commit what it wrote"


def test_the_same_compiler_makes_the_same_bytes(tmp_path: Path) -> None:
    again = build("clang", tmp_path)
    compiler = json.loads((tmp_path / "on_chain.json").read_text())["compiler"]
    if compiler != made()["compiler"]:
        pytest.skip(f"made with {made()['compiler']}; here is {compiler}, whose bytes may differ")
    assert again == trust.program_bytes()


def test_another_program_than_written_down_is_not_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "on_chain.so").write_bytes(trust.program_bytes() + b"\0")
    (tmp_path / "on_chain.json").write_bytes((PACKAGE / "on_chain.json").read_bytes())
    monkeypatch.setattr("energy_swap_hub.chain.trust.deployment.files", lambda _package: tmp_path)
    with pytest.raises(trust.DeployError, match="build it anew"):
        trust.program_bytes()


def test_each_refusal_has_the_same_number_on_both_sides() -> None:
    (names,) = re.findall(r"enum \{(.*?)\};", (PROGRAM / "trust.c").read_text(), re.DOTALL)
    in_c = [name.split("=")[0].strip() for name in names.split(",")]
    assert "TOO_MANY_ACCOUNTS = 100" in names
    assert {name: 100 + place for place, name in enumerate(in_c)} == {r.name: r.value for r in trust.Refusal}


def test_writable_data_is_not_linked(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    for name in ("trust.c", "solana.h", "build.py"):
        (folder / name).write_bytes((PROGRAM / name).read_bytes())
    changed = (folder / "trust.c").read_text().replace("u64 entrypoint(", "u64 calls = 7;\nu64 entrypoint(")
    changed = changed.replace("if (!c->data_len)", "calls++;\n  if (!c->data_len)")
    (folder / "trust.c").write_text(changed)
    build("gcc", tmp_path / "as-it-is")
    command = [sys.executable, str(folder / BUILD.name), "--compiler", "gcc", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "writable data" in done.stderr
