# Everything from a fresh clone: each target makes its own virtual environment first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test test-slow test-peers bench reference figures clean

help:
	@echo "make demo        install into .venv and make the figures of the demo in demo/"
	@echo "make test        install into .venv and run the test suite"
	@echo "make test-slow   the checks that take minutes"
	@echo "make test-peers  compare with Brian2, Nengo and Elephant, run live in an environment of their own (.venv-peers);"
	@echo "                 with NEST where NEUROSIM_NEST_PYTHON names a Python that has it"
	@echo "make bench       speed beside the peers that are installed, as ratios"
	@echo "make reference   make data/reference/ anew with Brian2 and Nengo (.venv-peers)"
	@echo "make clean       remove the environments and what the targets made"

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/neurosim demo --out demo

# two processes; tests that share what they have run stay together (tests/conftest.py)
test: $(STAMP)
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -m slow

# Brian2 2.9 is the last for Python 3.11 and needs numpy below 2.4: hence an environment of its own
.venv-peers/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -e ".[test,data,neo,elephant,nengo]" "brian2>=2.9" "numpy<2.4" setuptools
	touch .venv-peers/.installed

test-peers: .venv-peers/.installed
	.venv-peers/bin/python -m pytest -q -m peers

reference: .venv-peers/.installed
	.venv-peers/bin/python data/reference/make_reference.py
	.venv-peers/bin/python data/reference/make_network_reference.py
	.venv-peers/bin/python data/reference/make_nengo_reference.py

bench: $(STAMP)
	$(BIN)/neurosim bench

clean:
	rm -rf $(VENV) .venv-peers demo build dist *.egg-info
