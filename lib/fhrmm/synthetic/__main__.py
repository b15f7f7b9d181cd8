"""`python -m fhrmm.synthetic`: write the embedded dataset again, byte for byte."""

from __future__ import annotations

import argparse
from pathlib import Path

from fhrmm.study import resolve_path
from fhrmm.synthetic.dataset import write_dataset
from fhrmm.synthetic.truth import load_truth


def main(arguments: list[str] | None = None) -> int:
    """Write every file of the embedded dataset and say how many."""
    parser = argparse.ArgumentParser(prog="python -m fhrmm.synthetic", description=__doc__)
    parser.add_argument("--out", default="data/synthetic", help="dataset folder (default: %(default)s)")
    folder = resolve_path(parser.parse_args(arguments).out)
    written = write_dataset(Path(folder), load_truth())
    print(f"{len(written)} files written below {folder.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
