# Works from an empty clone with Python >= 3.11 and GNU make, as root and as an ordinary user.
# Everything installed stands in .venv and node_modules, everything made at run time in .local.

PYTHON ?= python3
VENV   := .venv/bin
NPM     = $(VENV)/python -m local_stack.node npm
NODE    = $$($(VENV)/python -m local_stack.node path)
# A folder is checked as soon as it exists.
TYPED  := $(wildcard org_selector org_guard endpoint schema service org_admin api local_tenant local_stack tests benchmarks wsgi.py demo.py)
PAGES  := $(wildcard templates/*.html templates/*/*.html api/*.html)
ACTION_TESTS := $(wildcard tests/actions/*.test.js tests/actions/*.test.mjs)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check clean install pytest benchmarks translations

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1	/' | expand -t 14

demo: install ## run everything offline on this machine and print one URL
	@$(VENV)/python demo.py

test: check pytest ## make check, then every test in random order

test-long: install ## what takes longer: every mutant (about 10 minutes)
	@$(VENV)/python -m tests.mutations

check: install ## format, lint, types, walls between the parts, JavaScript, templates
	$(VENV)/python -m ruff check .
	$(VENV)/python -m ruff format --check .
	$(VENV)/python -m mypy $(TYPED)
	$(VENV)/lint-imports
	$(VENV)/python -m tests.walls
	$(NODE) node_modules/eslint/bin/eslint.js --max-warnings 0 .
	$(if $(PAGES),$(VENV)/python -m djlint --profile=jinja --lint --quiet $(PAGES))
	$(if $(ACTION_TESTS),$(NODE) --test $(ACTION_TESTS))

# After check even under `make -j`, and last, so that pytest's closing line ends the output.
pytest: install check
	$(VENV)/python -m pytest $(PYTEST_ARGS)

benchmarks: install ## measure tokens, rows, requests and the race against floors (about 4 minutes, Linux)
	@$(VENV)/python -m benchmarks

translations: install ## take changed texts into templates/locale, then compile it
	$(VENV)/pybabel -q extract -F babel.cfg --no-location --omit-header -o .local/messages.pot .
	$(VENV)/pybabel -q update -i .local/messages.pot -d templates/locale --no-fuzzy-matching --ignore-pot-creation-date
	$(VENV)/pybabel -q compile -d templates/locale

clean: ## remove everything that make made, the demo's database included
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m local_stack.postgres remove .local; fi
	rm -rf .venv .local .install.lock node_modules build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One install at a time in a clone: a second one waits, finds the stamps fresh and does nothing.
install:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) local_stack/install_lock.py \
		$(MAKE) --silent --no-print-directory .venv/.python-packages .venv/.node-packages

.venv/.created:
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo 'Making a virtual environment in .venv'
	$(PYTHON) -m venv .venv
	@touch $@

# setuptools first, at its exact version, instead of an unpinned one in an isolated build.
.venv/.python-packages: .venv/.created setup.cfg pyproject.toml constraints.txt
	@echo 'Installing Python packages (about 30 s)'
	$(VENV)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(VENV)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

# The Chromium of npm (75 MB) is left out where one is installed.
.venv/.node-packages: .venv/.python-packages package.json package-lock.json .npmrc
	@echo 'Installing JavaScript packages (about 5 s)'
	$(NPM) ci --loglevel=error $$($(VENV)/python -m local_stack.browser installed >/dev/null && echo --omit=optional)
	@touch $@
