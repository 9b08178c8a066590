# Runs the tests of the algorithm, then the runtime's own: Rscript runtime/tests/run.R [PATTERN], in the project's folder.
#
# PATTERN chooses test files by name, as a regular expression: "algorithm" is test-algorithm.R. The exit status is the
# number of files in which a test fails or warns.

folders <- c("tests/testthat", "runtime/tests/testthat")
pattern <- commandArgs(trailingOnly = TRUE)
files <- unlist(lapply(folders, list.files, paste0("^test.*", pattern, ".*\\.R$"), full.names = TRUE))
if (length(files) == 0) {
  stop("no test file is called ", pattern)
}

passes <- function(file) {
  outcome <- try(testthat::test_file(file, reporter = "summary", stop_on_failure = TRUE, stop_on_warning = TRUE))
  !inherits(outcome, "try-error")
}
quit(save = "no", status = sum(!vapply(files, passes, NA)))
