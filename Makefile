# The two commands a newcomer needs are `make report` and `make test`. Everything else is for daily work.
PYTHON ?= python3
UV ?= uv
ARGS ?=

VENV := .venv
RUN := $(VENV)/bin/python
PACKAGES := $(VENV)/.packages
READY := $(VENV)/.ready
WORKERS ?= 2

# Packages come without bytecode: it is made and kept at the first import of each module.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help report release bom course pool-demo test check env lab format lock clean

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

report: $(READY)  ## Run every notebook for every center and for all pooled; ARGS="--center C03" for less
	@status=0; $(RUN) run_all.py $(ARGS) || status=$$?; \
	if [ -f reports/index.html ]; then echo "The report: $(CURDIR)/reports/index.html"; fi; \
	exit $$status

release: $(READY)  ## Make release/, a folder that may be shared: all centers pooled, from rounded counts
	$(RUN) run_all.py --release $(ARGS)

course: $(READY)  ## Build the course for students and for teachers; ARGS="--lesson T02" for less
	$(RUN) build_course.py --jobs $(WORKERS) $(ARGS)

pool-demo: $(READY)  ## Play ten centers that pool without patients, and their coordinator
	$(RUN) benchmarks/pool_demo.py $(ARGS)

test: $(READY)  ## Run all tests, whole notebooks and the browser included
	$(RUN) -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

check: $(READY)  ## Lint, formatting, spelling and the fast tests
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m codespell_lib
	$(RUN) -m pytest -q -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not slow" $(ARGS)

env: $(READY)  ## Make the environment in .venv from the lock

lab: $(READY)  ## Open the notebooks in JupyterLab
	$(VENV)/bin/jupyter lab notebooks

format: $(READY)  ## Format code and notebooks, and strip outputs
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .
	git ls-files -z '*.ipynb' | xargs -0 -r $(VENV)/bin/nbstripout --keep-id --extra-keys "metadata.papermill cell.metadata.papermill"

bom: $(READY)  ## Print the bill of materials of the environment (CycloneDX)
	@$(RUN) benchmarks/bill_of_materials.py

lock:  ## Resolve pyproject.toml again into requirements.lock (needs uv)
	$(UV) pip compile pyproject.toml --extra test --extra cluster --extra redcap --universal --generate-hashes \
		--no-header --no-annotate --quiet --upgrade -o requirements.lock

clean:  ## Remove the environment, the reports and the patient-level intermediates
	rm -rf $(VENV) reports release work .pytest_cache .ruff_cache .hypothesis

$(PACKAGES): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else "Python 3.11 or newer is needed, this is %d.%d: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@touch $@

$(READY): $(PACKAGES) pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
