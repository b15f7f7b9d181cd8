"""The dialects of the synthetic centers: canonical tables as raw exports."""
