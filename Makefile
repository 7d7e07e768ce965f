# Every target works on a fresh machine with Python 3.11 and make: it makes its own virtual environment first.
# `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export EHR_DATA ?= data

# The cohort and the sweep of `make demo`, sized for ten to fifteen minutes on two cores.
DEMO_DATA := $(EHR_DATA)/demo
comma := ,
DEMO_PATIENTS ?= 4000
DEMO_SEED ?= 1
DEMO_BUDGETS ?= 1e11,3e11,1e12
# Two seeds: at these budgets one seed alone moves the loss by as much as a size does.
DEMO_SEEDS ?= 0,1
DEMO_SIZES ?= 5,5,4
# Tasks that a few thousand patients can tell something of.
DEMO_TASKS ?= icu_admission,prolonged_stay_7d,readmission_30d
# A small vocabulary: at these budgets the output head of a large one would be most of the model.
DEMO_VARS ?= {n_labs: 60, min_token_count: 500}

.PHONY: help demo test test-slow lint format bench docs clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: pyproject.toml .ci/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name one with PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	touch $@

demo: override export EHR_DATA := $(DEMO_DATA)
demo: override export MIMIC_IV_ROOT := $(DEMO_DATA)/mimic-iv
demo: $(VENV)/installed  ## synthetic cohort to fitted scaling law and report, ten to fifteen minutes
	@echo "== 1 of 8: synthetic cohort"
	$(BIN)/python -m warehouse.synth --patients $(DEMO_PATIENTS) --seed $(DEMO_SEED) --out $(MIMIC_IV_ROOT) \
		--tables timelines
	@echo "== 2 of 8: raw tables to tokens, with every test"
	$(BIN)/dbt build --quiet --vars '$(DEMO_VARS)'
	@echo "== 3 of 8: validation"
	$(BIN)/python -m warehouse.validate
	@echo "== 4 of 8: shards"
	$(BIN)/python -m warehouse.shards --out $(EHR_DATA)/shards
	@echo "== 5 of 8: IsoFLOP sweep"
	$(BIN)/python ml/sweep.py --shards $(EHR_DATA)/shards --budgets $(DEMO_BUDGETS) --sizes-per-budget $(DEMO_SIZES) \
		--seeds $(DEMO_SEEDS) --runs-dir $(EHR_DATA)/runs
	@echo "== 6 of 8: clinical tasks, the largest budget's runs and baselines scored on them"
	$(BIN)/python -m warehouse.tasks --out $(EHR_DATA)/tasks
	$(BIN)/python ml/evaluate.py --shards $(EHR_DATA)/shards --task-dir $(EHR_DATA)/tasks --tasks $(DEMO_TASKS) \
		--methods probe --probe-prompts 300 --run $(EHR_DATA)/runs/*-C$(lastword $(subst $(comma), ,$(DEMO_BUDGETS)))-*-s0
	$(BIN)/python ml/baselines.py --shards $(EHR_DATA)/shards --task-dir $(EHR_DATA)/tasks --tasks $(DEMO_TASKS) \
		--out $(EHR_DATA)/baselines
	@echo "== 7 of 8: runs to tables"
	$(BIN)/dbt run --quiet --select runs
	@echo "== 8 of 8: fit and report"
	$(BIN)/python -m analysis.report --out $(EHR_DATA)/report
	$(BIN)/dbt run --quiet --select analysis

test: $(VENV)/installed  ## the test suite
	$(BIN)/python -m pytest -m "not slow and not gpu"

test-slow: $(VENV)/installed  ## the tests that take minutes
	$(BIN)/python -m pytest -m "slow"

lint: $(VENV)/installed  ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint models_sql

format: $(VENV)/installed  ## mend what ruff and sqlfluff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix models_sql

bench: $(VENV)/installed  ## measurements as tables
	$(BIN)/python -m tests.benchmarks

docs: $(VENV)/installed  ## dbt's documentation of every model and column, as one page
	$(BIN)/dbt docs generate --static
	@echo "documentation in target/static_index.html"

clean:  ## remove the demo's data and the environment; other data and runs stay
	rm -rf $(DEMO_DATA) $(VENV) target logs
