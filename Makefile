# Needs make and Python 3.11 or newer, nothing else. Each virtual environment is made on demand and
# kept until its requirements change.

PYTHON ?= python3
PORT ?= 8000
# What is deployed: dev, with Stripe's test mode, or prod.
STAGE ?= dev
# The number of tests that run at once: one more than a small machine has cores, since stories with
# real processes wait for much of their time. And other arguments for pytest:
# make test ARGS='tests/unit/domain -x'
WORKERS ?= 3
ARGS ?=

# Bytecode is kept, whatever the shell says: without it each of many processes compiles all that it
# loads, which nearly doubles the time of the tests.
unexport PYTHONDONTWRITEBYTECODE

environments = $(PYTHON) -I local/environments.py
sources = app.py bench chalicelib clients local ops tests

.PHONY: run test test-unit test-system test-all .replica rehearse-deploy package deploy destroy mail clients locks lint check format clean

# Variables on the command line reach the program:
# make run STRIPE_API_BASE=http://127.0.0.1:8421 STRIPE_WEBHOOK_SECRET=whsec_… POLICY=my/billing.toml
# The example product and a stand-in for Intercom run with the shipped policy, but not with
# PRODUCT=none.
run:
	@$(environments) --to-run .venv .emulator
	@exec .venv/bin/python -m local run --port $(PORT)

# All tests, with one case of each kind of the large grids. Every change must pass it.
test:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest -n $(WORKERS) --durations=20 --ignore=tests/rehearsal $(ARGS)

# The rules alone, in memory: about a minute, for the work in between.
test-unit:
	@$(environments) .venv
	@GRID=quick .venv/bin/python -m pytest -n $(WORKERS) tests/unit $(ARGS)

# The whole system in real processes, in browsers, and under faults.
test-system:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest -n $(WORKERS) --durations=20 tests/system $(ARGS)

# All tests with every case of the grids, all examples, and the rehearsal: a nightly run. Where there
# is a Python 3.14, the simulated Stripe is compared with an independent replica too.
test-all:
	@$(environments) .venv .emulator
	@if command -v python3.14 >/dev/null; then $(MAKE) --no-print-directory .replica; fi
	@GRID=full .venv/bin/python -m pytest -n $(WORKERS) --durations=20 $(ARGS)

.replica:
	@python3.14 -I local/environments.py .replica

# Deploys the real package into the emulator by CloudFormation and uses it there. It takes about two
# minutes, mostly waits for the next sweep.
rehearse-deploy:
	@$(environments) .venv .emulator
	@.venv/bin/python -m pytest tests/rehearsal $(ARGS)

# To a stage in your own AWS account: make deploy STAGE=prod ARGS='--set AlarmEmail=you@acme.example'
package deploy destroy:
	@$(environments) --to-run .venv
	@.venv/bin/python -m ops $@ --stage $(STAGE) $(ARGS)

# Compiles the sources of the messages: run it after a change in chalicelib/outreach/sources.
mail:
	@$(environments) .venv
	@.venv/bin/python -m ops.mail.build

# Writes the clients in clients/ from the OpenAPI description: run it after a change of the API.
clients:
	@$(environments) .venv
	@.venv/bin/python clients/build.py

# Pins what pyproject.toml names, with all that it needs and the hash of each file, in the
# requirements files. What is pinned stays as it is, but for what must change:
# make locks ARGS='--upgrade-package stripe', or ARGS=--upgrade for all of it.
lock = .checks/bin/uv pip compile --quiet --universal --generate-hashes --only-binary :all: \
	--custom-compile-command 'make locks' $(ARGS)
oldest = --python-version 3.11
locks:
	@$(environments) .checks
	@$(lock) $(oldest) pyproject.toml -o requirements.txt
	@$(lock) $(oldest) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	@$(lock) $(oldest) pyproject.toml --group run -c requirements-dev.txt -o requirements-run.txt
	@$(lock) $(oldest) --group emulator -o requirements-emulator.txt
	@$(lock) $(oldest) --group checks -o requirements-checks.txt
	@$(lock) --python-version 3.14 --group replica -o requirements-replica.txt
	@$(lock) $(oldest) bench/peers/djstripe.in -o bench/peers/requirements-djstripe.txt

lint:
	@$(environments) .venv
	@.venv/bin/ruff format --check $(sources)
	@.venv/bin/ruff check $(sources)
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache --no-logo

# bandit checks the code that is deployed or run by an operator, pip-audit the packages that it needs,
# and checkov the template that would be deployed. Exceptions and their reasons stand in
# pyproject.toml and .checkov.yaml.
check:
	@$(environments) .venv .checks
	@.checks/bin/bandit --quiet --configfile pyproject.toml --recursive app.py chalicelib ops
	@.venv/bin/python -m local.vulnerabilities .checks/bin/pip-audit
	@.venv/bin/python -m ops package --stage prod
	@.checks/bin/checkov --config-file .checkov.yaml --file out/package/template.json

format:
	@$(environments) .venv
	@.venv/bin/ruff check --fix --exit-zero --quiet $(sources)
	@.venv/bin/ruff format $(sources)

clean:
	rm -rf .venv .emulator .checks .replica .venv.lock .emulator.lock .checks.lock .replica.lock .chalice/deployments out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
