"""Regimens as sets of drugs, and what a patient was exposed and refractory to before second line."""

from fhrmm.drugs.exposure import derive_exposure
from fhrmm.drugs.regimens import STEROIDS, Regimen, parse_regimen
