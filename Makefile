# Lattice Nano. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint campaign-folder campaign-places campaign-sim campaign-wear campaign-flips campaign-qemu bench bench-against emulator firmware qemu venv venv-dev python clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: venv emulator ## carry files laptop -> stick -> second node, offline (FILE=path for your own)
	@$(BIN)/python tools/demo.py $${FILE:+"$$FILE"}

test: venv-dev emulator ## every test, on CPython and on the stick's own interpreter
	@$(BIN)/python -m pytest tests --ignore=tests/gate -n auto --dist worksteal

check: lint ## what to run before each commit: lint, types, the core's tests on CPython (a minute)
	@$(BIN)/python -m pytest tests/core tests/gate/test_test_sources.py -n auto

format: venv-dev ## write every file as ruff formats it
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

lint: venv-dev ## ruff, its format, and pyright
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

campaign-places: venv-dev ## 1,000 random histories of people who put and get the same folder
	@LATTICE_CAMPAIGN=1000 $(BIN)/python -m pytest tests/host/test_places_random.py -n auto

campaign-sim: venv-dev ## 1,000 seeded meshes of 20 nodes: every node ends with the same state (40 minutes)
	@$(BIN)/python tools/simulate.py --seeds 1000

campaign-folder: venv-dev ## 1 GiB and 1,000,000 intentions in a log on a folder (20 minutes)
	@PYTHONPATH=tests/core $(BIN)/python tests/host/folder_campaign.py

campaign-flips: venv-dev emulator ## one flipped bit in a full stick, 200 times: named, nothing wrong served, filled again
	@FLIPS=200 PAGES=16 SEED=3 $(BIN)/python -m pytest tests/emulator/test_flash_storage.py -k "flips or folders" -n 2 -rP

campaign-qemu: venv-dev emulator ## all of the core's tests, the storage on flash and the story on a Cortex-M33 in QEMU (25 minutes)
	@LATTICE_CAMPAIGN=1 $(BIN)/python -m pytest tests/qemu -n 2 --dist worksteal

bench: venv-dev emulator ## measure, print a table, write build/bench.json
	@$(BIN)/python tools/bench.py

bench-against: venv-dev emulator ## processor time here against another revision (REV=commit, NAME=part of a bench's name)
	@$(BIN)/python tools/bench_against.py "$${REV:?name a revision: make bench-against REV=...}" $$NAME

campaign-wear: venv-dev emulator ## 100,000 small writes on chips of several fills: is the flash worn evenly? (25 minutes)
	@PYTHONPATH=tests $(BIN)/python tests/emulator/campaign_wear.py

emulator: venv ## build the stick's interpreter with its frozen firmware (build/emulator), and .venv/bin/lattice-host
	@$(PYTHON) tools/build_emulator.py

firmware: ## build the firmware of a board: build/lattice-nano-BOARD-VERSION.uf2 (BOARD=pico2; DEBUG=1 with a REPL)
	@$(PYTHON) tools/build_firmware.py $(or $(BOARD),pico2) $(if $(DEBUG),--debug)

qemu: ## build the firmware for QEMU's Cortex-M33 (build/qemu), for tools/emulator.py --qemu and tools/run_qemu.py
	@$(PYTHON) tools/build_qemu.py

venv: python
	@$(PYTHON) tools/venv.py

venv-dev: python
	@$(PYTHON) tools/venv.py dev

python:
	@tools/python.sh $(PYTHON)

clean: ## remove what was built (.venv and the download cache stay)
	rm -rf build .pytest_cache .ruff_cache .hypothesis
