"""Child processes are watched, end in order, and do not outlive a killed demo."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from energy_swap_demo.processes import Child, Children, ProcessDiedError

SLEEPER = (sys.executable, "-u", "-c", "print('up'); import time; time.sleep(60)")
STUBBORN = (
    sys.executable, "-u", "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)",
)  # fmt: skip


async def until_logged(child: Child, text: str) -> None:
    for _ in range(500):
        if text in child.last_lines():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{text!r} is not in {child.last_lines()!r}")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError, ProcessLookupError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def test_stop_asks_and_restart_appends_to_the_log(tmp_path: Path) -> None:
    child = Child("sleeper", SLEEPER, logs=tmp_path / "logs")
    await child.start()
    await until_logged(child, "up")
    first = child.pid
    await child.restart()
    assert child.pid != first
    await until_logged(child, "up\nup")
    await child.stop()
    assert not child.is_running
    assert child.return_code == -signal.SIGTERM


async def test_who_ignores_the_request_is_ended_by_force(tmp_path: Path) -> None:
    child = Child("stubborn", STUBBORN, logs=tmp_path)
    await child.start()
    await until_logged(child, "up")
    await child.stop(patience_s=0.2)
    assert child.return_code == -signal.SIGKILL


async def test_kill_takes_the_whole_group(tmp_path: Path) -> None:
    program = (
        "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, 'is its child'); time.sleep(60)"
    )
    child = Child("parent", (sys.executable, "-u", "-c", program), logs=tmp_path)
    await child.start()
    await until_logged(child, "is its child")
    grandchild = int(child.last_lines().split()[0])
    await child.kill()
    assert child.return_code == -signal.SIGKILL
    assert wait_for(lambda: not is_alive(grandchild))


async def test_who_died_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    children = Children(tmp_path)
    await children.start("steady", SLEEPER)
    frail = await children.start("frail", (sys.executable, "-c", "raise SystemExit('the roof fell in')"))
    await frail.wait()
    with pytest.raises(ProcessDiedError, match=r"(?s)frail ended with code 1.*the roof fell in"):
        children.raise_if_any_died()
    await children.stop_all()


async def test_environment_and_folder_reach_the_process(tmp_path: Path) -> None:
    program = "import os; print(os.environ['GREETING'], os.getcwd())"
    child = Child(
        "greeter",
        (sys.executable, "-c", program),
        logs=tmp_path,
        environment={"GREETING": "jambo"},
        folder=tmp_path,
    )
    await child.start()
    assert await child.wait() == 0
    assert child.last_lines() == f"jambo {tmp_path}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's promise is Linux's")
def test_no_child_outlives_a_killed_demo(tmp_path: Path) -> None:
    demo = f"""
import asyncio, sys
from pathlib import Path
from energy_swap_demo.processes import Child
async def run():
    child = Child("child", {STUBBORN!r}, logs=Path({str(tmp_path)!r}))
    await child.start()
    print(child.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(run())
"""
    conductor = subprocess.Popen([sys.executable, "-c", demo], stdout=subprocess.PIPE, text=True)
    assert conductor.stdout is not None
    with conductor.stdout:
        child = int(conductor.stdout.readline())
        assert wait_for(lambda: is_alive(child))
        os.kill(conductor.pid, signal.SIGKILL)
        conductor.wait()
    assert wait_for(lambda: not is_alive(child))
