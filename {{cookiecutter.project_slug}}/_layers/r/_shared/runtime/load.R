# Loading the project's sources.

# The functions that the runtime calls; all but `train` and `predict` have defaults.
entry_points <- c("train", "predict", "model_fn", "input_fn", "predict_fn", "output_fn")

# Load the runtime's modules from `folder` into one environment. They hold nothing but functions, so that any order
# will do.
load_runtime <- function(folder) {
  runtime <- new.env(parent = globalenv())
  for (file in setdiff(list.files(folder, "\\.R$"), "main.R")) {
    sys.source(file.path(folder, file), runtime, keep.source = TRUE)
  }
  # Methods must be known wherever a channel is asked for, not only where this environment is seen.
  registerS3method("$", "channels", runtime$channel_of)
  registerS3method("[[", "channels", runtime$channel_of)
  runtime$runtime_folder <- folder
  runtime
}

# Load algorithm.R on top of the runtime; returns a list of what it defines.
#
# The functions that the runtime calls are then taken out of the file's own environment: within `predict`, a call of
# predict() would otherwise be a call of itself, where R's own predict() is meant.
load_algorithm <- function(project, runtime) {
  file <- file.path(project, "algorithm.R")
  environment <- new.env(parent = runtime)
  sys.source(file, environment, keep.source = TRUE)
  algorithm <- as.list(environment)
  rm(list = intersect(entry_points, names(algorithm)), envir = environment)
  algorithm
}
