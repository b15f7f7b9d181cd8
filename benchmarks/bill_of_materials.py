"""Write what is installed as a bill of materials (CycloneDX 1.5, JSON): ``make bom``."""

from __future__ import annotations

import json
import sys
from importlib.metadata import Distribution, distributions

OWN = "fhrmm-compendium"


def component(package: Distribution) -> dict[str, object]:
    """Return one package: name, version, license as it states it, and its package URL."""
    name, version = package.metadata["Name"], package.version
    stated = package.metadata["License-Expression"] or package.metadata["License"] or ""
    license_name = stated.splitlines()[0].strip() if stated.strip() else ""
    found: dict[str, object] = {"type": "library", "name": name, "version": version}
    found["purl"] = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    return found | ({"licenses": [{"license": {"name": license_name}}]} if license_name else {})


def main() -> None:
    """Print the bill, packages sorted by name; equal environments give equal bytes."""
    packages = {str(found["name"]).lower(): found for found in map(component, distributions())}
    own = packages.pop(OWN) | {"type": "application"}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": [packages[name] for name in sorted(packages)],
    }
    json.dump(bill, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
