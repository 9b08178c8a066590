# Loaded before the tests: `runtime`, the runtime's functions, and `project`, the project's folder.

project <- normalizePath(file.path("..", ".."))
source(file.path(project, "runtime", "load.R"), local = TRUE)
runtime <- load_runtime(file.path(project, "runtime"))

# A new empty folder.
new_folder <- function() {
  folder <- tempfile("test")
  dir.create(folder)
  normalizePath(folder)
}
