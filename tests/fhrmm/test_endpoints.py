"""Endpoints of micro-patients, the expected row beside each, and endpoints that are only declared."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from fhrmm.cohort import apply_criteria
from fhrmm.endpoints import derive_specifications, derive_time_to_event
from fhrmm.estimates.counts import describe_endpoints
from fhrmm.response import derive_response
from fhrmm.schema import conform, empty_table
from fhrmm.store import DatasetInfo
from fhrmm.study import Endpoint, load_study, override_study
from generator import simulate_population

STUDY = load_study()
NO_PD, NO_VISIT = "no progression at last disease assessment", "no disease assessment after start"
NO_SECOND = "no second progression at last disease assessment"
PD, DEATH_FREE, ALIVE = "progression", "death without progression", "alive at last contact"
NEXT = "next therapy without documented progression"
START = "2024-01-01"


def partial(column, lower, upper):
    """Return a partial date at its midpoint, with its companions."""
    low, high = pd.Timestamp(lower), pd.Timestamp(upper)
    return {column: low + (high - low) // 2, f"{column}_lower": low, f"{column}_upper": high}


def derive(columns, endpoint="PFS", *, study=STUDY, cutoff=None, visits=()):
    base = {"patient_id": "1", "center": "A", "second_line_start_date": START}
    cohort = conform(pd.DataFrame([base | columns]), "patients")
    rows = [{"patient_id": "1", "center": "A", "assessment_date": day, "response": value, "progression_basis": basis}
            for day, value, basis in visits]  # fmt: skip
    table = conform(pd.DataFrame(rows), "assessments") if rows else empty_table("assessments")
    info = DatasetInfo(data_cutoff_date=date.fromisoformat(cutoff)) if cutoff else None
    response = derive_response(cohort, table, study, info=info)
    found = derive_time_to_event(cohort, response, study, endpoints=[endpoint], info=info)
    return found.iloc[0] if len(found) else None


def shown(row):
    """Return days, event, and what ended observation."""
    days = None if pd.isna(row["time_months"]) else round(row["time_months"] * 30.4375)
    return days, bool(row["event"]), row["event_description"] if row["event"] else row["censor_reason"]


ASSESSED = {"last_assessment_date": "2024-08-01", "last_contact_date": "2024-11-30"}
RESPONSE = {"best_response": "PR", "best_response_date": "2024-03-01"}
MICRO_PATIENTS = [
    # endpoint, what is recorded, days from start, event, what ended observation
    ("PFS", ASSESSED, 213, False, NO_PD),
    ("OS", ASSESSED, 334, False, ALIVE),
    ("PFS", ASSESSED | {"progression_date": "2024-06-01"}, 152, True, PD),
    ("PFS", ASSESSED | {"progression_date": "2024-06-01", "death_date": "2024-07-01"}, 152, True, PD),
    ("PFS", {"progression_date": "2024-06-01", "death_date": "2024-06-01"}, 152, True, PD),  # death the day of PD
    ("PFS", {"death_date": "2024-06-01"}, 152, True, DEATH_FREE),
    ("PFS", ASSESSED | {"death_date": "2024-11-30"}, 334, True, DEATH_FREE),
    ("PFS", {"progression_date": START}, 0, True, PD),  # PD on day 0
    ("PFS", {"death_date": START}, 0, True, DEATH_FREE),
    ("PFS", {"last_contact_date": "2024-11-30"}, 0, False, NO_VISIT),  # no assessment at all
    ("PFS", {}, 0, False, NO_VISIT),
    ("PFS", {"last_assessment_date": "2023-12-01"}, 0, False, NO_VISIT),  # last assessment before the start
    ("PFS", {"last_assessment_date": START}, 0, False, NO_PD),
    ("PFS", {"progression_date": "2023-12-01"}, None, False, "time not derivable: end before origin"),
    ("PFS", {"second_line_start_date": None} | ASSESSED, None, False, "time not derivable: origin date missing"),
    ("PFS", ASSESSED | {"next_line_start_date": "2024-05-01"}, 213, False, NO_PD),
    ("PFS", ASSESSED | {"next_line_start_date": "2024-05-01", "progression_date": "2024-06-01"}, 152, True, PD),
    ("OS", {"death_date": "2024-06-01", "last_contact_date": "2024-06-01"}, 152, True, "death"),
    ("OS", {"death_date": "2024-06-01", "last_contact_date": "2024-07-01"}, 152, True, "death"),
    ("OS", {"last_assessment_date": "2024-08-01"}, 213, False, "alive at last assessment"),
    ("OS", ASSESSED | {"last_assessment_date": "2024-12-01"}, 335, False, "alive at last assessment"),
    ("OS", {}, 0, False, "no contact after start"),
    ("OS", {"death_date": "2023-12-01"}, None, False, "time not derivable: end before origin"),
    ("OS", {"death_date": START}, 0, True, "death"),
    ("TTNT", ASSESSED | {"next_line_start_date": "2024-05-01"}, 121, True, "next line of therapy"),
    ("TTNT", {"death_date": "2024-06-01"}, 152, True, "death without next line"),
    ("TTNT", {"death_date": "2024-06-01", "next_line_start_date": "2024-05-01"}, 121, True, "next line of therapy"),
    ("TTNT", ASSESSED, 334, False, "alive without next line at last contact"),
    ("TTNT", ASSESSED | {"progression_date": "2024-05-01"}, 334, False, "alive without next line at last contact"),
    ("TTR", ASSESSED | RESPONSE, 60, True, "first response"),
    ("TTR", ASSESSED | {"best_response": "PR"}, 213, False, "no response at last disease assessment"),
    ("DOR", ASSESSED | RESPONSE, 153, False, "in response at last disease assessment"),
    ("DOR", RESPONSE | {"progression_date": "2024-06-01"}, 92, True, PD),
    ("DOR", RESPONSE | {"death_date": "2024-06-01"}, 92, True, DEATH_FREE),
    ("DOR", RESPONSE, 0, False, "no disease assessment after first response"),
    ("DOR", ASSESSED | {"best_response": "CR"}, None, False, "time not derivable: origin date missing"),
    ("PFS2", {"progression_date": "2024-03-01", "death_date": "2024-06-01"}, 152, True, "death"),
    ("PFS2", ASSESSED | {"progression_date": "2024-03-01"}, 213, False, NO_SECOND),
    ("TTASCT", ASSESSED | {"second_line_asct_date": "2024-05-01"}, 121, True, "second-line ASCT"),
    ("TTASCT", ASSESSED, 334, False, "no second-line ASCT at last contact"),
    ("TTASCT", {"death_date": "2024-06-01"}, 152, False, "died without second-line ASCT"),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "columns", "days", "event", "ended"), MICRO_PATIENTS)
def test_micro_patient(endpoint, columns, days, event, ended):
    assert shown(derive(columns, endpoint)) == (days, event, ended)


CUTOFF = [
    ("PFS", {"progression_date": "2024-06-01"} | ASSESSED, "2024-05-31", 151, False, "data cut-off"),
    ("PFS", {"progression_date": "2024-06-01"} | ASSESSED, "2024-06-01", 152, True, PD),
    ("PFS", {"last_assessment_date": "2024-03-01", "death_date": "2024-06-01"}, "2024-05-01", 60, False, NO_PD),
    ("OS", {"death_date": "2024-06-01"}, "2024-05-31", 151, False, "data cut-off"),
    ("OS", {"death_date": "2024-06-01", "last_contact_date": "2024-06-01"}, "2024-05-31", 151, False, "data cut-off"),
    ("OS", {"last_contact_date": "2024-04-01"}, "2024-05-31", 91, False, ALIVE),
    ("OS", {"last_contact_date": "2024-05-31"}, "2024-05-31", 151, False, ALIVE),
    ("OS", ASSESSED, "2023-06-01", None, False, "time not derivable: end before origin"),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "columns", "cutoff", "days", "event", "ended"), CUTOFF)
def test_events_after_the_data_cutoff_do_not_count(endpoint, columns, cutoff, days, event, ended):
    row = derive(columns, endpoint, cutoff=cutoff)
    assert shown(row) == (days, event, ended)
    if ended == "data cut-off":
        assert (row["source_table"], row["source_column"]) == ("dataset", "data_cutoff_date")


THERAPY = [
    # rule, what is recorded, days, event, what ended observation
    ("event", ASSESSED | {"next_line_start_date": "2024-05-01"}, 121, True, NEXT),
    ("event", ASSESSED | {"next_line_start_date": "2024-05-01", "progression_date": "2024-04-01"}, 91, True, PD),
    ("event", ASSESSED | {"next_line_start_date": "2024-05-01", "progression_date": "2024-05-01"}, 121, True, PD),
    ("event", ASSESSED, 213, False, NO_PD),
    ("censor", ASSESSED | {"next_line_start_date": "2024-05-01"}, 121, False, NEXT),
    ("censor", ASSESSED | {"next_line_start_date": "2024-05-01", "progression_date": "2024-06-01"}, 121, False, NEXT),
    ("censor", ASSESSED | {"next_line_start_date": "2024-05-01", "progression_date": "2024-05-01"}, 121, True, PD),
    ("censor", {"next_line_start_date": "2024-05-01", "last_assessment_date": "2024-04-01"}, 91, False, NO_PD),
    ("censor", {"next_line_start_date": "2024-05-01", "death_date": "2024-06-01"}, 0, False, NO_VISIT),
    ("censor", ASSESSED | {"death_date": "2024-12-01"}, 335, True, DEATH_FREE),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "columns", "days", "event", "ended"), THERAPY)
def test_next_therapy_rules(rule, columns, days, event, ended):
    study = override_study(STUDY, {"endpoints.PFS.next_therapy": rule})
    assert shown(derive(columns, study=study)) == (days, event, ended)


SILENT = "event more than 182 days after the last assessment"
GAPS = [
    ("all", {"last_assessment_date": "2024-03-01", "death_date": "2024-08-30"}, 242, True, DEATH_FREE),  # 182 days
    ("all", {"last_assessment_date": "2024-03-01", "death_date": "2024-08-31"}, 60, False, SILENT),  # 183 days
    ("all", {"last_assessment_date": "2024-03-01", "progression_date": "2024-10-01"}, 60, False, SILENT),
    ("death", {"last_assessment_date": "2024-03-01", "progression_date": "2024-10-01"}, 274, True, PD),
    ("death", {"last_assessment_date": "2024-03-01", "death_date": "2024-10-01"}, 60, False, SILENT),
    ("all", {"death_date": "2024-10-01"}, 274, True, DEATH_FREE),  # silence is not known
    ("all", {"last_assessment_date": "2024-10-01", "progression_date": "2024-10-01"}, 274, True, PD),
]  # fmt: skip


@pytest.mark.parametrize(("applies_to", "columns", "days", "event", "ended"), GAPS)
def test_events_after_missed_assessments(applies_to, columns, days, event, ended):
    study = override_study(STUDY, {"endpoints.PFS.maximum_gap_days": 182, "endpoints.PFS.gap_applies_to": applies_to})
    assert shown(derive(columns, study=study)) == (days, event, ended)


def test_missed_assessments_are_seen_from_the_visits():
    study = override_study(STUDY, {"endpoints.PFS.maximum_gap_days": 182})
    visits = [("2024-02-01", "PR", None), ("2024-03-01", "PR", None), ("2024-10-01", "PD", "imaging")]
    recorded = {"progression_date": "2024-10-01", "best_response": "PR", "last_assessment_date": "2024-10-01"}
    row = derive(recorded, study=study, visits=visits)
    assert shown(row) == (60, False, SILENT)
    assert (row["source_table"], row["source_column"]) == ("assessments", "assessment_date")


POLICIES = [
    # policy, recorded, days
    ("lower", partial("progression_date", "2024-06-01", "2024-06-30"), 152),
    ("midpoint", partial("progression_date", "2024-06-01", "2024-06-30"), 166),
    ("upper", partial("progression_date", "2024-06-01", "2024-06-30"), 181),
    # not before the start, not after death, not before the last sign of life
    ("lower", partial("progression_date", "2024-01-01", "2024-12-31") | {"second_line_start_date": "2024-03-01"}, 0),
    ("upper", partial("progression_date", "2024-01-01", "2024-12-31") | {"death_date": "2024-05-01"}, 121),
    ("lower", partial("death_date", "2024-06-01", "2024-06-30") | {"last_contact_date": "2024-06-20"}, 171),
    ("midpoint", partial("death_date", "2024-06-01", "2024-06-30") | {"last_contact_date": "2024-06-20"}, 176),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "columns", "days"), POLICIES)
def test_partial_dates_by_policy_within_what_is_possible(policy, columns, days):
    study = load_study(overrides={"time.partial_date_policy": policy})
    row = derive(columns, study=study)
    assert (shown(row)[0], bool(row["event"])) == (days, True)
    assert row["date_precision"] in ("month", "year")


def test_progression_of_a_month_lies_after_the_last_visit_without():
    study = load_study(overrides={"time.partial_date_policy": "lower"})
    visits = [("2024-06-10", "PR", None), ("2024-06-12", "PR", None)]
    columns = partial("progression_date", "2024-06-01", "2024-06-30") | {"best_response": "PR"}
    assert shown(derive(columns, study=study, visits=visits))[0] == 163


def test_precision_and_source_of_the_deciding_date():
    row = derive(ASSESSED | {"progression_date": "2024-06-01"})
    assert [row[name] for name in ("source_table", "source_column", "date_precision")] == [
        "patients",
        "progression_date",
        "day",
    ]
    assert (row["origin_date"], row["end_date"]) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-06-01"))
    row = derive(ASSESSED)
    assert row["source_column"] == "last_assessment_date"


def test_zero_time_is_kept_and_noted_and_negative_time_is_refused():
    zero, negative = derive({"progression_date": START}), derive({"progression_date": "2023-12-31"})
    assert (zero["note"], bool(zero["derivable"]), zero["time_months"]) == ("time zero", True, 0.0)
    assert (negative["note"], bool(negative["derivable"])) == ("end before origin", False)
    assert pd.isna(negative["source_table"])


VISITS = [("2024-02-01", "PR", None), ("2024-03-01", "VGPR", None), ("2024-04-01", "VGPR", None)]
BIOCHEMICAL = [*VISITS, ("2024-05-01", "PD", "biochemical")]
TWICE = [*BIOCHEMICAL, ("2024-05-20", "PD", "biochemical")]


@pytest.mark.parametrize(
    ("source", "columns", "visits", "days", "event", "table"),
    [
        ("recorded", {"progression_date": "2024-06-01"}, TWICE, 152, True, "patients"),
        ("confirmed", {"progression_date": "2024-06-01"}, TWICE, 121, True, "assessments"),
        ("confirmed", {"progression_date": "2024-06-01"}, BIOCHEMICAL, 91, False, "assessments"),
        ("confirmed", {"progression_date": "2024-06-01"}, [], 152, True, "patients"),
        ("recorded", {}, TWICE, 121, True, "assessments"),
        ("recorded", {"best_response": "VGPR"}, TWICE, 91, False, "assessments"),
        ("confirmed", {"death_date": "2024-06-01", "death_cause": "other"}, BIOCHEMICAL, 152, True, "patients"),
        ("confirmed", {"death_date": "2024-06-01", "death_cause": "myeloma"}, BIOCHEMICAL, 121, True, "assessments"),
        ("confirmed", {"next_line_start_date": "2024-05-10"}, BIOCHEMICAL, 121, True, "assessments"),
    ],
)  # fmt: skip
def test_progression_by_source(source, columns, visits, days, event, table):
    study = load_study(overrides={"response.source": source})
    row = derive(columns, study=study, visits=visits)
    assert shown(row)[:2] == (days, event)
    assert row["source_table"] == table


def test_first_response_from_visits_precedes_the_recorded_best():
    columns = {"best_response": "VGPR", "best_response_date": "2024-03-01", "last_assessment_date": "2024-04-01"}
    row = derive(columns, "TTR", visits=VISITS)
    assert shown(row) == (31, True, "first response")
    assert row["source_table"] == "assessments"


def test_second_progression_is_read_in_the_next_line():
    visits = [
        *BIOCHEMICAL,
        ("2024-05-20", "PD", "biochemical"),
        ("2024-07-01", "PR", None),
        ("2024-09-01", "PD", "imaging"),
    ]
    columns = {"next_line_start_date": "2024-06-01", "progression_date": "2024-05-01", "best_response": "VGPR"}
    assert shown(derive(columns, "PFS2", visits=visits)) == (244, True, "progression on next line")
    soon = [*BIOCHEMICAL, ("2024-06-10", "PD", "biochemical"), ("2024-06-20", "PD", "biochemical")]
    assert not derive(columns, "PFS2", visits=soon)["event"]


def test_non_responders_have_no_duration_of_response():
    for best in ("MR", "SD", "PD", "NE", None):
        assert derive({"best_response": best, "best_response_date": "2024-03-01"}, "DOR") is None


def test_a_new_endpoint_is_only_a_declaration():
    declared = Endpoint(
        label="Time from diagnosis to second progression",
        origin="patients.diagnosis_date",
        events=({"source": "patients.progression_date", "description": "second progression"},),
        censors=({"source": "patients.last_contact_date", "reason": "without second progression"},),
    )
    study = STUDY.model_copy(update={"endpoints": {**STUDY.endpoints, "NEW": declared}})
    row = derive({"diagnosis_date": "2023-01-01", "progression_date": "2024-01-11"}, "NEW", study=study)
    assert shown(row) == (375, True, "second progression")


def test_response_rows_in_any_order():
    common = {"center": "A", "second_line_start_date": START}
    rows = [common | {"patient_id": str(n), "progression_date": f"2024-0{n}-01"} for n in (2, 3, 4)]
    cohort = conform(pd.DataFrame(rows), "patients")
    response = derive_response(cohort, empty_table("assessments"), STUDY)
    straight, turned = (derive_time_to_event(cohort, rows, STUDY) for rows in (response, response.iloc[::-1]))
    pd.testing.assert_frame_equal(straight, turned)


def test_all_declared_endpoints_of_no_patient_and_of_an_empty_list():
    cohort = empty_table("patients")
    response = derive_response(cohort, empty_table("assessments"), STUDY)
    assert len(derive_time_to_event(cohort, response, STUDY)) == 0
    assert len(derive_time_to_event(cohort, response, STUDY, endpoints=[])) == 0


def test_endpoint_table_names_every_declaration():
    table = describe_endpoints(STUDY)
    table = table.set_index(table["Endpoint"].str.split(":").str[0])
    assert table.index.tolist() == list(STUDY.endpoints)
    assert table.loc["DOR", "Endpoint"].endswith("(responders)")
    assert table.loc["PFS", "Event"] == "progression; death without progression"


def test_specifications_are_derived_as_one_by_one():
    population = simulate_population(60, np.random.default_rng(6))
    axes = tuple(axis.model_copy(update={"options": axis.options[:3]}) for axis in STUDY.sensitivity)
    study = STUDY.model_copy(update={"sensitivity": axes})
    found = list(derive_specifications(population.patients, population.assessments, study))
    assert len(found) == 3 * 3 * 2
    for item in found[::4]:
        plan = override_study(study, item.specification.overrides)
        cohort = apply_criteria(population.patients, plan).cohort
        response = derive_response(cohort, population.assessments, plan)
        pd.testing.assert_frame_equal(item.cohort, cohort)
        pd.testing.assert_frame_equal(item.response, response)
        for name in ("PFS", "OS"):
            expected = derive_time_to_event(cohort, response, plan, endpoints=[name])
            pd.testing.assert_frame_equal(item.times[name], expected)
    events = {item.specification.choices["censoring"]: item.times["PFS"]["event"].sum() for item in found[:6]}
    assert events["next therapy is an event"] >= events["next therapy ignored"]
