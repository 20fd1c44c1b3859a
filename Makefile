# make demo   the main job on twelve photographs, with its report; demo-full adds the slow methods
# make paper  the whole chain with simulated people: run, survey, votes, ranking, report
# make results  the results table of the README
# make table1 PHOTOS=DIR  Table 1 of the paper on your photographs, with the published weights only
# make weights SCENES=ZIP TILES="ZIP ..."  train both networks of two-stage again (docs/model_card.md)
# make train-gpu DATA=ZIP  DFNet in full, then RefinementNet, in 12 minutes of one GPU (docs/gpu.md)
# make docs   the manual as a site, with search: docs/_build/html/index.html
# make check  lint, types and the fast tests
# make test   all tests that this machine can run
# make coverage  which lines the fast tests reach
# make test-gimp  the plug-in in a real GIMP 3, in a chroot that it sets up (Debian, root, 1.3 GB)
# make conformance  the networks against their authors' code; REFERENCE=DIR for another set
# make bench  timings and memory, side by side
# make bench-gpu  networks on a GPU against the CPU, with PYTHON and its PyTorch (docs/gpu.md)
# make bench-scale  how runs grow, and what a cluster gives (docs/cluster.md)
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
REFERENCE := tests/data
SITE := docs/_build/html
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check
# Where to take PyTorch from: without an NVIDIA GPU from the index of its build without CUDA, which is
# 2 GB smaller (docs/install.md); from where pip takes everything if this is empty or out of reach.
TORCH_INDEX ?= $(shell [ `uname` != Linux ] || command -v nvidia-smi >/dev/null || \
  echo https://download.pytorch.org/whl/cpu)
TORCH = $(if $(TORCH_INDEX),$(INSTALL) --no-deps --retries 0 --timeout 10 --index-url $(TORCH_INDEX) \
  $$(grep ^torch== $<) 2>/dev/null || echo "no PyTorch at $(TORCH_INDEX): taking the one of pip")
LOCK := --universal --no-header --no-annotate --python-version 3.11
# Of tests. Each takes ten seconds to collect them; of all tests many wait, of the fast ones none.
PROCESSES ?= 4
FAST_PROCESSES ?= 2
# With compiled modules kept, where that is turned off: hundreds of processes import the suite.
TEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(RUN) -m pytest --dist worksteal
FAST := $(TEST) -n $(FAST_PROCESSES) -m "not slow"
DEMO := $(RUN) run_benchmark.py --workers 2 --out results/demo
TRAIN := $(RUN) -m methods.training
BUNDLED := methods/weights/bundled
GIMP_ROOT ?= $(HOME)/.cache/inpainting-suite/gimp

PAPER := results/paper
# Everybody beyond the 3,750 valid votes of the paper's study is turned away.
PEOPLE := 200
VOTES := 3750
# Of table1; photographs that are not square need PROTOCOL=centre-crop. It names the networks of
# two-stage, so that it never runs the compact ones instead.
PHOTOS := datasets/demo
PROTOCOL := moskalenko2020
PUBLISHED := two-stage dfnet deepfillv2 hifill

# Of train-gpu: a file of `python -m methods.training pack`; options for a smaller trial come last.
DATA := photos.zip
TRAINED := results/training-gpu
WORKERS := 12
GPU_TRAINING := --device cuda --precision bf16-mixed --workers $(WORKERS) --steps 200000 \
  --checkpoint-minutes 1 --resume
GPU_ONE := --size 256 --width 1 --depth 8 --batch 64 --learning-rate 1e-3 --minutes 5.5
GPU_TWO := --network paper --width 1 --working-size 256 --patch 256 --batch 16 --minutes 4
GPU_SCORES := --device cuda --resolutions 512
TRIAL :=

METHODS := telea,navier-stokes,patchmatch,two-stage,two-stage:patchmatch
# A report of these is there after a third of the time.
QUICK := telea,navier-stokes,two-stage,two-stage:patchmatch
RUN_OPTIONS := --workers 2 --methods $(METHODS)
SEEN := 1024
# As Figs 1, 4 and 6 of the paper: a photograph at two resolutions, several by all methods, crops.
FIGURE1 := --image torii_walkway --resolution 1024 --resolution 2048 --no-masked
FIGURE4 := --image lake_mountains --image kitten_daisies --image spice_bowls
FIGURE6 := --image sea_rocks --image colosseum_arches --show crop --width column

.PHONY: demo demo-full paper results table1 weights docs check test coverage test-gimp conformance \
  tests-of-check tests-of-test bench bench-gpu bench-scale train-gpu lint lock clean

demo: $(VENV)/installed
	$(DEMO) --methods $(QUICK)
	$(DEMO) --methods $(METHODS)

demo-full: $(VENV)/installed
	$(DEMO) --methods $(METHODS),biharmonic,shiftmap,dfnet,deepfillv2,hifill

paper: $(VENV)/installed
	$(RUN) run_benchmark.py $(RUN_OPTIONS) --out $(PAPER)/run
	rm -rf $(PAPER)/study $(PAPER)/votes $(PAPER)/ranking $(PAPER)/metrics $(PAPER)/figures
	$(RUN) -m survey create --run $(PAPER)/run --resolution $(SEEN) --reference --check telea \
	  --target-votes $(VOTES) --out $(PAPER)/study
	$(RUN) -m survey simulate $(PAPER)/study --people $(PEOPLE) --truth docs/simulated_abilities.csv
	$(RUN) -m survey export $(PAPER)/study $(PAPER)/votes/votes.csv
	$(RUN) -m analysis rank $(PAPER)/votes/votes.csv --participants $(PAPER)/votes/participants.csv \
	  --order --by image --out $(PAPER)/ranking
	$(RUN) -m analysis correlate $(PAPER)/run $(PAPER)/votes/votes.csv --resolution $(SEEN) \
	  --participants $(PAPER)/votes/participants.csv --out $(PAPER)/metrics
	$(RUN) -m analysis figure $(PAPER)/run $(FIGURE1) --out $(PAPER)/figures/figure1
	$(RUN) -m analysis figure $(PAPER)/run $(FIGURE4) --out $(PAPER)/figures/figure4
	$(RUN) -m analysis figure $(PAPER)/run $(FIGURE6) --out $(PAPER)/figures/figure6
	$(RUN) -m analysis report $(PAPER)/run --votes $(PAPER)/votes/votes.csv --resolution $(SEEN) \
	  --order --participants $(PAPER)/votes/participants.csv
	cp docs/supplement.md $(PAPER)/README.md

results: $(VENV)/installed
	$(RUN) run_benchmark.py --workers 2 --protocol moskalenko2020-perceptual \
	  --method-file docs/results.toml --out results/readme

table1: $(VENV)/installed
	for name in $(PUBLISHED); do $(RUN) -m methods fetch $$name || exit 1; done
	$(RUN) run_benchmark.py --dataset "$(PHOTOS)" --protocol $(PROTOCOL) --out results/table1 \
	  --methods patchmatch,deepfillv2,dfnet,hifill,two-stage --option two-stage.networks=published

weights: $(VENV)/installed-dev
	$(TRAIN) stage-one --data $(SCENES) --out results/training/one --steps 2000 --batch 32 \
	  --precision bf16-mixed --checkpoint-minutes 4 --resume
	$(TRAIN) export results/training/one/best.safetensors $(BUNDLED)/dfnet_compact.safetensors \
	  --remark "compact, trained here"
	$(TRAIN) stage-two $(addprefix --data ,$(SCENES) $(TILES)) --out results/training/two \
	  --stage-one-weights results/training/one/best.safetensors --working-size 128 \
	  --patch 256 --batch 8 --steps 700 --width 0.375 --style 0 --distance 8 --ssim 80 \
	  --precision bf16-mixed --checkpoint-minutes 4 --resume
	$(TRAIN) export results/training/two/best.safetensors $(BUNDLED)/refinement_compact.safetensors \
	  --remark "compact, trained here"

# With PYTHON, not the environment made here: on a GPU, PyTorch is there already.
train-gpu:
	$(PYTHON) -m methods.training stage-one --data $(DATA) --out $(TRAINED)/one \
	  $(GPU_ONE) $(GPU_TRAINING) $(TRIAL)
	$(PYTHON) -m methods.training export $(TRAINED)/one/best.safetensors \
	  $(TRAINED)/dfnet.safetensors --remark "trained on one GPU"
	$(PYTHON) -m methods.training stage-two --data $(DATA) --out $(TRAINED)/two \
	  --stage-one-weights $(TRAINED)/one/best.safetensors $(GPU_TWO) $(GPU_TRAINING) $(TRIAL)
	$(PYTHON) -m methods.training export $(TRAINED)/two/best.safetensors \
	  $(TRAINED)/refinement.safetensors --remark "trained on one GPU"
	rm -rf $(TRAINED)/validation
	$(PYTHON) -m methods.training validation --data $(DATA) $(TRAINED)/validation
	$(PYTHON) run_benchmark.py --dataset $(TRAINED)/validation --protocol centre-crop \
	  --methods two-stage,navier-stokes --weights dfnet=$(TRAINED)/dfnet.safetensors \
	  --weights refinement=$(TRAINED)/refinement.safetensors --out $(TRAINED)/scores $(GPU_SCORES)

docs: $(VENV)/installed-dev
	$(RUN) -m sphinx -W --keep-going --quiet -b html -c docs -d $(SITE)/../doctrees . $(SITE)

# Types are checked by one process, beside which there is room for tests.
check test: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory -j 2 lint tests-of-$@

tests-of-check:
	$(FAST)

tests-of-test:
	$(TEST) -n $(PROCESSES)

coverage: $(VENV)/installed-dev
	$(FAST) --cov --cov-report=term:skip-covered

test-gimp: $(VENV)/installed-dev
	sh tests/gimp/set_up.sh $(GIMP_ROOT)
	GIMP_ROOT=$(GIMP_ROOT) OMP_NUM_THREADS=1 $(RUN) -m pytest -s tests/gimp

conformance: $(VENV)/installed-dev
	for network in dfnet two_stage deepfillv2 hifill; do \
	  $(RUN) -m tests.conformance $$network $(REFERENCE)/$$network || exit 1; done

bench: $(VENV)/installed-dev
	$(RUN) -m tests.bench.metrics_bench
	$(RUN) -m tests.bench.overhead_bench
	$(RUN) -m tests.bench.networks.networks_bench
	$(RUN) -m tests.bench.networks.deepfillv2_bench
	$(RUN) -m tests.bench.networks.hifill_bench
	$(RUN) -m tests.bench.ranking_bench
	$(RUN) -m tests.bench.ranking_coverage_bench
	$(RUN) -m tests.bench.orders_coverage_bench
	$(RUN) -m tests.bench.survey_bench

bench-gpu:
	$(PYTHON) -m tests.bench.gpu $(BENCH_GPU)

bench-scale: $(VENV)/installed-dev
	OMP_NUM_THREADS=1 $(RUN) -m tests.bench.size_bench
	$(RUN) -m tests.bench.scale_bench growth
	$(RUN) -m tests.bench.cluster_bench
	$(RUN) -m tests.bench.analysis_bench

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo

# Needs uv. Written without annotations, so that it is the same on every machine; without the
# CUDA libraries, which PyTorch pins itself where it needs them.
lock:
	uv pip compile $(LOCK) --upgrade requirements.in -o requirements.lock
	uv pip compile $(LOCK) --upgrade -c requirements.lock requirements-dev.in \
	  -o requirements-dev.lock
	sed -i.old -E '/^(nvidia-|cuda-|triton=)/d' requirements.lock requirements-dev.lock
	rm requirements.lock.old requirements-dev.lock.old

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock | $(VENV)/bin/python
	$(TORCH)
	$(INSTALL) -r requirements.lock
	touch $@

$(VENV)/installed-dev: requirements-dev.lock | $(VENV)/bin/python
	$(TORCH)
	$(INSTALL) -r requirements-dev.lock
	touch $(VENV)/installed $@

clean:
	rm -rf $(VENV) results/demo docs/_build
