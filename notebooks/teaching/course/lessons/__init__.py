"""The lessons, a module each: its invented patients, its views, then `EXERCISES`, solutions and likely mistakes.

Every simulation takes the number of patients `n`, and a `seed`: the same seed gives the same patients.
"""
