"""Synthetic data with known truth: the embedded dataset, and populations of any size."""

from generator.population import Population, simulate_population
from generator.theory import true_survival
from generator.truth import Parameter, Truth, load_parameters, load_truth

__all__ = ["Parameter", "Population", "Truth", "load_parameters", "load_truth", "simulate_population", "true_survival"]
