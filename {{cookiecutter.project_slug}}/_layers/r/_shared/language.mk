# R's part of the Makefile.

# The algorithm runs in this machine's own R; .venv holds linters only.
environment: device
	@command -v Rscript >/dev/null || { echo "R is not installed: apt-get install r-base-core r-cran-plumber nginx (Debian, Ubuntu), or use ENGINE=docker" >&2; exit 1; }
	@$(runtime) -e 'runtime$$expect_installed("packages.txt")'

# A mistake in the syntax is found before anything is built or started, where there is an R to find it.
.PHONY: syntax
build environment: syntax
syntax:
	@if command -v Rscript >/dev/null; then Rscript -e 'for (file in list.files(c(".", "R"), "[.]R$$", full.names = TRUE)) invisible(parse(file, encoding = "UTF-8"))'; fi

runtime := Rscript -e 'source("runtime/load.R"); runtime <- load_runtime("runtime")'

SCRIPTS := build_and_push.sh $(wildcard local_test/*.sh cloud/*.sh runtime/*.sh) runtime/train runtime/serve runtime/describe

.venv/ready: runtime/tests/requirements.txt
	$(call venv,.venv,-r runtime/tests/requirements.txt)
	@touch $@

test: environment ## Run the unit tests (ARGS=algorithm: of the files called so)
	@$(runtime) -e 'runtime$$expect_package("testthat")'
	Rscript runtime/tests/run.R $(ARGS)

lint: .venv/ready ## Check style and likely mistakes
	.venv/bin/air format --check .
	.venv/bin/jarl check .
	.venv/bin/shellcheck -x $(SCRIPTS)
	.venv/bin/shfmt -i 0 -d $(SCRIPTS)
	.venv/bin/hadolint Dockerfile

format: .venv/ready ## Format the sources
	.venv/bin/air format .
	.venv/bin/jarl check --fix --allow-no-vcs .
	.venv/bin/shfmt -i 0 -w $(SCRIPTS)

lock: ## Nothing to do: the Debian release, and the day in packages.txt, fix the versions
	@echo "nothing to do: the Debian release, and for CRAN the day in packages.txt, fix the versions"

clean::
	rm -rf .venv
