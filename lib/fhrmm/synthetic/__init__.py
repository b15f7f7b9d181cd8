"""Synthetic data with known truth: the embedded dataset, and populations of any size."""

from fhrmm.synthetic.population import Population, simulate_population
from fhrmm.synthetic.truth import EVIDENCE, Truth, load_truth

__all__ = ["EVIDENCE", "Population", "Truth", "load_truth", "simulate_population"]
