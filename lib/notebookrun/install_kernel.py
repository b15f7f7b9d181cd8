"""Makes the warm kernel a kernel of this environment: ``python -m notebookrun.install_kernel``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

from notebookrun.kernels import NAME, kernel_specification


def install() -> str:
    """Install the warm kernel into this environment; return where."""
    with tempfile.TemporaryDirectory() as folder:
        specification = {**kernel_specification()}
        (Path(folder) / "kernel.json").write_text(json.dumps(specification, indent=1), encoding="utf-8")
        return KernelSpecManager().install_kernel_spec(folder, NAME, prefix=sys.prefix)


if __name__ == "__main__":
    print(install())
