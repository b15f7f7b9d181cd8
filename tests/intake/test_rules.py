"""The catalog of rules, and the checks on tables small enough to judge by eye."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest

from fhrmm.schema import TABLES, conform, empty_table
from fhrmm.staging import derive_staging
from fhrmm.study import load_study
from intake import rules
from intake.cleaning.summaries import describe_rules
from intake.contract import LONG, variables
from intake.rules import Finding, check_center, findings_frame, load_rules, rule_catalog
from intake.rules.typed_rows import Rows, Tables

STUDY = load_study()


def patients(**columns: list) -> Rows:
    size = len(next(iter(columns.values())))
    frame = pd.DataFrame(columns).assign(
        patient_id=[f"P{i}" for i in range(size)], _file="p", _sheet="", _row=range(size)
    )
    return Rows("patients", frame)


def test_catalog_is_complete_and_says_why():
    catalog = load_rules()
    assert len(catalog) >= 50
    for rule in catalog.values():
        assert rule.message, rule.id
        assert rule.reason, rule.id
        assert rule.what_to_do, rule.id
        assert rule.check in ("", "suspected_transfer", *rules.CHECKS), rule.id


def test_rules_name_canonical_columns_only():
    known = {name for table in (*TABLES, *LONG) for name in variables(table)}
    assert {name for rule in load_rules().values() for name in rule.columns} <= known


def test_every_check_is_used_and_every_raised_rule_is_in_the_catalog():
    assert set(rules.CHECKS) <= {rule.check for rule in load_rules().values()}
    source = "".join(path.read_text(encoding="utf-8") for path in Path(rules.__file__).parents[1].rglob("*.py"))
    unraised = [rule.id for rule in load_rules().values() if not rule.check and f'"{rule.id}"' not in source]
    assert [name for name in unraised if not name.startswith("identifier_")] == []


def test_catalog_counts_findings():
    issues = findings_frame([Finding("file_empty", file="a"), Finding("date_ambiguous", row=[2, 3])], "C01")
    counts = rule_catalog(issues).set_index("rule")["n_findings"]
    assert (counts["file_empty"], counts["date_ambiguous"], counts["no_rows"]) == (1, 2, 0)


def test_rules_in_words_give_no_count_away():
    issues = findings_frame([Finding("file_empty", file="a"), Finding("date_ambiguous", row=[2, 3])], "C01")
    words = describe_rules(rule_catalog(issues))
    assert list(words["rule"]) == list(load_rules())
    assert not words.select_dtypes("number").columns.size
    found = words.set_index("rule")["found here"]
    assert (found["file_empty"], found["date_ambiguous"], found["no_rows"]) == ("yes", "yes", "no")


def test_finding_keeps_its_own_advice():
    frame = findings_frame([Finding("out_of_range", row=[2, 3], what_to_do=["do this", ""])], "C01")
    assert frame["what_to_do"].tolist() == ["do this", load_rules()["out_of_range"].what_to_do]


def test_tables_without_rows_break_nothing():
    frames = {
        name: empty_table(name).assign(_file=pd.Series(dtype=object), _sheet="", _row=pd.Series(dtype=int))
        for name in TABLES
    }
    assert check_center(frames, STUDY, None) == []


@pytest.mark.parametrize("prefer", ["recorded", "computed"])
@pytest.mark.parametrize("system", ["iss", "r_iss", "r2_iss"])
def test_recorded_stages_are_held_against_the_stages_of_the_study(system, prefer):
    """Every combination of inputs and recorded stages: intake and analysis must not stage twice in two ways."""
    inputs = {
        "beta2_microglobulin_mg_l": [2.0, 6.0, None], "albumin_g_dl": [4.0, 3.0, None], "ldh_u_l": [0.9, 1.2, None],
        "ldh_uln_u_l": [1.0], "del17p": ["yes", "no", None], "t_4_14": ["no", None], "t_14_16": ["no"],
        "gain_1q": ["yes", "no", None], "iss_diagnosis": ["I", "III", None], "r_iss_diagnosis": ["I", "II", "III"],
        "r2_iss_diagnosis": ["I", "II", "IV"],
    }  # fmt: skip
    frame = pd.DataFrame(list(itertools.product(*inputs.values())), columns=list(inputs))
    frame = frame.assign(patient_id=[f"P{i}" for i in frame.index], _file="p", _sheet="", _row=frame.index)
    study = STUDY.model_copy(update={"staging": STUDY.staging.model_copy(update={"prefer": prefer})})
    tables = {name: frame if name == "patients" else empty_table(name) for name in TABLES}
    found = [finding for finding in check_center(tables, study, None) if finding.rule == f"{system}_differs"]
    expected = derive_staging(conform(frame, "patients"), study)[f"{system}_mismatch"]
    assert expected.any()
    assert sorted(found[0].row) == frame.index[expected].tolist()


def dated(name: str, lower: str, upper: str | None = None, precision: str = "day") -> dict[str, list]:
    return {
        name: pd.to_datetime([lower]).as_unit("ns"),
        f"{name}_lower": pd.to_datetime([lower]).as_unit("ns"),
        f"{name}_upper": pd.to_datetime([upper or lower]).as_unit("ns"),
        f"{name}_precision": [precision],
    }


@pytest.mark.parametrize(
    ("diagnosis", "start", "found"),
    [
        (("2022-03-01", "2022-03-31", "month"), ("2022-03-31",), []),
        (("2022-03-01", "2022-03-31", "month"), ("2022-03-05",), ["date_order_undetermined"]),
        (("2022-03-01", "2022-03-31", "month"), ("2022-02-28",), ["first_line_before_diagnosis"]),
        (("2022-03-01",), ("2022-03-01",), []),
    ],
)
def test_order_of_dates_is_possible_impossible_or_undetermined(diagnosis, start, found):
    rows = patients(**dated("diagnosis_date", *diagnosis), **dated("first_line_start_date", *start))
    empty = {name: empty_table(name) for name in TABLES[1:]}
    tables = Tables.of({"patients": rows.frame} | empty, STUDY, None)
    names = ("first_line_before_diagnosis", "date_order_undetermined")
    raised = [
        finding.rule
        for name in names
        for finding in rules.CHECKS[load_rules()[name].check](tables, load_rules()[name])
        if len(finding.row)
    ]
    assert raised == found
