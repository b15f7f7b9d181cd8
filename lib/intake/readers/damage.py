"""What other programs have done to an export, recognized by its traces."""

from __future__ import annotations

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
    cells = pd.concat([pd.Series(column).dropna().astype(str) for column in columns] or [pd.Series(dtype=str)])
    typed = cells.str.extract(r"^(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}$").dropna().astype(int)
    days = cells.str.extract(r"^\d{4}-\d\d-(\d\d)$")[0].dropna().astype(int)
    late = (typed > 12).all().any() and (typed > 12).any(axis=1).all()
    few = not len(typed) or not len(days) or 0.6 ** len(typed) * 0.4 ** len(days) > 0.001
    if few or not late or (days > 12).any():
        return ""
    return f"{len(typed)} dates are text with a day above 12, {len(days)} are date cells with a day up to 12"
