"""Kernels, workers, their parents and the runner are killed at random; the report ends up as if nothing had been."""

from __future__ import annotations

import contextlib
import difflib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

KILLS = int(os.environ.get("NOTEBOOKRUN_CHAOS_KILLS", "25"))  # set it higher for a long trial
SEED = int(os.environ.get("NOTEBOOKRUN_CHAOS_SEED", "20250331"))
LONGEST_SECONDS = 900

pytestmark = pytest.mark.slow


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def kill_somebody(pid: int, dice: random.Random) -> bool:
    """Kill one process of a run, whoever it is; the runner itself one time in five."""
    members = family(pid)
    victim = pid if dice.random() < 0.2 or len(members) == 1 else dice.choice(members[1:])
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
        return True
    return False


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Say which files came, went or changed, each changed one with its first lines that differ."""
    found = [f"{name} is missing" for name in sorted(before.keys() - after.keys())]
    found += [f"{name} is new" for name in sorted(after.keys() - before.keys())]
    for name in sorted(name for name in before.keys() & after.keys() if before[name] != after[name]):
        texts = [side[name].decode(errors="replace").splitlines() for side in (before, after)]
        lines = [line for line in difflib.unified_diff(*texts, n=0, lineterm="") if line[:3] not in {"---", "+++"}]
        found.append("\n".join([f"{name} changed:", *(line[:300] for line in lines[:10])]))
    return found


def test_killed_again_and_again_ends_in_the_same_report(ran: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ran.outputs("reports")
    temporary = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))  # short, as names of sockets have to be
    monkeypatch.setenv("TMPDIR", str(temporary))
    dice = random.Random(SEED)
    kills, until = 0, time.monotonic() + LONGEST_SECONDS
    while kills < KILLS:
        assert time.monotonic() < until, f"only {kills} kills"
        options = ["--force"] if dice.random() < 0.5 else []
        runner = subprocess.Popen(
            ran.command("--jobs", "2", *options),
            cwd=ran.root, env=ran.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while runner.poll() is None and kills < KILLS:
            time.sleep(dice.uniform(0.05, 1.2))
            kills += runner.poll() is None and kill_somebody(runner.pid, dice)
        runner.wait(120)
    done = ran.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert not differences(before, ran.outputs("reports"))
    assert not list(ran.root.rglob("*.part"))
    until = time.monotonic() + 30
    while ran.processes() and time.monotonic() < until:
        time.sleep(0.1)
    assert not ran.processes()
    assert ran.run("--force").returncode == 0
    assert not list(temporary.glob("nbr-*")), "sockets of killed processes are left"
    shutil.rmtree(temporary)
