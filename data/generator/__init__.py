"""Synthetic data with known truth: the embedded dataset, and populations of any size."""

from generator.population import Population, simulate_population
from generator.truth import Truth, load_truth

__all__ = ["Population", "Truth", "load_truth", "simulate_population"]
