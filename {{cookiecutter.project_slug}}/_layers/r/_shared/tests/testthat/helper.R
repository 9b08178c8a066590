# Loaded before the tests: `project`, its folder; `runtime`, whose testing.R has what tests need; and `algorithm`, what
# algorithm.R defines.

project <- normalizePath(file.path("..", ".."))
source(file.path(project, "runtime", "load.R"), local = TRUE)
runtime <- load_runtime(file.path(project, "runtime"))
algorithm <- load_algorithm(project, runtime)
