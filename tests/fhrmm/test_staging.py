"""Stages from values, with partial knowledge."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from fhrmm.schema import conform
from fhrmm.staging import derive_staging
from fhrmm.study import load_study

STUDY = load_study()
NO_FISH = {"del17p": "no", "t_4_14": "no", "t_14_16": "no", "gain_1q": "no"}
LDH_HIGH, LDH_NORMAL = {"ldh_u_l": 300.0, "ldh_uln_u_l": 250.0}, {"ldh_u_l": 200.0, "ldh_uln_u_l": 250.0}
ISS = {
    "I": {"beta2_microglobulin_mg_l": 2.0, "albumin_g_dl": 4.0},
    "II": {"beta2_microglobulin_mg_l": 4.0, "albumin_g_dl": 4.0},
    "III": {"beta2_microglobulin_mg_l": 6.0, "albumin_g_dl": 4.0},
}


def stages(rows, study=STUDY):
    numbered = [{"patient_id": str(number), **row} for number, row in enumerate(rows)]
    return derive_staging(conform(pd.DataFrame(numbered), "patients"), study)


def stage(study=STUDY, **columns):
    return stages([columns], study).loc[0]


def known(value):
    return None if pd.isna(value) else value


@pytest.mark.parametrize(
    ("beta2", "albumin", "expected"),
    [
        (3.49, 3.5, "I"), (3.5, 4.0, "II"), (2.0, 3.4, "II"), (5.5, 4.5, "III"), (5.49, 2.0, "II"), (3.4, 3.6, "I"),
        (6.0, None, "III"), (4.0, None, "II"), (2.0, None, None), (None, 4.0, None), (None, 2.0, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_iss(beta2, albumin, expected):
    assert known(stage(beta2_microglobulin_mg_l=beta2, albumin_g_dl=albumin)["iss_computed"]) == expected


@pytest.mark.parametrize(
    ("columns", "expected", "reason"),
    [
        (ISS["III"] | LDH_HIGH, "III", ""),
        (ISS["III"] | LDH_NORMAL, None, "II or III: FISH missing"),
        (ISS["II"], "II", ""),
        (ISS["I"] | LDH_NORMAL, None, "I or II: FISH missing"),
        (ISS["I"] | LDH_HIGH, "II", ""),
        (ISS["I"] | NO_FISH, None, "I or II: LDH missing"),
        (ISS["I"] | LDH_NORMAL | NO_FISH, "I", ""),
        (ISS["I"] | {"ldh_u_l": 250.0, "ldh_uln_u_l": 250.0} | NO_FISH, "I", ""),
        (ISS["III"] | LDH_NORMAL | NO_FISH, "II", ""),
        (ISS["III"] | LDH_NORMAL | NO_FISH | {"t_4_14": "yes"}, "III", ""),
        (ISS["III"] | {"del17p": "yes"}, "III", ""),
        (ISS["III"] | LDH_NORMAL | NO_FISH | {"gain_1q": "yes"}, "II", ""),
        (ISS["III"], None, "II or III: LDH, FISH missing"),
        (LDH_HIGH | NO_FISH, None, "II or III: ISS missing"),
        ({"beta2_microglobulin_mg_l": 2.0} | LDH_HIGH, "II", ""),
        ({}, None, "I or II or III: ISS, LDH, FISH missing"),
    ],
)
def test_r_iss(columns, expected, reason):
    found = stage(**columns)
    assert (known(found["r_iss_computed"]), found["r_iss_computed_reason"]) == (expected, reason)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (ISS["III"] | LDH_HIGH | NO_FISH | {"gain_1q": "yes"}, "IV"),
        (ISS["II"] | LDH_NORMAL | NO_FISH, "II"),
        (ISS["I"] | LDH_NORMAL | NO_FISH | {"gain_1q": "yes"}, "II"),
        (ISS["III"] | LDH_NORMAL | NO_FISH, "III"),
        (ISS["I"] | LDH_NORMAL | NO_FISH, "I"),
        (ISS["II"] | LDH_HIGH | NO_FISH | {"gain_1q": "yes"}, "III"),
        (ISS["III"] | LDH_HIGH | NO_FISH | {"del17p": "yes"}, "IV"),
        (ISS["III"] | LDH_HIGH | {"gain_1q": "yes"}, "IV"),
        (ISS["III"] | LDH_HIGH, None),
        (ISS["I"] | LDH_NORMAL, None),
    ],
)
def test_r2_iss(columns, expected):
    assert known(stage(**columns)["r2_iss_computed"]) == expected


def test_r2_iss_of_every_complete_patient_is_its_points():
    points = {"I": 0.0, "II": 1.0, "III": 1.5}
    rows, expected = [], []
    for iss, ldh, *lesions in itertools.product(points, (False, True), *[("no", "yes")] * 3):
        fish = dict(zip(("del17p", "t_4_14", "gain_1q"), lesions, strict=True)) | {"t_14_16": "no"}
        total = points[iss] + ldh + (lesions[0] == "yes") + (lesions[1] == "yes") + 0.5 * (lesions[2] == "yes")
        rows.append(ISS[iss] | (LDH_HIGH if ldh else LDH_NORMAL) | fish)
        expected.append("I" if total == 0 else "II" if total <= 1 else "III" if total <= 2.5 else "IV")
    assert len(rows) == 48
    assert stages(rows)["r2_iss_computed"].tolist() == expected


def test_partial_stage_is_what_all_completions_agree_on():
    rng = np.random.default_rng(5)
    for _ in range(25):
        full = ISS[rng.choice(list(ISS))] | (LDH_HIGH if rng.random() < 0.5 else LDH_NORMAL)
        full |= {name: rng.choice(["yes", "no"]) for name in NO_FISH}
        hidden = [name for name in (*NO_FISH, "ldh_u_l") if rng.random() < 0.4]
        partial = {name: value for name, value in full.items() if name not in hidden}
        options = [
            [(name, value) for value in ((300.0, 200.0) if name == "ldh_u_l" else ("yes", "no"))] for name in hidden
        ]
        found = stages([partial, *(partial | dict(chosen) for chosen in itertools.product(*options))])
        for system in ("r_iss_computed", "r2_iss_computed"):
            completions = set(found[system].iloc[1:])
            assert known(found[system].iloc[0]) == (completions.pop() if len(completions) == 1 else None)


def test_recorded_and_computed_are_kept_side_by_side():
    found = stage(**ISS["III"], iss_diagnosis="II")
    assert [found[name] for name in ("iss", "iss_computed", "iss_mismatch")] == ["II", "III", True]
    computed = load_study(overrides={"staging.prefer": "computed"})
    assert stage(computed, **ISS["III"], iss_diagnosis="II")["iss"] == "III"


def test_recorded_iss_is_used_where_values_are_missing():
    found = stage(iss_diagnosis="III", **LDH_HIGH)
    assert [found[name] for name in ("iss", "r_iss_computed")] == ["III", "III"]
    assert pd.isna(found["iss_computed"])
    assert not found["iss_mismatch"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"del17p": "yes"}, "yes"),
        ({"t_4_14": "yes", "gain_1q": "yes"}, "yes"),
        ({"t_14_16": "yes", "gain_1q": "yes"}, "yes"),
        (NO_FISH | {"t_4_14": "yes"} | ISS["I"], "no"),
        (NO_FISH | {"gain_1q": "yes"} | ISS["I"], "no"),
        ({"beta2_microglobulin_mg_l": 5.5, "creatinine_mg_dl": 1.1}, "yes"),
        (NO_FISH | {"beta2_microglobulin_mg_l": 5.5, "creatinine_mg_dl": 1.2}, "no"),
        (NO_FISH | {"beta2_microglobulin_mg_l": 5.5}, None),
        (NO_FISH | {"beta2_microglobulin_mg_l": 5.4}, "no"),
        ({"t_4_14": "yes"} | ISS["I"], None),
        ({}, None),
    ],
)
def test_genomic_high_risk(columns, expected):
    assert known(stage(**columns)["genomic_high_risk"]) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({"del17p": "yes"}, "yes"), (NO_FISH, "no"), ({"del17p": "no"}, None), (NO_FISH | {"t_14_16": None}, None)],
)
def test_high_risk_cytogenetics(columns, expected):
    assert known(stage(**columns)["high_risk_cytogenetics"]) == expected


def test_advanced_stage_follows_the_plan():
    columns = ISS["II"] | LDH_HIGH | NO_FISH | {"del17p": "yes"}
    assert stage(**columns)["advanced_stage"] == "no"
    wider = load_study(overrides={"staging.advanced_stage_levels": ["II", "III"]})
    assert stage(wider, **columns)["advanced_stage"] == "yes"
    r2_iss = load_study(
        overrides={"staging.advanced_stage_variable": "r2_iss", "staging.advanced_stage_levels": ["IV"]}
    )
    assert stage(r2_iss, **columns)["advanced_stage"] == "yes"
    assert pd.isna(stage()["advanced_stage"])


def test_no_patients():
    assert len(derive_staging(conform(pd.DataFrame({"patient_id": []}), "patients"), STUDY)) == 0
