"""The ten embedded centers as tables in memory, and a study played with them in folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_time_to_event
from fhrmm.estimates.characteristics import estimate_received
from fhrmm.estimates.counts import start_at_received
from fhrmm.estimates.subgroups import join_cohort
from fhrmm.pool import member, rounds
from fhrmm.pool.answer import answer
from fhrmm.pool.files import make_tables
from fhrmm.response import derive_response
from fhrmm.store import list_centers, read_dataset_info
from fhrmm.study import Study, load_study
from intake.cleaning import clean_scope

DATA = "data/synthetic"
Tables = Mapping[str, pd.DataFrame]


@pytest.fixture(scope="session")
def study() -> Study:
    return load_study()


def tables_of(scope: str, study: Study) -> Tables:
    """Return what one center (or ALL) answers from, through the functions of the notebooks."""
    info = read_dataset_info(DATA)
    cleaned = clean_scope(DATA, scope, study)
    selection = apply_criteria(cleaned.patients, study, info=info)
    response = derive_response(selection.cohort, cleaned.assessments, study, info=info)
    times = join_cohort(derive_time_to_event(selection.cohort, response, study, info=info), selection.cohort)
    patients = join_cohort(response, selection.cohort.drop(columns="best_response"))
    received = estimate_received(len(cleaned.patients), len(cleaned.quarantined))
    return make_tables(start_at_received(selection.attrition, received), patients, times, study)


@pytest.fixture(scope="session")
def centers(study) -> dict[str, Tables]:
    return {center: tables_of(center, study) for center in list_centers(DATA)}


@pytest.fixture(scope="session")
def everybody(study) -> Tables:
    return tables_of("ALL", study)


@dataclass
class Played:
    """A study in folders: the one of the coordinator, a copy and a private corner per center."""

    base: Path
    study: Study
    tables: Mapping[str, Tables]

    @property
    def folder(self) -> Path:
        return self.base / "coordinator"

    def home(self, center: str) -> Path:
        return self.base / center / "study"

    def private(self, center: str) -> Path:
        return self.base / center / "work"

    def join(self, *names: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for center in names:
            self.home(center).mkdir(parents=True)
            member.join(self.home(center), self.private(center), center)
            self.mail(center, f"member_{center}.json")

    def ask(self) -> tuple[rounds.State, bool]:
        return rounds.ask(self.folder, self.base / "key", self.study)

    def mail(self, center: str, name: str) -> None:
        shutil.copy(self.home(center) / name, self.folder)

    def deliver(self, center: str) -> Path:
        for path in self.folder.glob("request_*.json"):
            shutil.copy(path, self.home(center))
        return self.home(center)

    def check(self, center: str) -> dict:
        return member.check_request(self.deliver(center), self.private(center), center, self.study)

    def answer(self, center: str) -> Path:
        request = self.check(center)
        numbers = answer(request, self.tables[center])
        basis = str(len(self.tables[center]["patients"]))
        path = member.write_answer(self.home(center), self.private(center), center, request, numbers, basis)
        self.mail(center, path.name)
        return path

    def answer_all(self, *names: str) -> None:
        for center in names or self.tables:
            self.answer(center)


@pytest.fixture
def play(tmp_path, study, centers) -> Callable[..., Played]:
    """Return a function that starts a study of some centers and asks for round 1."""

    def start(*names: str) -> Played:
        played = Played(tmp_path, study, {name: centers[name] for name in names})
        played.join(*names)
        played.ask()
        return played

    return start


@pytest.fixture(scope="session")
def finished(tmp_path_factory, study, centers) -> Played:
    """All rounds of the ten embedded centers."""
    played = Played(tmp_path_factory.mktemp("pool"), study, centers)
    played.join(*centers)
    while not played.ask()[1]:
        played.answer_all()
    return played
