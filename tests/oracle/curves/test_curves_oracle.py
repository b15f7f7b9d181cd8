"""Every frozen case of this folder, and R run again to see that it still says what was frozen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.oracle.cases import RELATIVE, case_difference, difference, load_cases, worst_differences
from tests.oracle.curves.operations import FOLDER, OPERATIONS, compute

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

CASES = load_cases(FOLDER)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_equals_r(case):
    assert case_difference(case, compute) < RELATIVE


def test_every_operation_has_cases_and_every_case_its_name():
    assert {case["operation"] for case in CASES} == set(OPERATIONS)
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert len(CASES) >= 220


def test_summary_has_one_row_per_operation():
    chosen = [case for case in CASES if case["operation"] in ("rmst", "odds_ratio")]
    summary = worst_differences(chosen, compute)
    assert summary["operation"].tolist() == ["odds_ratio", "rmst"]
    assert summary["n_cases"].sum() == len(chosen)
    assert (summary["worst_difference"] < RELATIVE).all()


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_wrong_number_shows(operation):
    """Every number of one case in turn, moved in the fifth digit, however small it is."""
    case = next(case for case in CASES if case["operation"] == operation)
    for name, value in case["expected"].items():
        if isinstance(value, float) and value != 0:
            wrong = case | {"expected": case["expected"] | {name: value * (1 + 1e-5)}}
            assert case_difference(wrong, compute) > RELATIVE, name


def test_tiny_numbers_are_compared():
    assert difference(2e-250, 1e-250) == pytest.approx(1)
    assert difference([1.0, 3e-12], [1.0, 2e-12]) == pytest.approx(0.5)
    p_values = [case["expected"].get("p_value") for case in CASES]
    tiny = [value for value in p_values if isinstance(value, float) and value < 1e-200]
    assert tiny, "no frozen p-value near underflow"


def test_rounding_is_exempt_only_where_a_case_says_so():
    assert difference(3e-15, 2e-15, absolute=1e-12) == 0
    assert difference(3e-3, 2e-15, absolute=1e-12) > 1
    assert {case["operation"] for case in CASES if "absolute" in case} <= {"meta_analysis"}


@pytest.mark.parametrize(
    ("found", "expected"), [([1.0, None], [1.0, 2.0]), ([1.0], [1.0, 1.0]), (float("inf"), 5.0), (5.0, float("inf"))]
)
def test_missing_on_one_side_is_infinitely_far(found, expected):
    assert difference(found, expected) == float("inf")


def test_frozen_files_are_small():
    assert max(path.stat().st_size for path in FOLDER.glob("*.json")) < 500_000


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("*.R") if path.name != "common.R"))
def test_r_still_says_so(script: str, tmp_path: Path, require_tool: Callable[[str], str]):
    subprocess.run([require_tool("Rscript"), script, str(tmp_path)], cwd=FOLDER, check=True, capture_output=True)
    frozen = json.loads((FOLDER / script).with_suffix(".json").read_text(encoding="utf-8"))
    again = json.loads((tmp_path / script).with_suffix(".json").read_text(encoding="utf-8"))
    _assert_alike(again, frozen)


def _assert_alike(found: object, frozen: object) -> None:
    if isinstance(frozen, dict):
        assert found.keys() == frozen.keys()
        for name, value in frozen.items():
            _assert_alike(found[name], value)
    elif isinstance(frozen, list):
        assert len(found) == len(frozen)
        for one, other in zip(found, frozen, strict=True):
            _assert_alike(one, other)
    elif isinstance(frozen, float):
        assert difference(found, frozen) < RELATIVE / 10
    else:
        assert found == frozen
