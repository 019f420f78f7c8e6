# What there is to do with the course. `make` lists it. Works with the make of macOS (3.81) as well.

PYTHON_IN_VENV := .venv/bin/python
# Debian and Homebrew install RabbitMQ's server where an ordinary user's PATH does not look.
export PATH := $(PATH):/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin
# pytest's own arguments, for example: make test ARGS="-k wire -x"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-instructor demo test validate test-thorough test-pythons test-docker test-debian attacks lint docs pictures bench soak fuzz mutants mutants-sample lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv from requirements.lock, install bubblewrap, RabbitMQ and Redis where missing
	@scripts/setup.sh $(if $(filter setup,$(or $(MAKECMDGOALS),help)),--next)

setup-instructor: ## the same, and nbgrader with JupyterLab
	@scripts/setup.sh --instructor $(if $(filter setup-instructor,$(MAKECMDGOALS)),--next)

demo: setup ## see the course and its grader at work
	$(PYTHON_IN_VENV) scripts/demo.py

# The same sample every time, as of the mutants below; pytest comes last, so that its closing line is the last one.
test: setup-instructor ## prove that the suites measure what they say, then run the grader's own tests
	$(PYTHON_IN_VENV) -m grader validate --sample 1 --seed 1
	$(PYTHON_IN_VENV) -m pytest -W error -n 3 --dist loadfile -m "not thorough" $(ARGS)

validate: setup-instructor ## judge every known submission; make test judges some of each exercise
	$(PYTHON_IN_VENV) -m grader validate $(ARGS)

test-thorough: setup-instructor ## what takes longer: the attacks, nbgrader, comparisons, the documentation's commands
	$(PYTHON_IN_VENV) -m pytest -W error -m thorough $(ARGS)

test-pythons: ## make test with each Python from 3.11 to 3.14 that is here; ARGS="3.12 3.13"
	@python3 scripts/test_pythons.py $(ARGS)

test-docker: setup-instructor ## what needs a Docker engine, on one of its own; as root on Debian
	$(PYTHON_IN_VENV) scripts/test_docker.py $(ARGS)

SUITE ?= trixie
test-debian: ## the README's commands in another Debian, as root and as an ordinary user; SUITE=sid
	@python3 scripts/test_debian.py $(SUITE)

attacks: setup-instructor ## hand in every known hostile submission, as root and as an ordinary user
	ATTACKS=all $(PYTHON_IN_VENV) -m pytest -W error tests/grader/test_attacks.py tests/grader/test_attacks_mixed.py $(ARGS)

lint: setup-instructor ## ruff, mypy, import-linter, schemas of the files for CI and compose
	$(PYTHON_IN_VENV) -m ruff check
	$(PYTHON_IN_VENV) -m ruff format --check
	$(PYTHON_IN_VENV) -m mypy grader resources solutions benchmarks scripts
	$(PYTHON_IN_VENV) -m mypy solutions/00/events.py
	.venv/bin/lint-imports
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml release/.github/workflows/*.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci release/.gitlab-ci.yml
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

docs: setup ## build the documentation's site into out/site; a dead link fails
	NO_MKDOCS_2_WARNING=1 $(PYTHON_IN_VENV) -m mkdocs build --strict --quiet
	@echo "out/site/index.html; to look at it: $(PYTHON_IN_VENV) -m http.server -d out/site"

pictures: setup ## make the documentation's pictures again; needs chromium, npm, tmux and vim
	$(PYTHON_IN_VENV) scripts/draw_architecture.py
	$(PYTHON_IN_VENV) scripts/draw_diagrams.py
	$(PYTHON_IN_VENV) scripts/picture_class.py
	$(PYTHON_IN_VENV) scripts/record_watch.py

bench: setup-instructor ## measure the techniques, and the grader
	$(PYTHON_IN_VENV) -m benchmarks

soak: setup-instructor ## grade under load for a while: verdicts may not vary
	$(PYTHON_IN_VENV) -m benchmarks.soak

fuzz: setup-instructor ## give all that reads strangers' input what nobody thought of; ARGS="--minutes 60"
	$(PYTHON_IN_VENV) -m benchmarks.fuzz $(ARGS)

mutants: setup-instructor ## grade all mutants and all rewritten right submissions; takes hours
	$(PYTHON_IN_VENV) -m grader validate --mutants --rewrites $(ARGS)

# The same ones every time: a survivor is a change's doing, not chance's.
mutants-sample: setup-instructor ## some of them, in a few minutes
	$(PYTHON_IN_VENV) -m grader validate --mutants --rewrites --source solution --seed 25 --sample 60

# Both files hold the same versions. `make lock UPGRADE=--upgrade` moves to the latest ones.
UPGRADE ?=
COMPILE = $(PYTHON_IN_VENV) -m uv pip compile pyproject.toml --group dev --group build \
	--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" --quiet $(UPGRADE)
lock: setup ## write requirements.lock and requirements-instructor.lock from pyproject.toml
	$(COMPILE) --extra plots --extra suites --output-file requirements.lock
	$(COMPILE) --extra plots --extra suites --extra instructor --extra author --extra workers --constraint requirements.lock --output-file requirements-instructor.lock

clean: ## remove .venv and caches; what was graded, in out/, stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
