# Python's part of the Makefile.

# A framework that can use GPUs has packages for each device. The mark is the device's, so that GPU=1 makes .venv anew.
DEVICE := $(if $(GPU),gpu,cpu)
READY := .venv/ready-$(DEVICE)
PACKAGES := requirements.txt $(wildcard requirements-$(DEVICE).txt) runtime/requirements.txt runtime/tests/requirements.txt
CONSTRAINTS := constraints.txt runtime/constraints.txt
SCRIPTS := build_and_push.sh $(wildcard local_test/*.sh cloud/*.sh runtime/*.sh)

# A mistake in the syntax is found before anything is started; in an image, when it is built.
environment: $(READY)
	@.venv/bin/python -m compileall -q *.py $(dir $(filter-out cloud/% local_test/% runtime/%,$(wildcard */__init__.py)))

$(READY): $(PACKAGES) $(CONSTRAINTS) | device
	$(call venv,.venv,$(PACKAGES:%=-r %) $(CONSTRAINTS:%=-c %))
	@touch $@

test: $(READY) ## Run the unit tests: yours in tests/, and those of runtime/
	.venv/bin/python -m pytest $(ARGS)

lint: $(READY) ## Check style and likely mistakes
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/shellcheck $(SCRIPTS)
	.venv/bin/shfmt -i 0 -d $(SCRIPTS)
	.venv/bin/hadolint Dockerfile

format: $(READY) ## Format the sources
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/shfmt -i 0 -w $(SCRIPTS)

# To take newer versions, empty constraints.txt first.
lock: ## Pin in constraints.txt all that your requirements files bring with them
	@$(PYTHON) -m venv --clear .venv-lock && .venv-lock/bin/python runtime/lock.py constraints.txt \
		--without runtime/constraints.txt -- $(PACKAGES:%=-r %) -c runtime/constraints.txt; \
		status=$$?; rm -rf .venv-lock; exit $$status

clean::
	rm -rf .venv .venv-lock
