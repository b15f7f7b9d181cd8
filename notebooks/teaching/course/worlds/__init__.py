"""Invented worlds: small data sets to count by eye, and simulations whose truth is written down."""
