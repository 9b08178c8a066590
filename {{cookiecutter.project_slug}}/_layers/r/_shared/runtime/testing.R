# What tests of algorithm.R need to call its functions without a container, as runtime$test_job(…). Like the names in
# api.R these stay.

# Return what `train` receives as `job` where one host trains; its folders are below `folder`.
test_job <- function(folder = tempfile("job")) {
  paths <- paths_below(folder)
  for (made in c(paths$model, paths$output_data)) {
    dir.create(made, showWarnings = FALSE, recursive = TRUE)
  }
  new_job(paths, hosts_from_config(NULL))
}

# Return what `train` receives as `channels`: those that are named, each a folder below `folder`.
test_channels <- function(folder, ...) {
  channels_from_config(sapply(c(...), function(name) list(), simplify = FALSE), folder)
}

# Return what `train` receives as `hyperparameters`: the named values, typed and checked, and the defaults of the
# others.
test_hyperparameters <- function(algorithm, ...) {
  typed_hyperparameters(list(...), algorithm$hyperparameters)
}
