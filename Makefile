# `make` or `make help` lists the targets. `make run` and `make test` do all the set-up themselves.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A choice of PyTorch made once stays: the mark of a complete set-up carries its name.
TORCH ?= $(or $(patsubst $(VENV)/ready-%,%,$(firstword $(wildcard $(VENV)/ready-*))),auto)
READY := $(VENV)/ready-$(TORCH)
NOTEBOOKS ?= $(wildcard notebooks/*.ipynb notebooks/batches/*.ipynb)

# The data folder may be given relative to this folder; kernels run in notebooks/, so make it absolute.
ifneq ($(strip $(PVAE_DATA)),)
ifeq ($(filter /%,$(firstword $(PVAE_DATA))),)
override PVAE_DATA := $(CURDIR)/$(PVAE_DATA)
endif
export PVAE_DATA
endif

# Only `make run NAME=…` names the run: some shells export a NAME of their own.
ifneq ($(findstring command,$(origin NAME)),)
RUN_NAME := $(NAME)
endif

# One numeric thread a worker: two workers share two cores, and sums come out the same everywhere.
QUIET := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PVAE_PROGRESS=0
WORKERS ?= 2
PYTEST := $(QUIET) $(BIN)/pytest -q -n $(WORKERS) --dist loadfile
NBVAL := --nbval --nbval-cell-timeout=300

.DEFAULT_GOAL := help
.PHONY: help setup run sweep test test-notebooks lab norman notebooks lint bench course grade

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-22s %s\n", $$1, $$2}'
	@echo
	@echo "  Variables of make run: SCREEN=twin|twin-reduced|twin-full|norman-subset|norman2019|FILE.h5ad"
	@echo "    SEEDS=\"0 1 2\"  EPOCHS=100  PARAMS=notebooks/params/NAME.yaml  NAME=(folder under runs/)"
	@echo "  Variables of make sweep: GRID=notebooks/params/grid_smoke.yaml  CORES=2 (runs at once)  NAME=(as above)"
	@echo "    RECORD=NAME NOTE=\"…\" keeps the finished tables in notebooks/results/, with what made them"
	@echo "    PROFILE=workflow/profiles/slurm runs it on a cluster"
	@echo "  Variables of make course: STUDENTS=\"ada bob\" or a file of names, each gets data of her own"
	@echo "    of make grade: SUBMISSIONS=FOLDER  TIMEOUT=60 (seconds a cell)  MARKS=scores.csv"
	@echo "    of both: COURSE=runs/course, the folder that holds all of it"
	@echo "  PVAE_DATA=FOLDER      where the real data lie, for SCREEN=norman-subset and for the tests on it"
	@echo "  TORCH=auto|cpu|cuda   which PyTorch set-up installs; once is enough, e.g. make setup TORCH=cpu"
	@echo "    cpu   Linux: the build without CUDA (about 0.2 GB)"
	@echo "    cuda  the build of the package index, which on Linux brings several GB of CUDA"
	@echo "    auto  (default) cpu on Linux where nvidia-smi finds no GPU, else the index's build"
	@echo "  PYTHON=python3.12     another interpreter than python3 (3.11 or newer) for the first set-up"

setup: $(READY)  ## the set-up alone: a virtual environment in .venv with the pinned packages

# Skipped while pyproject.toml and constraints.txt are older than the last complete set-up.
$(READY): pyproject.toml constraints.txt
	@$(if $(filter auto cpu cuda,$(TORCH)),:,echo "TORCH=$(TORCH) is not one of auto, cpu, cuda"; exit 2)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1 | tail -1)." \
	    "Install one, or name one: make setup PYTHON=python3.12"; exit 2; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu:" \
	    "sudo apt install python3-venv; then run make again."; exit 2; }
	@rm -f $(VENV)/ready-*
	@sh .ci/install_torch $(BIN)/python $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,sweep,course]'
	@$(BIN)/python -m ipykernel install --sys-prefix --name pvae --display-name pvae >/dev/null
	@touch $@

run: setup  ## the main job: train on singles, predict unseen doubles, print the audited table (runs/NAME/)
	@$(BIN)/python -m pvae_lib.runs notebooks/05_norman2019.ipynb \
	  $(foreach file,$(PARAMS),-f "$(file)") \
	  $(if $(SCREEN),-p screen "$(SCREEN)") $(if $(SEEDS),-p seeds "$(SEEDS)") \
	  $(if $(EPOCHS),-p epochs "$(EPOCHS)") $(if $(RUN_NAME),--out "runs/$(RUN_NAME)")

# With PVAE_DATA set, notebooks that have cells on real data are tried a second time without it.
REAL = $(shell grep -l '"nbval-ignore-output"' $(NOTEBOOKS) 2>/dev/null)
test: lint  ## ruff, all tests, all notebooks against their stored outputs
	$(PYTEST) $(NBVAL) $(NOTEBOOKS) tests
	$(if $(PVAE_DATA),$(if $(REAL),env -u PVAE_DATA $(PYTEST) $(NBVAL) $(REAL)))

sweep: setup  ## every run of GRID=FILE.yaml, then one table; the same command resumes it
	@$(BIN)/python -m pvae_lib.runs.sweep "$(or $(GRID),$(error name a grid: make sweep GRID=notebooks/params/grid_smoke.yaml))" \
	  $(if $(CORES),--cores "$(CORES)") $(if $(PROFILE),--profile "$(abspath $(PROFILE))") $(if $(RUN_NAME),--out "runs/$(RUN_NAME)") \
	  $(if $(RECORD),--record "$(RECORD)") $(if $(NOTE),--note "$(NOTE)")

test-notebooks: setup  ## only the notebooks (NOTEBOOKS="notebooks/05_norman2019.ipynb" for one)
	$(PYTEST) $(NBVAL) $(NOTEBOOKS)

lint: setup  ## ruff
	$(BIN)/ruff check --quiet .

notebooks: setup  ## run the lessons again in place and store their outputs (NOTEBOOKS=… for some)
	$(QUIET) $(BIN)/python -m pvae_lib.runs.refresh $(NOTEBOOKS)

lab: setup  ## JupyterLab on the lessons
	$(BIN)/jupyter lab $(firstword $(wildcard notebooks/00_start_here.ipynb) notebooks)

COURSE ?= runs/course
course: setup  ## the exercises as students get them, a folder and a zip (STUDENTS="ada bob")
	@$(QUIET) $(BIN)/python -m pvae_lib.course release --course "$(COURSE)" --students "$(STUDENTS)"

grade: setup  ## grade a folder of submissions: scores.csv and HTML feedback (SUBMISSIONS=folder)
	@$(if $(SUBMISSIONS),,echo "make grade SUBMISSIONS=FOLDER, with a folder a student"; exit 2)
	@$(QUIET) $(BIN)/python -m pvae_lib.course grade "$(SUBMISSIONS)" --course "$(COURSE)" \
	  $(if $(TIMEOUT),--timeout "$(TIMEOUT)") $(if $(MARKS),--marks "$(MARKS)")

norman: setup  ## fetch and prepare Norman et al. 2019 in data/ (0.7 GB; SOURCE=scperturb|geo or FILE=a local copy)
	$(BIN)/python -m pvae_lib.sources.norman $(if $(SOURCE),--source "$(SOURCE)") $(if $(FILE),--file "$(FILE)")

bench: setup  ## every benchmark; each ends with one line of JSON
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
