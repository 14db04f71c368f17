"""Build the opt-in on-chain program from its C source: compile with clang or GCC for BPF, then link as sBPF v3.

No compiler from Debian knows Solana's dialect. Its version 3 shares eBPF's encoding where no 32-bit arithmetic and
no 32-bit jumps are used (``-mcpu=v2``), so only the container and the calls are left to do here: constants are
loaded at address 0 and code at 1 << 32, nothing is relocated, a system call is the murmur3 hash of its name.

    script/build-program            build with clang, into the hub's package, and write down what was built
    script/build-program --compiler gcc --out FOLDER
"""

import argparse
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PACKAGE: Final = HERE.parent / "energy_swap_hub" / "chain" / "trust"
SOURCES: Final = ("trust.c", "solana.h")
COMPILERS: Final = {"clang": ("clang-19", "clang"), "gcc": ("bpf-gcc",)}
FLAGS: Final = {
    "clang": ("-target", "bpf", "-mcpu=v2", "-Oz", "-Werror"),
    "gcc": ("-mcpu=v2", "-Os", "-fno-tree-loop-distribute-patterns", "-fno-jump-tables"),
}
_COMMON: Final = ("-ffreestanding", "-fno-builtin", "-Wall", "-Wextra", "-c")

_BPF: Final = 247
_SBPF_VERSION: Final = 3
_CODE_ADDRESS: Final = 1 << 32
_ALLOCATED, _WRITABLE, _EXECUTABLE = 2, 1, 4
_PROGBITS, _SYMBOLS, _NOBITS, _RELOCATIONS = 1, 2, 8, 9
_LOAD, _CALL = 1, 10  # relocations: of a 64-bit constant, of a call
_SECTION_SYMBOL: Final = 3
_INSTRUCTION: Final = 8


class BuildError(Exception):
    """The program cannot be built; the text says why."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an object file."""

    name: int
    kind: int
    flags: int
    data: bytes
    link: int
    info: int
    alignment: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol: in section ``section`` at ``value``; in none, 0, where it is a system call."""

    name: str
    section: int
    value: int
    kind: int


def compile_program(compiler: str, object_file: Path) -> str:
    """Compile the source and return which compiler did it; raise `BuildError` without it."""
    program = next((found for name in COMPILERS[compiler] if (found := shutil.which(name))), None)
    if program is None:
        raise BuildError(f"{' or '.join(COMPILERS[compiler])} is not installed; script/bootstrap installs it")
    command = [program, *FLAGS[compiler], *_COMMON, SOURCES[0], "-o", str(object_file)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stderr}")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return version.stdout.splitlines()[0]


def link(raw: bytes) -> bytes:
    """Return the Solana program of the object file ``raw``; raise `BuildError` for one with writable data."""
    sections = _sections(raw)
    code, code_at = _joined(sections, lambda s: bool(s.flags & _EXECUTABLE), _INSTRUCTION)
    for section in sections:
        if section.flags & _WRITABLE and section.data:
            raise BuildError("the program has writable data; the runtime gives it none")
    constants, constants_at = _joined(
        sections, lambda s: bool(s.flags & _ALLOCATED) and not s.flags & (_EXECUTABLE | _WRITABLE), _INSTRUCTION
    )
    symbols = _symbols(sections)
    for section in sections:
        if section.kind == _RELOCATIONS and section.info in code_at:
            for offset, info in struct.iter_unpack("<QQ", section.data):
                at = code_at[section.info] + offset
                _relocate(code, at, info & 0xFFFFFFFF, symbols[info >> 32], code_at, constants_at)
            continue
        if section.kind == _RELOCATIONS and section.info in constants_at:
            raise BuildError("a constant holds an address; nothing relocates it")
    entry = next(s for s in symbols if s.name == "entrypoint")
    return _container(bytes(code), bytes(constants), _CODE_ADDRESS + code_at[entry.section] + entry.value)


def _sections(raw: bytes) -> list[Section]:
    if raw[:4] != b"\x7fELF" or struct.unpack_from("<H", raw, 18)[0] != _BPF:
        raise BuildError("the compiler made no BPF object")
    (table,) = struct.unpack_from("<Q", raw, 40)
    (count,) = struct.unpack_from("<H", raw, 60)
    found = []
    for index in range(count):
        name, kind, flags, _, offset, size, to, info, alignment, _ = struct.unpack_from(
            "<IIQQQQIIQQ", raw, table + index * 64
        )
        data = b"\0" * size if kind == _NOBITS else raw[offset : offset + size]
        found.append(Section(name, kind, flags, data, to, info, alignment))
    return found


def _symbols(sections: list[Section]) -> list[Symbol]:
    table = next(section for section in sections if section.kind == _SYMBOLS)
    names = sections[table.link].data
    found = []
    for name, info, _, section, value, _ in struct.iter_unpack("<IBBHQQ", table.data):
        found.append(Symbol(names[name : names.index(b"\0", name)].decode(), section, value, info & 15))
    return found


def _joined(
    sections: list[Section], is_wanted: Callable[[Section], bool], alignment: int
) -> tuple[bytearray, dict[int, int]]:
    joined, places = bytearray(), {}
    for index, section in enumerate(sections):
        if section.kind in {_PROGBITS, _NOBITS} and is_wanted(section) and section.data:
            joined += b"\0" * (-len(joined) % max(alignment, section.alignment))
            places[index] = len(joined)
            joined += section.data
    return joined + b"\0" * (-len(joined) % alignment), places


def _relocate(
    code: bytearray, at: int, kind: int, symbol: Symbol, code_at: dict[int, int], constants_at: dict[int, int]
) -> None:
    if kind == _LOAD and symbol.section in constants_at:
        low, high = struct.unpack_from("<I", code, at + 4)[0], struct.unpack_from("<I", code, at + 12)[0]
        target = constants_at[symbol.section] + symbol.value + (high << 32 | low)
        struct.pack_into("<I", code, at + 4, target & 0xFFFFFFFF)
        struct.pack_into("<I", code, at + 12, target >> 32)
    elif kind == _CALL and symbol.section == 0:
        code[at + 1] &= 0x0F
        struct.pack_into("<I", code, at + 4, murmur3(symbol.name.encode()))
    elif kind == _CALL and symbol.section in code_at:
        (distance,) = struct.unpack_from("<i", code, at + 4)
        inside = (distance + 1) * _INSTRUCTION if symbol.kind == _SECTION_SYMBOL else 0
        target = code_at[symbol.section] + symbol.value + inside
        struct.pack_into("<i", code, at + 4, (target - at) // _INSTRUCTION - 1)
    else:
        raise BuildError(f"relocation {kind} of {symbol.name or 'a section'} is none that this linker knows")


def _container(code: bytes, constants: bytes, entry: int) -> bytes:
    first = 64 + 2 * 56
    identification = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = identification + struct.pack(
        "<HHIQQQIHHHHHH", 3, _BPF, 1, entry, 64, 0, _SBPF_VERSION, 64, 56, 2, 64, 0, 0
    )

    def segment(flags: int, offset: int, address: int, size: int) -> bytes:
        return struct.pack("<IIQQQQQQ", 1, flags, offset, address, address, size, size, _INSTRUCTION)

    segments = segment(4, first, 0, len(constants)) + segment(1, first + len(constants), _CODE_ADDRESS, len(code))
    return header + segments + constants + code


def murmur3(data: bytes) -> int:
    """Return the 32-bit murmur3 hash of ``data`` with seed 0, by which the runtime knows its system calls."""
    state = 0
    whole = len(data) - len(data) % 4
    for offset in range(0, whole, 4):
        state ^= _mixed(struct.unpack_from("<I", data, offset)[0])
        state = (_rotated(state, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    if whole < len(data):
        state ^= _mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ state >> shift) * factor & 0xFFFFFFFF
    return state ^ state >> 16


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> 32 - by) & 0xFFFFFFFF


def _mixed(word: int) -> int:
    return _rotated(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF


def source_hash() -> str:
    """Return the hash of all that decides what is built."""
    seen = hashlib.sha256()
    for name in (*SOURCES, Path(__file__).name):
        content = (HERE / name).read_bytes()
        seen.update(f"{name} {len(content)}\n".encode() + content)
    return seen.hexdigest()


def main() -> None:
    """Build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", choices=sorted(COMPILERS), default="clang")
    parser.add_argument("--out", type=Path, default=PACKAGE, help="folder for on_chain.so and on_chain.json")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            compiler = compile_program(arguments.compiler, Path(folder) / "trust.o")
            program = link((Path(folder) / "trust.o").read_bytes())
    except BuildError as error:
        sys.exit(f"build-program: {error}")
    made = {"compiler": compiler, "sha256": hashlib.sha256(program).hexdigest(), "source_sha256": source_hash()}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "on_chain.so").write_bytes(program)
    (arguments.out / "on_chain.json").write_text(json.dumps(made, indent=2) + "\n")
    sys.stdout.write(f"{len(program):,} bytes by {compiler}, SHA-256 {made['sha256']}\n")


if __name__ == "__main__":
    main()
