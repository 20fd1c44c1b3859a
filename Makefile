# make demo   the main job on eight photographs, with its report; demo-full adds the slow methods
# make test   all tests
# make bench  timings, side by side
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
DEMO := $(RUN) run_benchmark.py --workers 2 --out results/demo

.PHONY: demo demo-full test bench lint lock clean

demo: $(VENV)/installed
	$(DEMO)

demo-full: $(VENV)/installed
	$(DEMO) --methods \
	  telea,navier-stokes,shiftmap,patchmatch,two-stage,two-stage:telea,two-stage:patchmatch

test: lint
	$(RUN) -m pytest -n 2

bench: $(VENV)/installed
	$(RUN) -m tests.bench.metrics_bench
	$(RUN) -m tests.bench.overhead_bench

lint: $(VENV)/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# Needs uv. Written without annotations, so that it is the same on every machine; without the
# CUDA libraries, which PyTorch pins itself where it needs them.
lock:
	uv pip compile --universal --no-header --no-annotate --python-version 3.11 --upgrade \
	  requirements.in -o requirements.lock
	sed -i.old '/^\(nvidia-\|cuda-\|triton=\)/d' requirements.lock && rm requirements.lock.old

$(VENV)/installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

clean:
	rm -rf $(VENV) results/demo
