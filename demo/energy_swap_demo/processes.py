"""The demo's child processes: start, watch, stop and kill them, and let none outlive the demo."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


class ProcessDiedError(RuntimeError):
    """A process of the demo ended by itself; the text holds its code and the end of its log."""


class Child:
    """One process, in a process group of its own, with its output appended to ``<name>.log`` in the log folder.

    On Linux the kernel sends ``orphan_signal`` to the process when the demo itself dies, however it dies.
    That reaches the process, not what the process started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        logs: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Describe the process; ``environment`` is added to this process's own and may change between starts."""
        self.name = name
        self.command = tuple(str(part) for part in command)
        self.log = logs / f"{name}.log"
        self.environment = dict(environment or {})
        self._folder = folder
        self._orphan_signal = orphan_signal
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Process id of the latest start."""
        return self._process.pid if self._process else None

    @property
    def return_code(self) -> int | None:
        """How the latest run ended: negative is the signal, None while it runs or before the first start."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start the process; raise `RuntimeError` when it runs already."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self._folder,
                env=os.environ | self.environment,
                start_new_session=True,  # Ctrl+C in the terminal reaches the demo only, which stops all in order
                preexec_fn=_die_with_parent(self._orphan_signal),
            )

    async def wait(self) -> int:
        """Wait until the process has ended and return its code."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return await self._process.wait()

    async def stop(self, patience_s: float = 10) -> None:
        """Ask the process to end (SIGTERM); after ``patience_s`` real seconds end it, and its group, by force."""
        if self._process is None:
            return
        if self.is_running:
            self._signal_group(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End the process and its group at once, as a power cut would (SIGKILL)."""
        if self._process is None:
            return
        self._signal_group(signal.SIGKILL)
        await self._process.wait()

    async def restart(self) -> None:
        """Stop the process if it runs and start it again with the same command."""
        await self.stop()
        await self.start()

    def last_lines(self, count: int = 20) -> str:
        """Return the end of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])

    def raise_if_died(self) -> None:
        """Raise `ProcessDiedError` when the process was started and has ended."""
        if self._process is not None and self._process.returncode is not None:
            code, end = self._process.returncode, self.last_lines()
            raise ProcessDiedError(f"{self.name} ended with code {code}; the end of {self.log}:\n{end}")

    def _signal_group(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class Children:
    """All child processes of the demo, in the order of their start."""

    def __init__(self, logs: Path) -> None:
        """Keep the logs of all children in ``logs``."""
        self.logs = logs
        self._children: list[Child] = []

    def add(self, child: Child) -> Child:
        """Take ``child`` in and return it."""
        self._children.append(child)
        return child

    async def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGKILL,
    ) -> Child:
        """Start one more process and return it."""
        child = Child(
            name, command, logs=self.logs, environment=environment, folder=folder, orphan_signal=orphan_signal
        )
        await child.start()
        return self.add(child)

    def raise_if_any_died(self) -> None:
        """Raise `ProcessDiedError` for the first process that was started and has ended."""
        for child in self._children:
            child.raise_if_died()

    async def stop_all(self, patience_s: float = 10) -> None:
        """Stop all, the youngest first, each with its own ``patience_s``."""
        for child in reversed(self._children):
            await child.stop(patience_s)


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a forked child runs before its program: ask the kernel for ``number`` when we die."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # died between the fork and the line above
            os._exit(1)

    return ask
