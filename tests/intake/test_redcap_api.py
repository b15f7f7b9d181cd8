"""A REDCap project comes through its API as the files that a raw export has; the server is one of our own."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
import run_all

from fhrmm.errors import StudyError
from fhrmm.study import load_study
from intake.cleaning import clean_scope
from intake.init_center import init_center
from intake.readers.redcap_api import TOKEN, fetch_project

SECRET = "0123456789ABCDEF0123456789ABCDEF"
FIELDS = {"record_id": "base", "sex": "base", "dod": "base", "second_line_start_date": "line", "best_response": "line"}
METADATA = [
    {"field_name": name, "form_name": form, "section_header": "", "field_type": "radio" if name == "sex" else "text",
     "field_label": name, "select_choices_or_calculations": "1, Female | 2, Male" if name == "sex" else ""}
    for name, form in FIELDS.items()
]  # fmt: skip
BLANK = dict.fromkeys(FIELDS, "") | {"redcap_data_access_group": ""}
RECORDS = [
    BLANK | {"record_id": "P1", "redcap_event_name": "base_arm_1", "sex": "1", "dod": "2023-01-02"},
    BLANK | {"record_id": "P1", "redcap_event_name": "first_arm_1", "best_response": "VGPR"},
    BLANK | {"record_id": "P2", "redcap_event_name": "base_arm_1", "sex": "2"},
]
MAPPING = [
    {"arm_num": 1, "unique_event_name": event, "form": form}
    for event, form in (("base_arm_1", "base"), ("first_arm_1", "line"), ("second_arm_1", "line"))
]
ANSWERS = {"metadata": METADATA, "record": RECORDS, "formEventMapping": MAPPING}


@pytest.fixture
def server():
    """Serve the project on a port of this machine; `answer` replaces what it says, `asked` keeps what came."""

    class Handler(BaseHTTPRequestHandler):
        answer, asked = None, []

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.asked.append({name: values[0] for name, values in sent.items()})
            status, body = type(self).answer or (200, json.dumps(ANSWERS[sent["content"][0]]))
            if status == 0:
                threading.Event().wait(0.5)
            self.send_response(status or 200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield Handler, f"http://127.0.0.1:{listening.server_port}/api/"
        listening.shutdown()


@pytest.fixture
def folder(tmp_path, server):
    (tmp_path / "data" / "X").mkdir(parents=True)
    (tmp_path / "data" / "X" / "center.toml").write_text(f'redcap = {{ url = "{server[1]}" }}\n', encoding="utf-8")
    return tmp_path / "data" / "X"


def test_project_is_fetched_proposed_and_read(folder, server, monkeypatch, capsys):
    monkeypatch.setenv(TOKEN, SECRET)
    assert run_all.run(["--fetch-redcap", str(folder)]) == 0
    assert {asked["token"] for asked in server[0].asked} == {SECRET}
    fetched = {path.name: path.read_bytes() for path in folder.glob("redcap_*.csv")}
    assert fetch_project(folder, SECRET) == ["redcap_metadata.csv", "redcap_records.csv", "redcap_events.csv"]
    assert {path.name: path.read_bytes() for path in folder.glob("redcap_*.csv")} == fetched
    report = init_center(folder)
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert SECRET not in capsys.readouterr().out + report
    # the response was filled in one event alone, but the project asks for it in two: which one is meant has to be said
    assert "best_response in first_arm_1, second_arm_1" in report
    text = (folder / "center.toml").read_text(encoding="utf-8")
    assert "redcap = { url = " in text
    names = ['"second_arm_1: best_response" = "best_response"', '"second_line_start_date" = ""']
    named = "\n".join(["[files.columns]", *names])
    (folder / "center.toml").write_text(text.replace("[files.columns]", named), encoding="utf-8")
    cleaned = clean_scope(folder.parent, "X", load_study())
    assert cleaned.issues[cleaned.issues["severity"] == "error"].empty, cleaned.issues.to_string()
    patients = cleaned.patients.set_index("patient_id")
    assert patients["sex"].tolist() == ["female", "male"]
    assert patients["best_response"].isna().all()
    assert patients.loc["P1", "death_date"].isoformat() == "2023-01-02T00:00:00"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (403, '{"error": "You do not have permissions to use the API"}'),
            "You do not have permissions to use the API",
        ),
        ((200, "<html>log in</html>"), "the answer is not JSON"),
        ((200, "[]"), "may this token export data"),
        ((0, "[]"), "no answer within 0.2 seconds"),
    ],
)
def test_what_a_server_answers_in_place_of_data_is_said_and_leaves_no_file(answer, said, folder, server):
    server[0].answer = answer
    with pytest.raises(StudyError, match=said) as caught:
        fetch_project(folder, SECRET, 0.2)
    assert SECRET not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == ["center.toml"]


def test_without_token_or_address_nothing_is_asked(folder, server, monkeypatch, capsys):
    monkeypatch.delenv(TOKEN, raising=False)
    assert run_all.run(["--fetch-redcap", str(folder)]) == 2
    assert f"set the environment variable {TOKEN}" in capsys.readouterr().err
    with pytest.raises(StudyError, match="no such address or token") as caught:
        fetch_project(folder, "short-secret")
    assert "short-secret" not in str(caught.value)
    for wrong in ("http://redcap.example.org/api/", "https://redcap.example.org/"):  # a token never goes unencrypted
        (folder / "center.toml").write_text(f'redcap = {{ url = "{wrong}" }}\n', encoding="utf-8")
        with pytest.raises(StudyError, match="needs the address of the API"):
            fetch_project(folder, SECRET)
    assert server[0].asked == []
