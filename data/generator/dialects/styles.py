"""How each center writes: dates, missing values, words and regimens. What is read from them is in its `center.toml`."""

from __future__ import annotations

from dataclasses import dataclass, field

_ITALIAN = {
    "sex": {"female": "F", "male": "M"},
    "yes_no": {"yes": "sì", "no": "no"},
    "isotype": {"light_chain": "catene leggere", "non_secretory": "non secernente", "other": "altro"},
    "response": {"sCR": "RCs", "CR": "RC", "PR": "RP", "MR": "RM", "SD": "MS", "PD": "MP"},
    "maintenance": {"none": "nessuno", "other": "altro"},
    "progression_basis": {"biochemical": "biochimica", "imaging": "strumentale", "clinical": "clinica"},
    "emd_second_line": {"none": "assente"},
    "death_cause": {"myeloma": "mieloma", "treatment": "tossicità", "other": "altro"},
    "immunofixation": {"positive": "positiva", "negative": "negativa"},
    "plasmacytoma": {
        "none": "assente", "smaller": "ridotto", "stable": "invariato", "larger": "aumentato", "new": "nuovo"
    },
}  # fmt: skip
_REGIMENS = {
    "KRd": ("KRd", "KRD", "Carfilzomib-Len-Dex"),
    "D-VTd": ("D-VTd", "Dara-VTd", "DVTd"),
    "PVd": ("PVd", "Pom-Vd"),
    "Isa-Kd": ("Isa-Kd", "IsaKd"),
    "DRd": ("DRd", "DaraRd"),
}


@dataclass(frozen=True)
class Style:
    """One center's way of writing; without values, as the canonical tables are.

    Attributes
    ----------
    day, month : str
        Date formats; the second for dates known only to the month. `%B` is the Italian name of the month.
    words : dict
        Column, or group of columns, -> canonical value -> word.
    missing : dict of str to str
        Column, or ``*`` for all others, -> code for a missing value.
    regimens : dict of str to tuple of str
        Spellings taken in turn.
    decimal, thousands : str
        Decimal mark, and the mark between thousands.
    """

    day: str = "%Y-%m-%d"
    month: str = "%Y-%m"
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    regimens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decimal: str = "."
    thousands: str = ""


FISH = ("del17p", "t_4_14", "t_14_16", "gain_1q")
STYLES: dict[str, Style] = {
    "C01": Style(
        "%d/%m/%Y", "%m/%Y", _ITALIAN, dict.fromkeys(FISH, "ND") | {"ldh_u_l": "n.d.", "emd_second_line": "?"},
        _REGIMENS, ",", ".",
    ),
    "C02": Style(
        "%Y-%m-%d", "%m/%Y", _ITALIAN | {"emd_second_line": {}, "maintenance": {}, "sex": {}},
        dict.fromkeys(FISH, "ND"), _REGIMENS,
    ),
    "C03": Style(words=_ITALIAN, missing={"ldh_u_l": "-99", "ecog_second_line": "UNK"}),
    "C04": Style(
        words=_ITALIAN | {"sex": {"female": "Femmina", "male": "Maschio"}, "yes_no": {"yes": "Sì", "no": "No"}},
        regimens=_REGIMENS,
    ),
    "C06": Style(
        "%d.%m.%Y", "%m.%Y",
        {"sex": {"female": "f", "male": "m"}, "yes_no": {"yes": "1", "no": "0"}, "isotype": {"light_chain": "LC"},
         "stage": {"I": "1", "II": "2", "III": "3"}, "emd_second_line": {"paraskeletal": "PP", "extramedullary": "EMP"},
         "response": {"SD": "stable disease"}},
        dict.fromkeys(FISH, "np"), _REGIMENS,
    ),
    "C08": Style(
        "%d-%m-%Y", "%B %Y",
        _ITALIAN | {
            "sex": {"female": "femmina", "male": "maschio"}, "yes_no": {"yes": "presente", "no": "assente"},
            "maintenance": {"none": "no", "lenalidomide": "Revlimid", "other": "altro"},
            "response": {"sCR": "RC stringente", "CR": "risposta completa", "PR": "risposta parziale",
                         "MR": "risposta minima", "SD": "malattia stabile", "PD": "progressione",
                         "NE": "non valutabile"},
        },
        dict.fromkeys(FISH, "n.v.") | {"beta2_microglobulin_mg_l": "/", "albumin_g_dl": "/"}, _REGIMENS, ",",
    ),
}  # fmt: skip
