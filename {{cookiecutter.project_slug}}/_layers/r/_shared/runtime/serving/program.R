# `serve`: the program that SageMaker starts for an endpoint or a transform job (contract section 2).

# A worker that dies so often within so many seconds will go on dying: the container ends instead.
most_deaths <- 3
death_seconds <- 10

# Load the model, then serve; returns the exit status where that comes to an end. SIGTERM is the shell's (see `serve`).
serve_main <- function(project) {
  started <- Sys.time()
  error <- caught({
    expect_package("jsonlite")
    expect_package("plumber")
    settings <- settings_from_environment()
    expect_free_port(settings$port)
    application <- load_application(project, paths_from_environment(), settings)
    cat(sprintf("model loaded in %.1f s\n", as.numeric(Sys.time() - started, units = "secs")))
    supervise(application, settings, run_folder())
  })
  expected <- inherits(error, "UserError")
  message("cannot serve: ", conditionMessage(error), if (!expected) paste0("\n", error$trace))
  1L
}

# Load the model and make the application for it. Raises UserError if it cannot be loaded.
load_application <- function(project, paths, settings) {
  algorithm <- load_algorithm(project, parent.env(environment()))
  handlers <- resolve_handlers(algorithm, settings$batch)
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
  new_application(model, handlers, settings)
}

# Raise UserError where something else listens on the port.
expect_free_port <- function(port) {
  probe <- tryCatch(serverSocket(port), error = function(error) NULL)
  if (is.null(probe)) {
    stop(user_error("port %s cannot be used: something else listens there; set SAGEMAKER_BIND_TO_PORT", port))
  }
  close(probe)
}

# Keep the workers alive, for ever; an error when that fails.
#
# They are forked from this process, which holds the model: its memory is shared, and a worker that dies is replaced at
# once. When all are ready the shell is told to start nginx; should nginx end, so does this.
supervise <- function(application, settings, run) {
  sockets <- file.path(run, paste0("r", seq_len(settings$workers))) # short, as 104 characters are the limit
  writeLines(nginx_config(settings, run, sockets), file.path(run, "nginx.conf"))
  # What is shared should be left alone: objects that outlive collections are looked at more and more rarely.
  for (generation in 1:3) {
    gc()
  }
  start <- function(socket) parallel::mcparallel(work(application, socket), name = socket, mc.set.seed = FALSE)
  workers <- sapply(sockets, start, simplify = FALSE)
  deaths <- sapply(sockets, function(socket) numeric(), simplify = FALSE)
  listening <- FALSE
  repeat {
    ended <- parallel::mccollect(workers, wait = FALSE, timeout = if (listening) 1 else 0.01)
    for (socket in names(ended)) {
      now <- as.numeric(Sys.time())
      deaths[[socket]] <- c(deaths[[socket]], now)
      if (sum(deaths[[socket]] > now - death_seconds) >= most_deaths) {
        stop(user_error("a worker died %s times within %s seconds", most_deaths, death_seconds))
      }
      message("a worker died; another takes its place")
      unlink(socket)
      workers[[socket]] <- start(socket)
    }
    if (!listening && all(file.exists(sockets))) {
      cat("listening on port ", settings$port, " with ", settings$workers, " workers\n", sep = "")
      tools::pskill(Sys.getenv("SHELL_PID"), tools::SIGUSR1)
      listening <- TRUE
    }
    if (listening && nginx_has_ended(run)) {
      stop(user_error("nginx has ended; its own words stand above"))
    }
  }
}

# Answer requests on a socket, as a forked process, for as long as the socket is there.
work <- function(application, socket) {
  # However it ends, without more ado: a forked R that ends in order waits for its parent, which may be gone.
  on.exit(tools::pskill(Sys.getpid(), tools::SIGKILL))
  # Made under another name: what has the right one can be connected to.
  unready <- paste0(socket, "~")
  httpuv::startPipeServer(unready, 0L, application, quiet = TRUE)
  file.rename(unready, socket)
  while (file.exists(socket)) {
    httpuv::service(1000)
  }
}

nginx_config <- function(settings, run, sockets) {
  values <- list(
    # Started by root, nginx would have its workers be somebody else, who may not read the folder of the sockets.
    user = if (Sys.info()[["effective_user"]] == "root") "user root;" else "",
    run = run,
    port = settings$port,
    max_payload_mb = settings$max_payload_mb,
    workers = paste0("\t\tserver unix:", sockets, " max_fails=0;", collapse = "\n")
  )
  text <- readLines(file.path(runtime_folder, "serving", "nginx.conf"))
  for (name in names(values)) {
    text <- gsub(paste0("@", name, "@"), values[[name]], text, fixed = TRUE)
  }
  text
}

# The shell leaves nginx's process id in a file.
nginx_has_ended <- function(run) {
  file <- file.path(run, "nginx")
  pid <- if (file.exists(file)) scan(file, 0L, quiet = TRUE)
  length(pid) == 1 && !tools::pskill(pid, 0L)
}
