# Works from an empty clone with Python >= 3.11 and GNU make, as root and as an ordinary user.
# .venv and node_modules hold what is installed, .local what is made at run time.

PYTHON ?= python3
VENV   := .venv/bin
NPM     = $(VENV)/python -m local_stack.node npm
NODE    = $$($(VENV)/python -m local_stack.node path)
# `wildcard` leaves out what does not exist.
TYPED  := $(wildcard org_selector org_guard endpoint schema service org_admin api local_tenant local_stack tests benchmarks wsgi.py worker.py demo.py)
PAGES  := $(wildcard templates/*.html templates/*/*.html api/*.html)
ACTION_TESTS := $(wildcard tests/actions/*.test.js tests/actions/*.test.mjs)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-cluster check clean install pytest benchmarks translations

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1	/' | expand -t 19

demo: install ## run everything offline on this machine and print one URL
	@$(VENV)/python demo.py

test: check pytest ## make check, then every test that is not marked long, in random order (about 4 minutes)

test-long: install ## the tests marked long (outages, schemathesis, axe on every page), then every mutant (about 15 minutes)
	$(VENV)/python -m pytest -m long $(PYTEST_ARGS)
	@$(VENV)/python -m tests.mutations

test-cluster: install ## the tests that need Debian's pgbouncer and nginx; without one of them, it says which are left out
	$(VENV)/python -m pytest -m cluster -rs $(PYTEST_ARGS)

# Runs a command; prints one line when it passes, and all that it said when it fails.
quietly = @said=$$($(2) 2>&1) && echo '$(1): passed' || { status=$$?; echo "$$said"; exit $$status; }

check: install ## format, lint, types, rules between the parts, JavaScript, templates
	$(call quietly,ruff check,$(VENV)/python -m ruff check .)
	$(call quietly,ruff format,$(VENV)/python -m ruff format --check .)
	$(call quietly,mypy,$(VENV)/python -m mypy $(TYPED))
	$(call quietly,lint-imports,$(VENV)/lint-imports)
	$(call quietly,walls,$(VENV)/python -m tests.walls)
	$(call quietly,eslint,$(NODE) node_modules/eslint/bin/eslint.js --max-warnings 0 .)
	$(if $(PAGES),$(call quietly,djlint,$(VENV)/python -m djlint --profile=jinja --lint --quiet $(PAGES)))
	$(if $(ACTION_TESTS),$(call quietly,node --test,$(NODE) --test --test-reporter=dot $(ACTION_TESTS)))

# Depends on check so that it runs last, even with `make -j`: its summary then ends the output.
# Two processes, each with a Postgres and a stack of its own (tests/conftest.py).
pytest: install check
	$(VENV)/python -m pytest -m 'not long and not cluster' -n 2 --dist worksteal $(PYTEST_ARGS)

benchmarks: install ## measure what tokens, rows and requests cost (about 4 minutes, Linux)
	@$(VENV)/python -m benchmarks

translations: install ## take changed texts into templates/locale, then compile it
	$(VENV)/pybabel -q extract -F babel.cfg --no-location --omit-header -o .local/messages.pot .
	$(VENV)/pybabel -q update -i .local/messages.pot -d templates/locale --no-fuzzy-matching --ignore-pot-creation-date
	$(VENV)/pybabel -q compile -d templates/locale

clean: ## remove everything that make created, also the demo's database
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m local_stack.postgres remove .local; fi
	rm -rf .venv .local .install.lock node_modules build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One install runs in a clone at a time. A second one waits, finds the stamps new and does nothing.
install:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) local_stack/install_lock.py \
		$(MAKE) --silent --no-print-directory .venv/.python-packages .venv/.node-packages

.venv/.created:
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo 'Making a virtual environment in .venv'
	$(PYTHON) -m venv .venv
	@touch $@

# setuptools comes first, with its exact version; an isolated build would install the newest one.
.venv/.python-packages: .venv/.created setup.cfg pyproject.toml constraints.txt
	@echo 'Installing Python packages (about 30 s)'
	$(VENV)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(VENV)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

# npm's Chromium (75 MB) is not installed if the machine has one.
.venv/.node-packages: .venv/.python-packages package.json package-lock.json .npmrc
	@echo 'Installing JavaScript packages (about 5 s)'
	$(NPM) ci --loglevel=error $$($(VENV)/python -m local_stack.browser installed >/dev/null && echo --omit=optional)
	@touch $@
