"""Estimates of the study: every result is a row of one tidy table (`fhrmm.estimate_table`).

The functions take derived frames, call `timetoevent`, and return rows, which a `Collector` gathers; nothing here draws
or formats. A notebook imports the file that does the work: ``from fhrmm.estimates import survival``.
"""
