# Needs make and Python 3.11 or newer, nothing else. The virtual environments are made on demand and kept until their requirements change.

PYTHON ?= python3
PORT ?= 8000
# What is deployed: dev, with Stripe's test mode, or prod.
STAGE ?= dev
# How many tests run at once, and whatever else pytest is to be told: make test ARGS='tests/unit/domain -x'
WORKERS ?= 2
ARGS ?=

environments = $(PYTHON) -I local/environments.py
sources = app.py bench chalicelib local ops tests

.PHONY: run test test-unit test-system test-all rehearse-deploy package deploy destroy mail lint check format clean

# Make itself hands on what it was given: make run STRIPE_API_BASE=http://127.0.0.1:8421 STRIPE_WEBHOOK_SECRET=whsec_…
run:
	@$(environments) .venv .emulator
	@exec .venv/bin/python -m local run --port $(PORT)

# All tests, and of the large grids one case of each kind: what goes in must pass it.
test:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest -n $(WORKERS) --durations=20 --ignore=tests/rehearsal $(ARGS)

# The rules alone, in memory: seconds, for the work in between.
test-unit:
	@$(environments) .venv
	@GRID=quick .venv/bin/python -m pytest -n $(WORKERS) tests/unit $(ARGS)

# The whole system as processes of its own, in browsers, and under every fault.
test-system:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest -n $(WORKERS) --durations=20 tests/system $(ARGS)

# All tests with all cases of the grids and all examples, and the rehearsal: for the night.
test-all:
	@$(environments) .venv .emulator
	@GRID=full .venv/bin/python -m pytest -n $(WORKERS) --durations=20 $(ARGS)

# The real package, deployed by CloudFormation into the emulator and driven there: some two minutes, most of them waits for the next sweep.
rehearse-deploy:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest tests/rehearsal $(ARGS)

# To a stage in your own AWS account: make deploy STAGE=prod ARGS='--set AlarmEmail=you@acme.example'
package deploy destroy:
	@$(environments) .venv
	@.venv/bin/python -m ops $@ --stage $(STAGE) $(ARGS)

# The messages' sources made into what is sent: run after a change in chalicelib/outreach/sources.
mail:
	@$(environments) .venv
	@.venv/bin/python -m ops.mail_build

lint:
	@$(environments) .venv
	@.venv/bin/ruff format --check $(sources)
	@.venv/bin/ruff check $(sources)
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache --no-logo

# The code that is deployed or run by the operator, by bandit; the packages that it needs, by pip-audit, which says what it could not look at; and the
# template that would be deployed, by checkov. The exceptions are at their places, in pyproject.toml and in .checkov.yaml, each with its reason.
check:
	@$(environments) .venv .checks
	@.checks/bin/bandit --quiet --configfile pyproject.toml --recursive app.py chalicelib ops
	@.venv/bin/python -m local.audit .checks/bin/pip-audit
	@.venv/bin/python -m ops package --stage prod
	@.checks/bin/checkov --config-file .checkov.yaml --file out/package/template.json

format:
	@$(environments) .venv
	@.venv/bin/ruff check --fix --exit-zero --quiet $(sources)
	@.venv/bin/ruff format $(sources)

clean:
	rm -rf .venv .emulator .checks .venv.lock .emulator.lock .checks.lock .chalice/deployments out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
