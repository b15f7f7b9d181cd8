"""The graph: needs from declared files, soft waits, steps, complaints, order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notebookrun.errors import DeclarationError
from notebookrun.graph import Graph, NodeId, build_graph
from notebookrun.places import matches, overlaps
from notebookrun.sources import Notebook, make_step

ROWS = "reports/{scope}/tables/estimates/*.csv"
TABLE = "reports/{scope}/tables/estimates.csv"
SCOPES = ["ALL", "C01", "C02"]


def book(name: str, reads: tuple[str, ...] = (), writes: tuple[str, ...] = (), scopes: str = "each") -> Notebook:
    """Return a notebook that only declares."""
    return Notebook(name, Path(f"{name}.ipynb"), {"cells": []}, name, {}, reads, writes, scopes=scopes)


CLEAN = book("01_clean", ("data",), ("work/{scope}/patients.parquet",))
MODEL = book("02_model", ("work/{scope}/patients.parquet",), ("reports/{scope}/tables/estimates/02_model.csv",))
CENTERS = book(
    "07_centers", ("reports/*/tables/estimates/*.csv",), ("reports/{scope}/tables/estimates/07_centers.csv",), "ALL"
)
STEP = make_step("estimates", "a:b", (), (ROWS,), (TABLE,))


@pytest.fixture
def graph() -> Graph:
    return build_graph([CLEAN, MODEL, CENTERS, STEP], SCOPES)


def test_needs_follow_the_files(graph: Graph) -> None:
    assert graph.needs[NodeId("C01", "02_model")] == (NodeId("C01", "01_clean"),)
    assert graph.needs[NodeId("C01", "01_clean")] == ()
    assert NodeId("C01", "07_centers") not in graph.nodes


def test_comparison_waits_for_every_scope_and_needs_none(graph: Graph) -> None:
    node = NodeId("ALL", "07_centers")
    assert graph.needs[node] == ()
    assert set(graph.waits[node]) == {NodeId(scope, "02_model") for scope in SCOPES}
    reads = {f"reports/{scope}/tables/estimates/02_model.csv?" for scope in SCOPES}
    assert set(graph.nodes[node].reads) == reads, "its own rows are not among them"


def test_comparisons_do_not_wait_for_each_other() -> None:
    other = replace(CENTERS, name="08_more", writes=("reports/{scope}/tables/estimates/08_more.csv",))
    graph = build_graph([CLEAN, MODEL, CENTERS, other, STEP], SCOPES)
    names = {str(node) for node in graph.waits[NodeId("ALL", "08_more")]}
    assert names == {f"{scope}/02_model" for scope in SCOPES}
    assert NodeId("ALL", "08_more") in graph.waits[NodeId("ALL", "estimates")]


def test_step_takes_exactly_the_files_its_notebooks_declare(graph: Graph) -> None:
    assert graph.nodes[NodeId("C01", "estimates")].reads == ("reports/C01/tables/estimates/02_model.csv?",)
    pooled = graph.nodes[NodeId("ALL", "estimates")]
    assert set(pooled.reads) == {f"reports/ALL/tables/estimates/{n}.csv?" for n in ("02_model", "07_centers")}


def test_failure_concerns_only_those_who_cannot_do_without(graph: Graph) -> None:
    assert graph.dependents(NodeId("C01", "01_clean")) == {NodeId("C01", "02_model")}


def test_order_respects_needs_and_waits(graph: Graph) -> None:
    position = {node: i for i, node in enumerate(graph.nodes)}
    assert all(position[other] < position[node] for node in graph.nodes for other in graph.before(node))


def test_longest_path_first(graph: Graph) -> None:
    ranks = graph.ranks(dict.fromkeys(graph.nodes, 1.0))
    assert ranks[NodeId("C01", "01_clean")] == 4  # clean, model, centers, estimates of all
    assert ranks[NodeId("ALL", "estimates")] == 1


def test_selection(graph: Graph) -> None:
    names = {str(node) for node in graph.select({"C01"}, {"02_model"})}
    assert names == {"C01/01_clean", "C01/02_model", "C01/estimates"}
    assert graph.select((), ()) == set(graph.nodes)
    assert graph.select((), {"07_centers"}) == set(graph.nodes)


@pytest.mark.parametrize(
    ("books", "words"),
    [
        ([book("01_a", ("work/{scope}/patient.parquet",)), CLEAN], "did you mean 'work/C01/patients.parquet'"),
        ([CLEAN, book("02_b", (), ("work/{scope}/*.parquet",))], "both write"),
        (
            [
                book("01_a", ("work/{scope}/b",), ("work/{scope}/a",)),
                book("02_b", ("work/{scope}/a",), ("work/{scope}/b",)),
            ],
            "in a circle",
        ),
    ],
)
def test_inconsistent_declarations_are_refused(books: list[Notebook], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        build_graph(books, ["C01"])
    assert words in str(caught.value)


def test_large_graph_is_built_in_a_moment() -> None:
    scopes = ["ALL", *(f"C{i:04d}" for i in range(1000))]
    assert len(build_graph([CLEAN, MODEL, CENTERS, STEP], scopes).nodes) == 3 * 1001 + 1


SEGMENT = st.text("ab*", min_size=1, max_size=3)


@given(st.lists(SEGMENT, min_size=2, max_size=2), st.lists(SEGMENT, min_size=2, max_size=2))
def test_patterns_that_share_a_name_overlap(one: list[str], other: list[str]) -> None:
    names = ["/".join(parts) for parts in itertools.product(["a", "b", "ab", "ba", "aa", "bb"], repeat=2)]
    first, second = "/".join(one), "/".join(other)
    if any(matches(name, first) and matches(name, second) for name in names):
        assert overlaps(first, second)
    assert overlaps(first, second) == overlaps(second, first)
