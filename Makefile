# Work on the template itself. A generated project has a Makefile of its own.

# The Python that makes the virtual environment: 3.11 or newer.
PYTHON ?= python3
DEMO := build/demo
LAYERS := {{cookiecutter.project_slug}}/_layers
RUNTIME := $(LAYERS)/python/_shared/runtime

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-fast lint docs format lock upgrade release picture address clean

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready ## Generate a project with the defaults in build/demo and run its make local-test
	rm -rf $(DEMO)
	.venv/bin/cookiecutter . --no-input --default-config --output-dir $(DEMO)
	$(MAKE) -C $(DEMO)/my-algorithm local-test

# The projects that the tests make have a make of their own, and what is given to this one is not meant for it; nor is
# that make a part of this one, which would print where it enters and leaves.
# Two workers: tests/conftest.py says which tests stay together, and in which order they are handed out.
# Each computes with one thread: those of numeric libraries wait for one another by spinning.
PYTEST := env -u ARGS -u MAKEFLAGS -u MAKELEVEL OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder
FAST := $(foreach name,static hooks lint bake address performance picture make update release build_and_push local_test,tests/test_$(name).py)

test: .venv/ready ## Run every test of the template (ARGS="--framework flask": those of one framework; none: of no one)
	$(PYTEST) $(ARGS)

test-fast: .venv/ready ## Run the tests that need no Docker and no framework's packages, in at most 3 minutes
	$(PYTEST) -m 'not docker' $(FAST) $(ARGS)

lint: .venv/ready ## Run the static tests and the linters only
	.venv/bin/python -m pytest -q tests/test_static.py tests/test_lint.py

# In an environment of its own: what Sphinx brings is no business of the tests.
docs: docs/.venv/ready ## Build the pages of docs/ in build/docs; a link that leads nowhere is an error
	docs/.venv/bin/sphinx-build --quiet --fresh-env --fail-on-warning --doctree-dir build/doctrees docs build/docs
	@echo "build/docs/index.html"

format: .venv/ready ## Format the sources
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/air format .
	find .ci "$(LAYERS)" -name '*.sh' -not -path '*/.venv/*' -exec .venv/bin/shfmt -i 0 -w {} +

# Each framework's by a project's own make. What one has pinned holds for the next, so that a package that two need has
# one version in all projects.
lock: .venv/ready ## Pin what the runtime and the Python frameworks bring with them
	rm -rf build/lock
	.venv/bin/python -m venv build/lock
	build/lock/bin/python "$(RUNTIME)/lock.py" "$(RUNTIME)/constraints.txt" -- \
		-r "$(RUNTIME)/requirements.txt" -r "$(RUNTIME)/tests/requirements.txt"
	cd "$(LAYERS)/python" && cat */constraints.txt | sed -n '/==/p' >"$(CURDIR)/build/lock/pins"
	set -e; cd "$(LAYERS)/python"; for folder in */constraints.txt; do \
		framework=$${folder%/*}; project="$(CURDIR)/build/lock/$$framework"; \
		"$(CURDIR)/.venv/bin/cookiecutter" "$(CURDIR)" --no-input --default-config --output-dir "$(CURDIR)/build/lock" \
			project_slug="$$framework" framework="$$framework"; \
		cat "$(CURDIR)/build/lock/pins" >>"$$project/constraints.txt"; \
		$(MAKE) -C "$$project" lock; \
		cp "$$project/constraints.txt" "$$framework/constraints.txt"; \
		sed -n '/==/p' "$$framework/constraints.txt" >>"$(CURDIR)/build/lock/pins"; \
	done

upgrade: ## make lock, but with the newest versions that the requirements allow
	find "$(LAYERS)" -name constraints.txt -exec sed -i.pinned '/==/d' {} +
	find "$(LAYERS)" -name constraints.txt.pinned -delete
	$(MAKE) lock

release: ## Tag the version of cookiecutter.json as a release; CHANGELOG.md must have it, with its date
	@$(PYTHON) tools/release.py

# With the image in Docker's cache, so that the picture shows the checks and not its steps.
picture: demo ## Draw docs/local-test.svg from a run of that project
	cd $(DEMO)/my-algorithm && env -u MAKEFLAGS -u MAKELEVEL "$(CURDIR)/.venv/bin/python" "$(CURDIR)/tools/picture.py" \
		"$(CURDIR)/docs/local-test.svg" "Interrupted training" Serving Load -- make local-test

address: ## Put the address of a fork in the place of this one (ADDRESS=https://github.com/me/sm-algo)
	@$(PYTHON) tools/address.py "$(ADDRESS)"

clean: ## Remove what make made here
	rm -rf .venv docs/.venv build
	find . -type d '(' -name __pycache__ -o -name .pytest_cache -o -name .ruff_cache ')' -prune -exec rm -rf {} +

# $(call venv,FOLDER,REQUIREMENTS): a fresh virtual environment with these packages.
define venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python 3.11 or newer: name one that is, e.g. make PYTHON=python3.13" >&2; exit 1; }
@echo "making $(1)"
@$(PYTHON) -m venv --clear $(1)
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
@touch $@
endef

.venv/ready: tests/requirements.txt
	$(call venv,.venv,$<)

docs/.venv/ready: docs/requirements.txt
	$(call venv,docs/.venv,$<)
