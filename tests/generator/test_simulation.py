"""The kept samples of notebook 09 are those of the generator, the estimators and the plan as they are."""

import numpy as np
import pytest

from fhrmm.study import load_study
from generator import simulation

STUDY = load_study()


def test_the_kept_samples_are_of_this_generator_these_estimators_and_this_plan(tmp_path, monkeypatch):
    """Where it fails: `python -m generator --performance`, some minutes."""
    rng = np.random.default_rng(1)
    _, rows, origin = simulation.known_performance(STUDY, rng, repeats=2)
    assert origin.startswith("Kept with the generator"), origin
    assert rows["n"].max() == 1000
    for part in (".json", ".csv"):
        (tmp_path / "kept").with_suffix(part).write_bytes(simulation.KEPT.with_suffix(part).read_bytes())
    monkeypatch.setattr(simulation, "KEPT", tmp_path / "kept.json")
    (tmp_path / "kept.csv").write_text("changed", encoding="utf-8")
    with pytest.raises(ValueError, match=r"kept\.csv was changed after it was made"):
        simulation.known_performance(STUDY, rng, repeats=2)
