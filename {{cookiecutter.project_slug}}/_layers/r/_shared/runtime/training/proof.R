# Prove before the job ends that the model can be served: what fails here would fail an endpoint.

# Load the saved model as an endpoint does, and answer the first row of the channel `train` with it.
#
# The row is known where algorithm.R declares `features` and has no input_fn; else the model is only loaded. Raises
# UserError for a model that cannot be loaded, or that fails; the traceback goes to the log.
serve_once <- function(algorithm, handlers, paths, channels) {
  model <- tryCatch(load_served_model(handlers, paths), UserError = function(error) {
    stop(user_error("training has ended, but its model cannot be served: %s", conditionMessage(error)))
  })
  features <- first_features(algorithm, channels)
  if (is.null(features)) {
    return(invisible())
  }
  error <- caught(handlers$output_fn(
    handlers$predict_fn(features, model),
    response_type(NULL, json_type, handlers$response_types)
  ))
  if (!is.null(error) && !inherits(error, "InputError")) {
    # an InputError would be an answer, too: status 400
    message(error$trace)
    said <- paste0(class(error)[[1]], ": ", conditionMessage(error))
    text <- "training has ended, but its model cannot answer the first row of channel 'train': %s"
    stop(user_error(text, said))
  }
}

# Return the features of the first row of the channel `train`; NULL where only the algorithm knows them.
first_features <- function(algorithm, channels) {
  name <- intersect(c("train", "training"), names(channels))
  if (is.null(algorithm$features) || !is.null(algorithm$input_fn) || length(name) == 0) {
    return(NULL)
  }
  unknown <- function(error) NULL
  read <- function() {
    table_frame(channels[[name[[1]]]]$tables(header = TRUE)[[1]], algorithm$features)[1, , drop = FALSE]
  }
  tryCatch(read(), InputError = unknown, UserError = unknown)
}
