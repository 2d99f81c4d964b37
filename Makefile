# The two commands of the README: `make demo` and `make test`. `make help` explains the rest.
PORT ?= 8000
SQUARE_PORT ?= 8100
ARGS ?=
WORKERS ?= 2
# uv makes the environment from uv.lock; where it is missing, it is put into a private one.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
PY := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test fhir browser s3-server faults slow bench check format messages lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv

.venv/.ready: uv.lock pyproject.toml | $(if $(filter .uv/bin/uv,$(UV)),.uv/bin/uv)
	$(UV) sync --frozen --quiet
	@touch .venv/.ready

demo: .venv/.ready ## run the whole clinic on this machine, with made-up people
	@$(PY) -m portal.demo --port $(PORT) --square-port $(SQUARE_PORT) $(ARGS)

demo-reset: .venv/.ready ## the same, forgetting what the last demo held
	@$(PY) -m portal.demo --port $(PORT) --square-port $(SQUARE_PORT) --reset $(ARGS)

# The local S3 server of the tests pins its own versions of what we use: an environment of its own.
s3-server: .local/ministack-venv/.ready ## install the local S3 server with Object Lock for the tests

.local/ministack-venv/.ready: tests/lockbox/ministack.txt .venv/.ready
	$(UV) venv --quiet --clear --python .venv/bin/python .local/ministack-venv
	$(UV) pip install --quiet --python .local/ministack-venv/bin/python -r tests/lockbox/ministack.txt
	@touch .local/ministack-venv/.ready

test: .venv/.ready .local/ministack-venv/.ready ## run the test suite on a real database, broker and worker; ARGS='--promise P39' picks
	$(PY) -m pytest -q -n $(WORKERS) $(ARGS)

browser: .venv/.ready ## run the tests that drive Chromium (needs /usr/bin/chromium)
	$(PY) -m pytest -q -m browser $(ARGS)

fhir: .venv/.ready ## let two other readers of FHIR judge the copies of the seeded patients
	$(UV) sync --frozen --quiet --inexact --group fhir
	cd tests/fhir && PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --silent --no-audit --no-fund
	$(PY) -m pytest -q -m fhir tests/fhir $(ARGS)

slow: .venv/.ready .local/ministack-venv/.ready ## run the long forms of the suites
	$(PY) -m pytest -q -m slow -n $(WORKERS) $(ARGS)

faults: .venv/.ready .local/ministack-venv/.ready ## kill workers between any two steps, and broker and database at night, long forms too
	$(PY) -m pytest -q -m "slow or not slow" tests/faults $(ARGS)

bench: .venv/.ready ## measure the floors and our ratios, as a table; fails when a goal is missed
	$(PY) -m tests.bench $(ARGS)

check: .venv/.ready ## lint, types, import contracts, templates, migrations, deploy check
	$(PY) -m ruff check .
	PORTAL_ENV=development $(PY) -m mypy portal billing
	.venv/bin/lint-imports
	PORTAL_ENV=development $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) -m pytest -q tests/portal/test_checks.py -k deploy_check

format: .venv/.ready ## sort imports and mend what the linter can mend
	$(PY) -m ruff check --fix .

lock: ## bring uv.lock up to date with pyproject.toml
	$(UV) lock

clean: ## remove the environment and all local data
	rm -rf .venv .uv .local
