"""The treatment question: weights undo a confounder that was measured, and too few events are a reason everywhere."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fhrmm.estimates import treatment
from fhrmm.study import load_study

STUDY = load_study()


def confounded(n: int = 4000) -> pd.DataFrame:
    """Regimens without any effect, but patients in poor condition get KRd less often and do worse."""
    rng = np.random.default_rng(20250409)
    poor = rng.random(n) < 0.4
    other = rng.random(n) < np.where(poor, 0.75, 0.35)
    time = rng.exponential(np.where(poor, 6.0, 18.0))
    columns = {
        "frontline_asct": _levels(rng.random(n) < 0.5, "yes", "no"),
        "ecog_2_or_more": _levels(poor, "0-1", ">=2"),
        "extramedullary_disease": _levels(rng.random(n) < 0.2, "no", "yes"),
        "advanced_stage": _levels(rng.random(n) < 0.3, "no", "yes"),
        "second_line_krd": _levels(other, "KRd", "other"),
        "lenalidomide_exposure": pd.Categorical(["naive"] * n, categories=["naive", "exposed", "refractory"]),
    }
    return pd.DataFrame({
        "center": "A", "patient_id": np.arange(n).astype(str), "endpoint": "PFS",
        "time_months": np.minimum(time, 24.0), "event": time <= 24.0, "age_second_line": rng.normal(62, 8, n),
        **columns,
    })  # fmt: skip


def _levels(is_second: np.ndarray, first: str, second: str) -> pd.Categorical:
    return pd.Categorical(np.where(is_second, second, first), categories=[first, second])


def questions(rows: pd.DataFrame, estimand: str) -> set[tuple[str, ...]]:
    """What is asked of the weighted comparison; the reference row of a hazard ratio needs no answer."""
    chosen = rows[(rows["estimand"] == estimand) & (rows["model"] != "crude")]
    chosen = chosen[(chosen["estimand"] != "hazard_ratio") | (chosen["level"] != "KRd")]
    return set(chosen[["model", "variable", "level"]].itertuples(index=False, name=None))


def test_weights_undo_a_measured_confounder() -> None:
    rows = treatment.compare_treatments(confounded(), STUDY)
    ratio = rows[(rows["estimand"] == "hazard_ratio") & (rows["level"] == "other")].set_index("model")
    assert ratio.loc["crude", "ci_lower"] > 1.3, "crude, the regimen looks harmful"
    for model in ("overlap weights", "inverse probability weights"):
        assert ratio.loc[model, "ci_lower"] < 1 < ratio.loc[model, "ci_upper"]
        balance = rows[(rows["estimand"] == "standardized_mean_difference") & (rows["variable"] == "ecog_2_or_more")]
        after = balance.set_index("model")["estimate"]
        assert abs(after[f"{model}, before"]) > 0.5
        assert abs(after[f"{model}, after"]) < 0.05


def test_too_few_events_are_the_reason_wherever_a_number_is_looked_for() -> None:
    frame = confounded(400)
    complete = treatment.compare_treatments(frame, STUDY)
    few = treatment.compare_treatments(frame.assign(event=np.arange(400) < 2), STUDY)
    for estimand in ("hazard_ratio", "effective_sample_size", "standardized_mean_difference"):
        assert questions(few, estimand) == questions(complete, estimand)
        rows = few[few["estimand"] == estimand]
        assert set(rows["status"]) == {"not_estimable"}
        assert rows["note"].str.startswith("2 events; the plan").all()
    arms = few[few["estimand"] == "effective_sample_size"].drop_duplicates("level").set_index("level")["n"]
    assert arms["KRd"] + arms["other"] == arms[""] == 400


def test_an_interaction_with_an_empty_cell_is_not_estimable_whether_patients_or_events_are_missing() -> None:
    frame = confounded(600)
    levels = pd.Categorical(np.where(np.arange(600) % 3 == 0, "exposed", "naive"), ["naive", "exposed", "refractory"])
    frame = frame.assign(lenalidomide_exposure=levels)

    def interaction(changed: pd.DataFrame) -> pd.Series:
        rows = treatment.estimate_interaction(changed, STUDY)
        return rows[rows["estimand"] == "interaction_p"].iloc[0]

    assert interaction(frame)["status"] == "ok"
    cell = (frame["lenalidomide_exposure"] == "exposed") & (frame["second_line_krd"] == "KRd")
    for changed in (frame[~cell], frame.assign(event=frame["event"] & ~cell)):
        found = interaction(changed)
        assert found["status"] == "not_estimable"
        assert "without events or without patients" in found["note"]
        assert found["n"] == len(changed)


def test_weighted_curves_of_a_confounded_regimen_meet_and_the_overlap_counts_everybody() -> None:
    frame = confounded()
    curves = treatment.weigh_curves(frame, STUDY)
    at = [curve[curve["time"] <= 12.0]["survival"].iloc[-1] for curve in curves.values()]
    assert list(curves) == ["KRd", "other"]
    assert abs(at[0] - at[1]) < 0.04, "without an effect the weighted curves are alike"
    overlap = treatment.count_overlap(frame, STUDY)
    assert (
        overlap[["KRd", "other"]].sum().tolist() == frame["second_line_krd"].value_counts()[["KRd", "other"]].tolist()
    )
    few = frame.assign(event=np.arange(len(frame)) < 2)
    assert treatment.weigh_curves(few, STUDY) == {}
    assert treatment.count_overlap(few, STUDY).empty
