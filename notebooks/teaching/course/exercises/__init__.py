"""Solutions and likely mistakes, one module per notebook: each module has a tuple ``EXERCISES``."""
