"""Cleaning one large CSV against reading it as text: ``python benchmarks/intake.py [ROWS] [canonical|italian]``.

Each program runs alone in a process of its own, several times in turn, so that both meet the same machine; the ratio of
the shortest times is what counts. The file is written by the generator and holds every canonical column: in canonical
notation, where hardly a cell changes, or as an Italian center writes it, where dates, decimal marks, categories and
codes for missing make an audit row of most cells.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.schema import variables
from generator import simulate_population

ROUNDS = 3
LARGEST_RATIO = 6.0
LARGEST_GIB = 4.0
WORDS = {"female": "F", "male": "M", "yes": "sì", "no": "no", "PR": "RP", "CR": "RC", "PD": "MP", "none": "nessuno"}
DESCRIPTION = """separator = ";"
decimal = ","
date_order = "dmy"
[[files]]
path = "patients.csv"
table = "patients"
"""
MEASURE = """
import json, resource, sys, time
{setup}
start = time.perf_counter()
{work}
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
"""
READ = MEASURE.format(
    setup="import pandas as pd",
    work="pd.read_csv(sys.argv[1] + '/C01/patients.csv', sep=sys.argv[3], dtype=str, keep_default_na=False)",
)
CLEAN = MEASURE.format(
    setup="from intake.cleaning import clean_scope\nfrom fhrmm.study import load_study\nstudy = load_study()",
    work="cleaned = clean_scope(sys.argv[1], 'C01', study)\nassert len(cleaned.patients) == int(sys.argv[2])",
)


def write_export(folder: Path, n_rows: int, dialect: str) -> float:
    """Write the export of one center; return its size in MiB."""
    patients = simulate_population(n_rows, np.random.default_rng(1), visits=False).patients
    table = patients[[name for name in variables("patients") if name in patients]].assign(center="C01")
    (folder / "C01").mkdir()
    path = folder / "C01" / "patients.csv"
    if dialect == "italian":
        (folder / "C01" / "center.toml").write_text(DESCRIPTION, encoding="utf-8")
        translate(table).to_csv(path, index=False, sep=";", na_rep="n.d.")
    else:
        table.to_csv(path, index=False)
    return path.stat().st_size / 2**20


def translate(table: pd.DataFrame) -> pd.DataFrame:
    """Return canonical values as an Italian center writes them."""
    columns = {}
    for name, variable in variables("patients").items():
        column = table[name]
        if variable.type == "date":
            column = column.dt.strftime("%d/%m/%Y")
        elif variable.type == "number":
            column = column.astype(str).str.replace(".", ",").where(column.notna())
        elif variable.levels:
            column = column.cat.rename_categories([WORDS.get(level, level) for level in column.cat.categories])
        columns[variable.label_it] = column
    return pd.DataFrame(columns)


def measure(program: str, folder: Path, n_rows: int, separator: str) -> tuple[float, float]:
    """Run a program in a new process; return seconds and peak memory in GiB."""
    command = [sys.executable, "-c", program, str(folder), str(n_rows), separator]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = json.loads(finished.stdout)
    return seconds, memory


def main() -> int:
    """Print both times, their ratio and the peak memory; status 1 where a limit is passed."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    dialect = sys.argv[2] if len(sys.argv) > 2 else "canonical"
    separator = ";" if dialect == "italian" else ","
    with tempfile.TemporaryDirectory() as name:
        size = write_export(Path(name), n_rows, dialect)
        arguments = Path(name), n_rows, separator
        rounds = [(measure(READ, *arguments), measure(CLEAN, *arguments)) for _ in range(ROUNDS)]
    read, clean = (min(seconds) for seconds in zip(*((r[0], c[0]) for r, c in rounds), strict=True))
    memory = max(c[1] for _, c in rounds)
    print(f"{n_rows:,} rows, {dialect} notation, {size:.0f} MiB")
    print(f"pandas.read_csv as text {read:6.1f} s\nclean_scope             {clean:6.1f} s")
    print(f"ratio {clean / read:.2f} (limit {LARGEST_RATIO:g}), peak memory {memory:.2f} GiB (limit {LARGEST_GIB:g})")
    return int(clean / read > LARGEST_RATIO or memory > LARGEST_GIB)


if __name__ == "__main__":
    sys.exit(main())
