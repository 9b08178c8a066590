# Loaded before the tests: `runtime`, the runtime's functions, and what many tests need. They are about the runtime
# alone, so that each brings its own algorithm and looks at nothing else of the project.

runtime_folder <- normalizePath(file.path("..", ".."))
source(file.path(runtime_folder, "load.R"), local = TRUE)
runtime <- load_runtime(runtime_folder)

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

# A new project with this runtime, `code` as its algorithm.R, and nothing else; returns its folder.
new_project <- function(code) {
  folder <- new_folder()
  write_text(code, folder, "algorithm.R")
  file.symlink(runtime_folder, file.path(folder, "runtime"))
  folder
}
