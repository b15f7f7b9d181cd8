"""The folder of a pooled study, the private corner of work/, and the tables of a center: the only access to files."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.estimates.subgroups import MISSING, join_cohort
from fhrmm.estimates.survival import select_endpoint
from fhrmm.pool.protocol import Keys, Message, difference_in_words, make_keys, read_keys, read_message
from fhrmm.pool.question import CAUSES, DAYS_PER_WEEK, ENDPOINTS, OVERALL, univariable
from fhrmm.schema import cannot_record
from fhrmm.store import Run, read_report_csv, read_table
from fhrmm.study import Study, repository_root

_TIMES = ["endpoint", "time_months", "event", "event_description"]
# What decides about a center's numbers, from its files to the answer.
_CODE = ("lib/fhrmm", "lib/intake", "lib/timetoevent")
_NOTEBOOKS = ("01_*.ipynb", "02_*.ipynb", "03_*.ipynb", "04_*.ipynb")
LARGEST_FILE = 200_000_000


def read_tables(run: Run, study: Study) -> dict[str, pd.DataFrame]:
    """Return what a center answers from: its flow, its patients with their responses, its survival times."""
    cohort, response = read_table(run, "cohort"), read_table(run, "response")
    times = join_cohort(read_table(run, "time_to_event"), cohort)
    flow = read_report_csv(run, "attrition")
    return make_tables(flow, join_cohort(response, cohort.drop(columns="best_response")), times, study)


def make_tables(
    attrition: pd.DataFrame, patients: pd.DataFrame, times: pd.DataFrame, study: Study
) -> dict[str, pd.DataFrame]:
    """Return the tables of `fhrmm.pool.answer.answer`.

    The flow is patients by the criterion that excluded them, and those who remained; times get whole days, the public
    week, and what ended them.
    """
    remaining = pd.DataFrame({"criterion": ["remaining"], "n": attrition["n_remaining"].tail(1).tolist() or [0]})
    flow = attrition[["criterion", "n_excluded"]].rename(columns={"n_excluded": "n"})
    best = patients["best_response"].astype(object).fillna(MISSING).mask(cannot_record(patients, "a response"))
    made = {"flow": pd.concat([flow, remaining]), "patients": patients.assign(best_response=best)}
    used = [*_TIMES, *(name for name in univariable(study) if name not in _TIMES)]
    for endpoint in (*ENDPOINTS, *OVERALL):
        rows = select_endpoint(times[used], endpoint).reset_index(drop=True)
        days = np.rint(rows["time_months"].to_numpy(float) * study.time.days_per_month).astype(np.int64)
        event, causes = rows["event"].to_numpy(bool), rows["event_description"].astype(object)
        ended = np.where(event, causes.where(causes.isin(CAUSES), CAUSES[0]), "censored")
        levels = pd.Categorical(ended, ["censored", *CAUSES])
        made[endpoint] = rows.assign(days=days, week=np.ceil(days / DAYS_PER_WEEK), event=event, ended=levels)
    return made


def read_or_make_keys(private: Path) -> Keys:
    """Return the keys in a private folder, made and kept there (mode 600) if there are none yet."""
    path = private / "keys.json"
    if not path.is_file():
        write_json(path, make_keys().private(), mode=0o600)
    return read_keys(path)


def read_register(private: Path) -> list[dict[str, Any]]:
    """Return what a center has answered or left so far, in order."""
    path = private / "register.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def write_json(path: Path, content: object, *, mode: int = 0o644) -> None:
    """Write a message or register whole: what stops in the middle leaves the file before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as stream:
        json.dump(content, stream, sort_keys=True)
    draft.replace(path)


def read_file(path: Path, kind: str) -> Message:
    """Return the message of a kind in a file, which is refused if it is none or far too large."""
    if path.stat().st_size > LARGEST_FILE:
        raise StudyError(f"{path.name}: far larger than any {kind} of a pooled study; it was not read")
    return read_message(path.read_bytes(), kind, path.name)


def read_requests(folder: Path) -> list[Message]:
    """Return the requests in the folder, round after round."""
    found = [read_file(path, "request") for path in folder.glob("request_*.json")]
    return sorted(found, key=lambda request: request["round"])


def plan_entries(study: Study) -> dict[str, str]:
    """Return every value of the plan under its dotted name, as two plans are compared."""
    [flat] = pd.json_normalize(study.model_dump(mode="json")).to_dict("records")
    return {name: json.dumps(value) for name, value in flat.items()}


def check_plan(request: Message, study: Study) -> None:
    """Refuse a request that was made with another plan, with the difference in words."""
    if words := difference_in_words(plan_entries(study), request["plan"]):
        name = f"request_{request['round']}.json"
        raise StudyError(f"{name}: made with another plan (study.toml). {words}. Agree on one plan, then ask again")


@cache
def code_entries() -> dict[str, str]:
    """Return a short digest of every file of code that makes the numbers, by its path in the repository."""
    root = repository_root()
    paths = [path for house in _CODE for path in (root / house).rglob("*") if path.suffix in (".py", ".toml", ".csv")]
    paths += [path for pattern in _NOTEBOOKS for path in (root / "notebooks").glob(pattern)]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:12]
        for path in sorted(paths)
    }
