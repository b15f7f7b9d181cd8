"""Remembers how far each frozen case was from R, for the table of agreement (``--agreement FILE`` writes it)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tests.oracle import record

COLUMNS = ["operation", "counterpart", "n_cases", "worst_difference", "engine"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--agreement", help="write the table of agreement with R to this file")


@pytest.fixture(autouse=True)
def remembered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Add the differences that a test of one frozen case looks at to the record of its operation."""
    call = getattr(request.node, "callspec", None)
    case = call.params.get("case") if call else None
    if not (isinstance(case, dict) and "operation" in case):
        yield
        return
    with record.remember(str(case["operation"])):
        yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table if asked; run in one process, for workers do not share what they remember."""
    file = session.config.getoption("--agreement", default=None)
    if file:
        table = pd.DataFrame(record.summarize(), columns=COLUMNS)
        table.to_csv(Path(file), index=False, float_format="%.1e", lineterminator="\n")
