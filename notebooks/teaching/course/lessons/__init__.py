"""The lessons, a module each: its invented patients, its views, then `EXERCISES`, solutions and likely mistakes."""
