"""Ten centers and a coordinator on one machine pool without patients; files are copied as mail would carry them.

`make pool-demo` leaves everything in work/pool_demo: a folder per center with its own copy of the study folder, its own
work/ and reports/, and the coordinator's, which holds no patient.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fhrmm.store import list_centers
from fhrmm.study import load_study, repository_root

ROOT = repository_root()
DATA = ROOT / "data" / "synthetic"
sys.path.insert(0, str(ROOT))


def play(base: Path, centers: Sequence[str] = ()) -> Path:
    """Play a whole study below a folder, of all embedded centers or some, and return the coordinator's report."""
    from run_all import run

    shutil.rmtree(base, ignore_errors=True)
    coordinator = base / "coordinator"
    study = coordinator / "study"
    study.mkdir(parents=True)
    shutil.copy(DATA / "dataset.toml", study)
    at = {center: base / center for center in centers or list_centers(DATA)}
    for center, home in at.items():
        (home / "study").mkdir(parents=True)
        step("join", center, home)
        mail(home / "study", study, f"member_{center}.json")
    with ThreadPoolExecutor(os.cpu_count()) as workers:  # a center runs one notebook after the other; they do not wait
        list(workers.map(make_tables, at, at.values()))
    places = ["--work", str(coordinator / "work"), "--out", str(coordinator / "reports"), "--jobs", "1"]
    for number in range(1, load_study().pool.most_rounds + 1):
        print(f"--- coordinator, round {number}")
        check(run(["--pool-ask", str(study), *places]))
        if not (study / f"request_{number}.json").is_file():
            break
        for center, home in at.items():
            mail(study, home / "study", f"request_{number}.json")
            print(f"--- {center}, round {number}")
            step("answer", center, home, "--yes")
            mail(home / "study", study, f"answer_{number}_{center}.json")
    check(run(["--pool-ask", str(study), *places]))
    check(run(["--pool-status", str(study)]))
    return coordinator / "reports" / "index.html"


def places_of(home: Path) -> list[str]:
    """Return the options by which a center finds its data, its work folder and its reports."""
    names = {"--data": "data", "--work": "work", "--out": "reports"}
    return [part for option, name in names.items() for part in (option, str(home / name))]


def make_tables(center: str, home: Path) -> None:
    """Run the notebooks of a center that its answers come from, as `--pool-answer` would."""
    runner = [sys.executable, str(ROOT / "run_all.py"), "--notebook", "04_pfs_os", "--center", center, "--quiet"]
    subprocess.run([*runner, *places_of(home), "--jobs", "1"], check=True, stdout=subprocess.DEVNULL)


def step(name: str, center: str, home: Path, *more: str) -> None:
    """Take one step at a center, which sees its own patients alone."""
    from run_all import run

    own = home / "data" / center
    if not own.is_dir():
        shutil.copytree(DATA / center, own)
        shutil.copy(DATA / "dataset.toml", home / "data")
    check(run([f"--pool-{name}", str(home / "study"), *places_of(home), "--jobs", "1", *more]))


def check(status: int) -> None:
    """Stop where a step failed."""
    if status:
        sys.exit(status)


def mail(sender: Path, receiver: Path, name: str) -> None:
    """Carry one file."""
    shutil.copy(sender / name, receiver / name)


if __name__ == "__main__":
    print(f"The pooled report: {play(ROOT / 'work' / 'pool_demo')}")
