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

# Write a text to a file, whose folder is made where it is missing; returns the path.
write_text <- function(text, ...) {
  file <- file.path(...)
  dir.create(dirname(file), showWarnings = FALSE, recursive = TRUE)
  cat(text, file = file)
  file
}
