"""Pooling without patients: sums over centers, exact, by files, masked and signed (``docs/pooling.md``)."""
