# Everything by name; `make` alone prints what there is. Each target does its own set-up.
#
#   PYTHON=python3.13 VENV=.venv-3.13   another interpreter, in an environment of its own
#   POSTERN_STATE=directory             another place than .postern/ for the native stack's data

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# Tests wait more than they compute: for servers to start, for letters to arrive.
TEST_PROCESSES ?= 3
# Whether `make slow` also measures what strangers can time: twenty minutes on a machine that does nothing else.
QUIET ?= 1

PACKAGES := shared auth-service mailer-service deploy/rabbitmq deploy/local
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CLIENTS := tests/clients/node_modules/.installed
SIDE_BY_SIDE := $(BIN)/pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup --no-loadscope-reorder --ignore tests/faults
STATE := $(or $(POSTERN_STATE),.postern)

# What is compiled once need not be compiled by each of the many processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test slow faults matrix test-compose check check-types check-format check-lint check-layers check-dependencies up down scale clean bench demo benchmailer benchpriorities journey doctor generated requirements system-packages test-packages
.SILENT:

help: ## print this
	echo "Postern. Targets:"
	sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "  make %-13s %s\n", $$1, $$2}'

run: system-packages $(INSTALLED) ## the whole stack on this machine, in the foreground until Ctrl-C; MONITORING=1 with Prometheus
	$(if $(MONITORING),PYTHON=$(PYTHON) deploy/local/packages.sh monitoring)
	exec $(BIN)/postern-local run $(if $(MONITORING),--monitoring)

test: test-packages $(INSTALLED) ## all tests but the long ones, side by side; ARGS="-k receipt -n 0" passes words on to pytest
	echo "running the tests"
	exec $(SIDE_BY_SIDE) -m "not slow" $(ARGS)

slow: test-packages $(INSTALLED) $(CLIENTS) ## the long tests: servers killed and frozen, then times measured; QUIET= leaves those and the longest out
	echo "running the long tests"
	$(SIDE_BY_SIDE) -m "slow and not quiet$(if $(QUIET),, and not long)" $(ARGS)
	test -z "$(QUIET)" || { echo "running what needs the machine to itself" && exec $(BIN)/pytest --ignore tests/faults -m quiet $(ARGS); }

# The full sizes one by one, for their figures are published.
faults: test-packages $(INSTALLED) ## break everything and count the letters; QUICK=1, ROWS=3,7, SEED=42; as root
	echo "running the faults; their figures go to $(STATE)/faults.jsonl"
	POSTERN_FAULTS_QUICK=$(QUICK) POSTERN_FAULTS_ROWS=$(ROWS) POSTERN_FAULTS_SEED=$(SEED) \
		POSTERN_FAULTS_FIGURES=$(abspath $(STATE))/faults.jsonl exec $(BIN)/pytest tests/faults $(if $(QUICK),--numprocesses 3 --dist worksteal) $(ARGS)

matrix: test-packages $(INSTALLED) ## the tests that touch a broker and the quick faults on RabbitMQ 3.10, 4.0 and 4.3; RABBITMQ=4.3; as root
	TEST_PROCESSES=$(TEST_PROCESSES) exec tests/matrix.sh $(VENV) $(abspath $(STATE)) $(or $(RABBITMQ),3.10 4.0 4.3)

test-compose: test-packages $(INSTALLED) ## the Compose stack from images of Debian's packages, scaled, killed and rotated under load; as root
	VENV=$(VENV) POSTERN_STATE=$(STATE) exec tests/compose/run.sh $(ARGS)

# Side by side: mypy takes longer than all the others together.
check: $(INSTALLED) ## format, lint, types, layers, declared dependencies
	exec $(MAKE) --no-print-directory --jobs=2 --output-sync=target check-types check-format check-lint check-layers check-dependencies

check-format:
	echo "format (ruff)" && $(BIN)/ruff format --check .

check-lint:
	echo "lint (ruff)" && $(BIN)/ruff check .

check-types:
	echo "types (mypy)" && $(BIN)/mypy

check-layers:
	echo "layers (import-linter)" && $(BIN)/lint-imports

check-dependencies:
	for package in $(PACKAGES); do echo "dependencies of $$package (deptry)" && (cd $$package && $(abspath $(BIN))/deptry src) || exit 1; done

up: ## the same stack in containers, with Docker Compose
	exec deploy/compose/up.sh $(ARGS)

down: ## stop the containers; ARGS=--volumes removes their data too
	exec deploy/compose/down.sh $(ARGS)

# Docker Compose's stack needs nothing on this machine but Docker.
scale: ## make scale mailer=4 api=3: how many replicas of the running stack, now and at every later start
	$(if $(mailer)$(api),,$(error say how many: make scale mailer=3))
	if [ -e $(STATE)/stack.json ]; then \
		exec $(BIN)/postern-local scale $(mailer:%=mailer=%) $(api:%=api=%); \
	else \
		exec deploy/compose/scale.sh $(mailer:%=mailer=%) $(api:%=api=%); \
	fi

clean: $(INSTALLED) ## remove the native stack's data; refuses while it runs
	exec $(BIN)/postern-local clean

bench: $(INSTALLED) ## what a registration and a sign-in cost, by process, and how long a letter takes, on the running stack
	test -e $(STATE)/stack.json || { echo "No stack is running: start one with \`make run\` in another terminal." >&2; exit 1; }
	echo "measuring on the stack in $(STATE)"
	PYTHONPATH=tests $(BIN)/python tests/bench/registration.py $(STATE)/stack.json
	PYTHONPATH=tests exec $(BIN)/python tests/bench/costs.py $(STATE)/stack.json

demo: $(INSTALLED) ## people at the gate of the running stack for three minutes, some of them undeliverable; ARGS="--minutes 10"
	test -e $(STATE)/stack.json || { echo "No stack is running: start one with \`make run MONITORING=1\` in another terminal." >&2; exit 1; }
	echo "playing a day on the stack in $(STATE)"
	PYTHONPATH=tests exec $(BIN)/python tests/bench/demo.py $(STATE)/stack.json $(ARGS)

benchmailer: test-packages $(INSTALLED) ## letters a second, CPU a letter and memory of one mailer; ARGS="--letters 50000 --reply-ms 0"
	echo "measuring one replica on servers of its own"
	PYTHONPATH=tests exec $(BIN)/python tests/bench/mailer.py $(ARGS)

benchpriorities: test-packages $(INSTALLED) ## an urgent letter's time to the inbox behind 100,000 bulk ones; ARGS="--bulk 20000"
	echo "measuring on a RabbitMQ and a PostgreSQL of its own; loading takes a minute or two"
	PYTHONPATH=tests exec $(BIN)/python tests/bench/priorities.py $(ARGS)

journey: test-packages $(INSTALLED) ## which modules and functions handle a letter, step by step
	echo "sending a letter through services of its own; starting them takes half a minute"
	PYTHONPATH=tests exec $(BIN)/python tests/bench/journey.py

doctor: $(INSTALLED) ## examine the running broker and the Celery settings; ARGS=--json for programs
	exec $(BIN)/postern-local doctor $(ARGS)

generated: $(INSTALLED) ## write what is derived from the topology: RabbitMQ's definitions and docs/topology.md
	$(BIN)/postern-topology definitions > deploy/rabbitmq/definitions.json
	$(BIN)/postern-topology diagram > docs/topology.md

system-packages:
	PYTHON=$(PYTHON) deploy/local/packages.sh run

test-packages:
	PYTHON=$(PYTHON) deploy/local/packages.sh test

# Installed again whenever a pin or a package's metadata changes.
$(INSTALLED): requirements/dev.txt $(PACKAGES:%=%/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is missing or older than 3.11; say another: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	test -x $(BIN)/python || { echo "making the virtual environment $(VENV)" && $(PYTHON) -m venv $(VENV); }
	echo "installing the pinned requirements into $(VENV); the first time takes a minute"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --requirement requirements/dev.txt
	echo "installing the packages"
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation $(PACKAGES:%=--editable %)
	touch $@

# Programs from npm that the long tests hold against the API. The lock has hashes and no addresses: any registry will do.
$(CLIENTS): tests/clients/package-lock.json tests/clients/package.json tests/clients/.npmrc
	echo "installing the pinned clients from npm"
	cd tests/clients && npm ci --silent
	touch $@

# Resolved by uv in an environment of its own, thrown away afterwards. One resolution for all interpreters (--universal);
# the services' files take their versions from dev.txt, so that images run what was tested.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-emit-package postern-shared --no-emit-package postern-rabbitmq --no-header --no-annotate

requirements: ## compile requirements/*.txt from the packages' pyproject.toml; ARGS=--upgrade takes newer versions
	set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	echo "installing uv in $$tools"; $(PYTHON) -m venv "$$tools"; "$$tools/bin/pip" install --disable-pip-version-check --quiet uv; \
	PATH="$$tools/bin:$$PATH"; export PATH; \
	echo "compiling requirements/dev.txt"; \
	$(COMPILE) $(ARGS) requirements/dev.in $(PACKAGES:%=%/pyproject.toml) --output-file requirements/dev.txt; \
	for image in auth-service mailer-service deploy/rabbitmq; do \
		echo "compiling requirements/$${image##*/}.txt"; \
		$(COMPILE) $(ARGS) $$image/pyproject.toml requirements/build.in --constraint requirements/dev.txt --output-file requirements/$${image##*/}.txt; \
	done
