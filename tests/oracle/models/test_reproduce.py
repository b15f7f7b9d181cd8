"""Runs the R scripts anew, where R is installed, and holds the frozen files to what they write."""

from __future__ import annotations

import json
import math
import subprocess

import pytest
from tests.oracle.models.frozen import FOLDER

pytestmark = pytest.mark.slow  # long as a whole: left to the full suite

SCRIPTS = sorted(path.name for path in FOLDER.glob("*.R") if path.name != "common.R")
# optimizers on numerical gradients, and other builds of BLAS, differ in the last digits
RELATIVE = {"firth.R": 1e-5}


def differences(found: object, frozen: object, relative: float, path: str = "") -> list[str]:
    """Return where two JSON values differ."""
    if isinstance(frozen, dict) and isinstance(found, dict) and found.keys() == frozen.keys():
        return [d for k in frozen for d in differences(found[k], frozen[k], relative, f"{path}/{k}")]
    if isinstance(frozen, list) and isinstance(found, list) and len(found) == len(frozen):
        return [d for k, v in enumerate(frozen) for d in differences(found[k], v, relative, f"{path}/{k}")]
    if isinstance(frozen, (int, float)) and isinstance(found, (int, float)):
        # an infinite coefficient, and what hangs on it, is where its iteration stopped
        same = math.isclose(found, frozen, rel_tol=relative, abs_tol=1e-7) or "monotone" in path
        return [] if same else [f"{path}: {found} is not {frozen}"]
    return [] if found == frozen else [f"{path}: {found} is not {frozen}"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_frozen_files_are_what_r_writes(script, tmp_path, require_tool):
    subprocess.run([require_tool("Rscript"), script, str(tmp_path)], cwd=FOLDER, check=True, capture_output=True)
    (written,) = tmp_path.glob("*.json")
    found, frozen = (json.loads(path.read_text()) for path in (written, FOLDER / written.name))
    if isinstance(found, list):
        found, frozen = ({case["id"]: case for case in cases} for cases in (found, frozen))
    assert not differences(found, frozen, RELATIVE.get(script, 1e-6))
