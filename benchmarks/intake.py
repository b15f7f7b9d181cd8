"""Cleaning large CSV files beside reading them: ``python benchmarks/intake.py [ROWS] [canonical|italian|long]``.

Each program runs alone in a process of its own, several times in turn, so that both meet the same machine; the ratio of
the shortest times is what counts. The file is written by the generator and holds every canonical column: in canonical
notation, where hardly a cell changes, or as an Italian center writes it, where dates, decimal marks, categories and
codes for missing make an audit row of most cells. Long are ROWS results of a laboratory, a hundred per patient, beside
two lines of therapy of each.
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
LARGEST_GIB = {"canonical": 4.0, "italian": 4.0, "long": 8.0}
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
    setup="import glob\nimport pandas as pd",
    work="""for name in sorted(glob.glob(sys.argv[1] + "/C01/*.csv")):
    pd.read_csv(name, sep=sys.argv[3], dtype=str, keep_default_na=False)""",
)
CLEAN = MEASURE.format(
    setup="from intake.cleaning import clean_scope\nfrom fhrmm.study import load_study\nstudy = load_study()",
    work="cleaned = clean_scope(sys.argv[1], 'C01', study)\nassert len(cleaned.patients) == int(sys.argv[2])",
)


def write_export(folder: Path, n_rows: int, dialect: str) -> float:
    """Write the export of one center; return its size in MiB."""
    (folder / "C01").mkdir()
    if dialect == "long":
        return write_long(folder / "C01", n_rows)
    patients = simulate_population(n_rows, np.random.default_rng(1), visits=False).patients
    table = patients[[name for name in variables("patients") if name in patients]].assign(center="C01")
    path = folder / "C01" / "patients.csv"
    if dialect == "italian":
        (folder / "C01" / "center.toml").write_text(DESCRIPTION, encoding="utf-8")
        translate(table).to_csv(path, index=False, sep=";", na_rep="n.d.")
    else:
        table.to_csv(path, index=False)
    return path.stat().st_size / 2**20


def write_long(folder: Path, n_rows: int) -> float:
    """Write patients, two lines of therapy of each and a hundred results: five analytes on twenty days."""
    start, ids = pd.Timestamp("2021-01-01"), np.char.add("P", np.arange(n_rows // 100).astype(str))
    lines = pd.DataFrame({"patient_id": ids.repeat(2), "line_number": np.tile([1, 2], len(ids))})
    first = (lines["line_number"] == 1).to_numpy()
    lines["regimen"], lines["start_date"] = np.where(first, "D-VTd", "KRd"), np.where(first, "2021-01-01", "2022-01-01")
    days = np.array([(start + pd.Timedelta(days=28 * visit)).strftime("%Y-%m-%d") for visit in range(20)])
    analytes = {"serum_m_protein_g_dl": "g/dL", "flc_kappa_mg_l": "mg/L", "flc_lambda_mg_l": "mg/L",
                "urine_m_protein_mg_24h": "mg/24h", "bm_plasma_cells_pct": "%"}  # fmt: skip
    results = pd.DataFrame({"patient_id": ids.repeat(100), "assessment_date": np.tile(days.repeat(5), len(ids))})
    results["analyte"] = np.tile(list(analytes), len(ids) * 20)
    results["value"] = np.random.default_rng(1).uniform(0, 5, len(results)).round(2)
    results["unit"] = np.tile(list(analytes.values()), len(ids) * 20)
    tables = {"patients": pd.DataFrame({"patient_id": ids, "sex": "female"}), "lines": lines, "laboratory": results}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return sum(path.stat().st_size for path in folder.iterdir()) / 2**20


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
        arguments = Path(name), n_rows // (100 if dialect == "long" else 1), separator
        rounds = [(measure(READ, *arguments), measure(CLEAN, *arguments)) for _ in range(ROUNDS)]
    read, clean = (min(seconds) for seconds in zip(*((r[0], c[0]) for r, c in rounds), strict=True))
    memory, most = max(c[1] for _, c in rounds), LARGEST_GIB[dialect]
    print(f"{n_rows:,} rows, {dialect} notation, {size:.0f} MiB")
    print(f"pandas.read_csv as text {read:6.1f} s\nclean_scope             {clean:6.1f} s")
    print(f"ratio {clean / read:.2f} (limit {LARGEST_RATIO:g}), peak memory {memory:.2f} GiB (limit {most:g})")
    return int(clean / read > LARGEST_RATIO or memory > most)


if __name__ == "__main__":
    sys.exit(main())
