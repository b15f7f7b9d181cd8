"""What other programs have done to an export, recognized by its traces."""

from __future__ import annotations

import numpy as np
import pandas as pd

from intake.center import CenterFile
from intake.contract import variables
from intake.readers.grid import Grid
from intake.readers.headers import HeaderMap


def swapped_dates(grid: Grid, found: HeaderMap, file: CenterFile) -> str:
    """Say what shows that a spreadsheet took 3 April for 4 March where it could, and left 13 April as text.

    Then no text has a day up to 12 and no date cell one above; by chance that happens once in a thousand files.
    """
    columns = [grid.columns[i] for name, i in found.columns.items() if variables(file.table)[name].type == "date"]
    counts = [column.value_counts() for column in columns]
    cells = pd.DataFrame({
        "text": np.concatenate([np.asarray(each.index, dtype=object) for each in counts] or [[]]),
        "n": np.concatenate([each.to_numpy() for each in counts] or [[]]),
    })  # fmt: skip
    parts = (
        cells["text"]
        .astype(str)
        .str.extract(r"^(?:(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}|\d{4}-\d\d-(\d\d))$")
        .astype(float)
    )
    typed, days = parts[parts[0].notna()], parts[2].dropna()
    n_typed, n_days = (int(cells.loc[these.index, "n"].sum()) for these in (typed, days))
    late = (typed[[0, 1]] > 12).all().any() and (typed[[0, 1]] > 12).any(axis=1).all()
    few = not n_typed or not n_days or 0.6**n_typed * 0.4**n_days > 0.001
    if few or not late or (days > 12).any():
        return ""
    return f"{n_typed} dates are text with a day above 12, {n_days} are date cells with a day up to 12"
