"""What is written beside the pages: the manifest and the times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from notebookrun.cache import NodeRun
from notebookrun.files import digest, write_json, write_whole
from notebookrun.graph import NodeId
from notebookrun.plan import Planner
from notebookrun.task import DONE

VERSION = 1
# What is said about the dataset for readers: on the cover, and not in the manifest.
SHOWN_FACTS = frozenset({"banner", "paragraphs", "citation"})


def read_former(planner: Planner) -> dict[str, Any]:
    """Return the nodes of the last manifest by ``scope/name``; empty if there is none or it is damaged."""
    try:
        text = (planner.places.reports / "manifest.json").read_text(encoding="utf-8")
        nodes = json.loads(text)["nodes"]
        return {name: dict(row) for name, row in nodes.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def node_rows(planner: Planner, runs: Mapping[NodeId, NodeRun], former: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row per node: those of this run, and those of former runs that still have a page."""
    known = {str(node) for node in planner.graph.nodes}
    rows = {name: row for name, row in former.items() if name in known}
    for node, run in runs.items():
        entry = run.entry
        rows[str(node)] = {
            "state": run.state,
            "action": run.action,
            "reason": run.reason,
            "why": run.why,
            "parameters": dict(entry.parameters),
            "values": planner.shown_values(planner.graph.nodes[node]),
            "inputs": dict(entry.inputs),
            "outputs": dict(entry.outputs) if run.state == DONE else {},
            "code": digest(entry.code) if entry.code else "",
            "seconds": {key: round(value, 3) for key, value in entry.seconds.items()},
            "warnings": list(entry.warnings),
        }
    return dict(sorted(rows.items()))


def mark_stale(planner: Planner, rows: dict[str, Any]) -> dict[NodeId, NodeId]:
    """Mark nodes whose data, parameters or code are no longer those of their page, and all that come after them.

    Entries are read one at a time: each holds the digest of every module its notebook can reach.

    Returns
    -------
    dict of NodeId to NodeId
        For each marked node the one that began it: itself, or one before it that is out of date or has failed.
    """
    cause: dict[NodeId, NodeId] = {}
    for node in planner.graph.nodes:
        row = rows.get(str(node), {})
        if row.get("state") not in ("ok", "stale"):
            continue
        reasons, *_ = planner.compare(planner.graph.nodes[node])
        failed = [n for n in planner.graph.needs[node] if rows.get(str(n), {}).get("state") == "failed"]
        if reasons and failed:  # it had ended when that one lost its page, and with it what it wrote
            cause[node], reasons = failed[0], [f"it needs {failed[0]}, which failed"]
        elif reasons:
            cause[node] = node
        elif first := next((cause[n] for n in planner.graph.before(node) if n in cause), None):
            cause[node], reasons = first, [f"{first} is out of date"]
        row["state"] = "stale" if reasons else "ok"
        row["reason"] = reasons[0] if reasons else ""
    return cause


def write_manifest(planner: Planner, rows: Mapping[str, Any], started: str) -> None:
    """Write ``manifest.json`` and ``run_times.js``: the only files that differ between equal runs."""
    manifest = {
        "version": VERSION,
        "title": planner.project.title,
        "dataset": {key: value for key, value in planner.facts.items() if key not in SHOWN_FACTS},
        "started": started,
        "parameters": dict(planner.values),
        "packages": planner.packages,
        "nodes": rows,
    }
    write_json(planner.places.reports / "manifest.json", manifest)
    times = {name: row["seconds"]["total"] for name, row in rows.items() if "total" in row["seconds"]}
    script = f"window.runTimes = {json.dumps(times, sort_keys=True)};\n"
    write_whole(planner.places.reports / "run_times.js", script)
