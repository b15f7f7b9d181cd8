"""Direct identifiers: found in cells and headers, not found in what a registry is full of, never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhrmm.store import Run
from fhrmm.study import load_study
from intake.cleaning import clean_scope, write_problem_list
from intake.readers import read_center
from intake.values import cell_identifiers, header_identifier

IDENTIFIERS = {
    "identifier_tax_code": [
        "RSSMRA58A01F839W", "rssmra58a01f839w", "RSS MRA 58A01 F839W", "cf RSSMRA58A01F839W", "RSSMRA 58A01 F839W",
        "RSSMRA58A01F839W.", "cod.fisc.: rssmra58a01f839w", "RSSMRAR8A0MF8P9W", "RSS MRA 58 A 01 F 839 W",
        "RSSMRA58A01-F839W", "cf:RSSMRA58A01F839W;", "BNCLRA62T54H501Z", "rss mra 50a01 h501u",
    ],
    "identifier_email": [
        "mario.rossi@asl.it", "MARIO@OSPEDALE.IT", "contatto: a_b@x-y.co.uk", "a@b.it", "mario.rossi @ asl.it",
        "mario.rossi(at)asl.it", "x@policlinico.napoli.it",
    ],
    "identifier_phone": [
        "081 5551234", "0815551234", "+39 333 1234567", "3331234567", "333 123 4567", "333-1234567",
        "tel. 0815551234", "cell 3331234567", "+393331234567", "0039 081 5551234", "06/12345678", "02-1234567",
        "telefono: 081/1234567", "chiamare 347 1234567", "(081) 5551234", "081.5551234", "347.1234567",
    ],
    "identifier_birth_date": [
        "nato il 01/02/1958", "nata 1.2.1958", "data di nascita: 01/02/1958", "M.R. 01/02/1958", "MR 01/02/1958",
        "DOB 1958-02-01", "born on 01/02/1958", "nato a Napoli il 01/02/1958", "d.n. 01/02/58", "n. 01/02/1958",
        "ddn:01021958", "nata l'1/2/1958", "nato il 1 febbraio 1958", "date of birth 1 Feb 1958",
        "nato nel 01/02/1958", "Data nascita 01-02-1958", "classe 01/02/1958", "M. R., 01.02.1958",
    ],
    "identifier_name": [
        "Mario Rossi", "ROSSI MARIO", "Rossi Mario", "rossi mario", "mario rossi", "Sig. Rossi", "sig.ra Bianchi",
        "Dott. Verdi", "dott.ssa Neri", "paziente Esposito Gennaro", "ESPOSITO GENNARO", "De Luca Anna",
        "Anna De Luca", "D'Angelo Maria", "Maria D'Angelo", "Sig.na Bianchi", "Mr Smith", "Mrs. Jones",
        "Prof. Bianchi", "cognome: Rossi", "nome Mario", "Signora Bianchi", "signor Rossi", "Di Maio Luigi",
        "Rossi, Mario", "Russo Giovanni Battista", "Maria Grazia Esposito", "Dr. Bianchi", "Dr Rossi riferisce",
        "pz Rossi Mario in PET", "pz. Anna De Luca, stabile",
    ],
}  # fmt: skip
HARMLESS = [
    "KRd", "D-VTd", "Dara-VTd", "VTD + ASCT", "Carfilzomib Lenalidomide Dexamethasone", "Daratumumab Rd",
    "carfilzomib/dexa", "Mel200", "Melphalan 140 mg/m2", "SYN-C04-000001", "P001", "NAP-0123", "2023-0145",
    "UPN 12345", "3331", "0123456", "EudraCT 2019-001234-56", "NCT03234567", "MM-014", "GEM2012", "EMN02/HO95",
    "protocollo GIMEMA MM0305", "Karnofsky 80", "PET-CT 12/03/2022 negativa", "inizio 01/02/2022",
    "KRd dal 01/02/2022", "ASCT 15/06/2021", "PD 03/2023", "progressione 12/05/2022", "IgG kappa", "t(4;14)",
    "FISH 1q+", "Policlinico Federico II", "San Giovanni Rotondo", "Ospedale San Carlo", "AORN Cardarelli",
    "Santa Maria della Misericordia", "Ospedale San Paolo", "Casa Sollievo", "Ospedale Santa Chiara",
    "San Martino Genova", "C.F. Mayo", "rivalutazione PET", "in corso", "PVd", "Pom-Dex", "Isa-Kd",
    "D-Rd 01/03/2022", "KRd, 01/03/2022", "RD 01/02/2022", "VRD 2021-06-01", "CR 01/02/2022", "PD 12.05.2022",
    "PR, 03/04/2022", "SD 2022-03-04", "VGPR 10/10/2022", "ND 01/01/2022", "PET TC 01/02/2022", "IR 10/10/2020",
    "MGUS 01/02/2010", "LDH 250", "tox G3", "Herpes zoster", "Neutropenia febbrile", "Santa Lucia", "Grazia",
    "Rosa", "luglio 2022", "marzo 2022", "Sala Rosa", "VCD-ASCT-R", "Thal-Dex", "BJ kappa", "Bence Jones",
    "Bence-Jones lambda", "malattia di Castleman", "Sindrome di Guillain Barre", "Durie Salmon IIIA",
    "Revlimid 25 mg", "10 mg/die", "5.5 mg/L", "1234567", "12345678", "20220301", "2022-03-01", "3 cicli",
    "380 1200", "300 mg", "3,5 g/dL", "0.5", "0,12", "081", "Velcade s.c. 1.3", "cicli 1-4-8-11", "day 1,8,15,22",
    "D1-D8 20/27 mg/mq", "8 cicli KRd 20/27/56", "ICD 203.0", "C90.0", "ASL NA1", "codice 0801234", "C01",
    "IEO Milano", "Zometa sospeso", "Mario Negri", "Fondazione Gemelli", "San Raffaele", "Regina Elena",
    "Umberto I", "Nicola Pellegrini hospital", "Giovanni XXIII Bergamo", "Vito Fazzi Lecce",
    "Ospedale Antonio Cardarelli", "Policlinico Paolo Giaccone", "Carlo Poma", "ospedale Monaldi",
    "Sandra 2 study", "CASTOR", "POLLUX", "CANDOR", "IKEMA", "ENDEAVOR", "BOSTON", "APOLLO", "LYRA", "MAIA",
    "GRIFFIN", "CASSIOPEIA", "MASTER", "ALCYONE", "Tourmaline", "Dott. non noto", "prof. antibiotica",
    "Herpes Zoster", "C03_0012", "Infarto Miocardico Acuto", "15/04/2023", "3,5", "PT-1950-01",
]  # fmt: skip
EACH = [(text, kind) for kind, texts in IDENTIFIERS.items() for text in texts]


@pytest.mark.parametrize(("text", "kind"), EACH)
def test_identifiers_in_cells(text, kind):
    assert kind in cell_identifiers([text])
    assert kind in cell_identifiers([f"KRd sospeso; {text}; ripresa terapia"])


@pytest.mark.parametrize("text", HARMLESS)
def test_no_identifier_where_there_is_none(text):
    assert cell_identifiers([text]) == {}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Nome", "identifier_name"), ("COGNOME", "identifier_name"), ("Codice Fiscale", "identifier_tax_code"),
        ("Data di nascita", "identifier_birth_date"), ("DOB", "identifier_birth_date"), ("E-mail", "identifier_email"),
        ("Telefono (cell)", "identifier_phone"), ("Indirizzo", "identifier_address"), ("Anno di nascita", ""),
        ("ID paziente", ""), ("Nome del farmaco", ""), ("Data nascita:", "identifier_birth_date"),
    ],
)  # fmt: skip
def test_identifiers_in_headers(header, kind):
    assert header_identifier(header) == kind


@pytest.fixture(scope="module")
def study():
    return load_study()


def everything_written(folder: Path, study) -> str:
    """Return all that intake says about a center, in memory and in files."""
    cleaned = clean_scope(folder.parent, folder.name, study)
    run = Run(folder.name, folder.parent, folder.parent / "work", folder.parent / "reports")
    listed = write_problem_list(run, cleaned)
    frames = (cleaned.issues, cleaned.audit, cleaned.quarantined, cleaned.unknown_columns, cleaned.patients, listed)
    return "".join(frame.to_csv() for frame in frames) + (run.work / "issues.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("column", ["patient_id", "second_line_regimen", "sex", "note"])
def test_no_message_repeats_the_value(column, study, tmp_path):
    folder = tmp_path / "C01"
    folder.mkdir()
    texts = [text for text, kind in EACH if not (column == "patient_id" and kind == "identifier_phone")]
    header = "patient_id,sex" if column == "patient_id" else f"patient_id,{column}"
    rows = [f'"{t}",f' if column == "patient_id" else f'P{n},"{t}"' for n, t in enumerate(texts)]
    (folder / "patients.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    said = everything_written(folder, study)
    assert "identifier_name" in said
    assert [text for text in texts if text in said] == []


@pytest.mark.parametrize(("text", "kind"), [EACH[0], EACH[14], ("Rossi Mario", "identifier_name")])
def test_identifier_as_a_header_is_refused_and_not_repeated(text, kind, study, tmp_path):
    folder = tmp_path / "C01"
    folder.mkdir()
    (folder / "patients.csv").write_text(f"patient_id,sex,{text}\nP1,f,x\n", encoding="utf-8")
    found = [(f.rule, f.column, f.found) for f in read_center(tmp_path, "C01", study).findings]
    assert (kind, "column C", "in the header") in found
    assert text not in everything_written(folder, study)
