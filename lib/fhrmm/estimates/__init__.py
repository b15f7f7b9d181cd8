"""Estimates of the study: every result is a row of one tidy table (`fhrmm.estimate_table`).

The functions take derived frames, call `timetoevent`, and return rows, which a `Collector` gathers; nothing here draws
or formats. `time_to_event` has one row per patient and endpoint, with the columns of the cohort joined where groups or
covariates are asked for; `study` is the plan: interval level, times, least numbers. A notebook imports the file that
does the work: ``from fhrmm.estimates import survival``.
"""
