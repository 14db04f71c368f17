"""Modbus chips on pseudo terminals: an Eastron SDM and a PZEM-004T, as their data sheets say."""

import os
import pty
import select
import struct
import threading
import tty
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

READ_INPUT_REGISTERS = 4


def crc(data: bytes) -> bytes:
    """Return the CRC-16 of Modbus."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class ModbusDevice:
    """A slave with address 1 whose input registers are asked for at every request; other registers are zero."""

    def __init__(self, registers: Callable[[], Mapping[int, int]]) -> None:
        self._registers = registers
        self._master, slave = pty.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        self._slave = slave
        self.port = os.ttyname(slave)
        self.requests = 0
        self.is_silent = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)

    def _serve(self) -> None:
        received = b""
        while not self._stopping.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.05)
            if not ready:
                received = b""  # a pause ends a frame
                continue
            received += os.read(self._master, 256)
            if len(received) < 8 or crc(received[:6]) != received[6:8]:
                continue
            address, function, first, count = struct.unpack(">BBHH", received[:6])
            received = b""
            if self.is_silent or (address, function) != (1, READ_INPUT_REGISTERS):
                continue
            self.requests += 1
            values = self._registers()
            body = struct.pack(">BBB", address, function, 2 * count)
            body += b"".join(struct.pack(">H", values.get(first + i, 0)) for i in range(count))
            os.write(self._master, body + crc(body))


def sdm_registers(*, import_kwh: float, export_kwh: float, power_w: float) -> dict[int, int]:
    """Return the registers of an SDM120 or SDM630: floats, high word first."""
    registers: dict[int, int] = {}
    for at, value in ((0x00, 230.0), (0x34, power_w), (0x48, import_kwh), (0x4A, export_kwh)):
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        registers |= {at: high, at + 1: low}
    return registers


def pzem_registers(*, energy_wh: int, power_w: float) -> dict[int, int]:
    """Return the registers of a PZEM-004T v3: integers, low word first."""
    deciwatt = round(10 * power_w)
    return {
        0: 2304, 3: deciwatt & 0xFFFF, 4: deciwatt >> 16, 5: energy_wh & 0xFFFF, 6: energy_wh >> 16, 7: 500, 8: 98,
    }  # fmt: skip
