# Loading the project's sources.

# The functions that the runtime calls; all but `train` and `predict` have defaults.
entry_points <- c("train", "predict", "save_fn", "model_fn", "input_fn", "predict_fn", "output_fn")

# Load the runtime's modules, all below `folder`, into one environment. They contain only functions and constants, so
# that any order will do.
#
# Two of them belong to the framework. framework.R has its facts. adapter.R keeps a model:
#
#   save_model(model, folder): writes what `train` returned into a folder. Raises UserError for what cannot be kept.
#   load_model(folder) -> that model. The folder may be read-only (I3). Raises UserError where there is no model, or
#     any error where it is damaged.
load_runtime <- function(folder) {
  runtime <- new.env(parent = globalenv())
  files <- list.files(folder, "\\.R$", recursive = TRUE)
  for (file in files[!grepl("^main\\.R$|^tests/", files)]) {
    sys.source(file.path(folder, file), runtime, keep.source = TRUE)
  }
  # Methods must be known wherever a channel is asked for, not only where this environment is seen.
  registerS3method("$", "channels", runtime$channel_of)
  registerS3method("[[", "channels", runtime$channel_of)
  runtime$runtime_folder <- folder
  runtime
}

# Load algorithm.R, which sees nothing of the runtime but its public names, and the default input_fn and output_fn;
# returns a list of what it defines. Raises UserError where a package is missing that it loads.
#
# The functions that the runtime calls are then removed from the file's own environment: otherwise a call of predict()
# within `predict` would call itself instead of R's own predict().
load_algorithm <- function(project, runtime) {
  file <- file.path(project, "algorithm.R")
  api <- list2env(mget(runtime$public_names, runtime), parent = globalenv())
  environment <- new.env(parent = api)
  # They read what the file declares, and so are made when the first of them is called.
  delayedAssign("defaults", runtime$new_defaults(environment, runtime$settings_from_environment()$batch))
  api$default_input_fn <- function(body, content_type, charset = "utf-8") {
    defaults$input_fn(body, content_type, charset)
  }
  api$default_output_fn <- function(predictions, accept) defaults$output_fn(predictions, accept)
  tryCatch(
    sys.source(file, environment, keep.source = TRUE),
    packageNotFoundError = function(error) stop(runtime$missing_package(error$package))
  )
  algorithm <- as.list(environment)
  rm(list = intersect(entry_points, names(algorithm)), envir = environment)
  algorithm
}
