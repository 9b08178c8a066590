# Python's part of the Makefile.

# A framework that can use GPUs has packages for each device. The mark is the device's, so that GPU=1 makes .venv anew.
DEVICE := $(if $(GPU),gpu,cpu)
READY := .venv/ready-$(DEVICE)
PACKAGES := requirements.txt $(wildcard requirements-$(DEVICE).txt) runtime/requirements.txt tests/requirements.txt
SCRIPTS := build_and_push.sh $(wildcard local_test/*.sh)

environment: $(READY)

$(READY): $(PACKAGES) constraints.txt | device
	$(call venv,.venv,$(PACKAGES:%=-r %) -c constraints.txt)
	@touch $@

test: $(READY) ## Run the unit tests
	.venv/bin/python -m pytest tests $(ARGS)

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

# pip freeze -r repeats the files it is given, then lists the rest below a line of its own. setuptools, which some
# packages need, it would leave out but for --all, and Python 3.11 puts an old one into every environment.
lock: ## Pin in constraints.txt all that the requirements files bring with them
	$(call venv,.venv-lock,--upgrade setuptools $(PACKAGES:%=-r %))
	sed '/^#/!d' constraints.txt >.venv-lock/constraints.txt
	.venv-lock/bin/python -m pip freeze --all --exclude pip $(PACKAGES:%=-r %) | sed '1,/^## The following requirements were added/d' >>.venv-lock/constraints.txt
	mv .venv-lock/constraints.txt constraints.txt
	rm -rf .venv-lock

clean::
	rm -rf .venv .venv-lock
