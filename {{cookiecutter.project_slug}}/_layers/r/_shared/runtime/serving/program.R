# `serve`: the program that SageMaker starts for an endpoint or a transform job (contract section 2).

# Load the model, then serve; returns the exit status if that fails. The shell handles SIGTERM (see `serve`).
serve_main <- function(project) {
  started <- Sys.time()
  error <- caught({
    expect_package("jsonlite")
    expect_package("plumber")
    expect_package("data.table")
    settings <- settings_from_environment()
    expect_free_port(settings$port)
    server <- load_server(project, paths_from_environment(), settings)
    cat(sprintf("model loaded in %.1f s\n", as.numeric(Sys.time() - started, units = "secs")))
    supervise(server, settings, run_folder())
  })
  error <- explain_library(error)
  expected <- inherits(error, "UserError")
  message(if (!expected) error$trace, "cannot serve: ", conditionMessage(error))
  1L
}

# Load the model; returns the function that answers requests with it. Raises UserError if it cannot be loaded.
load_server <- function(project, paths, settings) {
  algorithm <- load_algorithm(project, parent.env(environment()))
  handlers <- resolve_handlers(algorithm, settings$batch)
  model <- load_served_model(handlers, paths)
  new_server(model, handlers, settings)
}

# Load the model as an endpoint does. Raises UserError if it cannot be loaded.
load_served_model <- function(handlers, paths) {
  model <- NULL
  error <- caught({
    model <- handlers$model_fn(paths$model)
  })
  if (!is.null(error)) {
    if (!inherits(error, "UserError")) {
      message(error$trace)
    }
    stop(user_error(
      "the model in %s cannot be loaded: %s: %s",
      paths$model,
      class(error)[[1]],
      conditionMessage(error)
    ))
  }
  model
}

# Raise UserError where something else listens on the port. R can only try a port by listening, and whoever waits for
# this server would take that for its start (I8); so this asks as a client does.
expect_free_port <- function(port) {
  ask <- function() socketConnection("127.0.0.1", port, blocking = TRUE, timeout = 1L)
  probe <- tryCatch(suppressWarnings(ask()), error = function(error) NULL)
  if (!is.null(probe)) {
    close(probe)
    stop(user_error("port %s cannot be used: something else listens there; set SAGEMAKER_BIND_TO_PORT", port))
  }
}
