# Python's part of the Makefile.

environment: .venv/ready

PACKAGES := requirements.txt runtime/requirements.txt tests/requirements.txt
SCRIPTS := build_and_push.sh $(wildcard local_test/*.sh)

.venv/ready: $(PACKAGES) constraints.txt
	$(call venv,.venv,$(PACKAGES:%=-r %) -c constraints.txt)
	@touch $@

test: .venv/ready ## Run the unit tests
	.venv/bin/python -m pytest tests $(ARGS)

lint: .venv/ready ## Check style and likely mistakes
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/shellcheck $(SCRIPTS)
	.venv/bin/shfmt -i 0 -d $(SCRIPTS)
	.venv/bin/hadolint Dockerfile

format: .venv/ready ## Format the sources
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/shfmt -i 0 -w $(SCRIPTS)

# pip freeze -r repeats the files it is given, then lists the rest below a line of its own.
lock: ## Pin in constraints.txt all that the requirements.txt files bring with them
	$(call venv,.venv-lock,$(PACKAGES:%=-r %))
	sed '/^#/!d' constraints.txt >.venv-lock/constraints.txt
	.venv-lock/bin/python -m pip freeze $(PACKAGES:%=-r %) | sed '1,/^## The following requirements were added/d' >>.venv-lock/constraints.txt
	mv .venv-lock/constraints.txt constraints.txt
	rm -rf .venv-lock

clean::
	rm -rf .venv .venv-lock
