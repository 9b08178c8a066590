# R's first process: it holds the model, forks the workers and replaces them. (The container's first process is a shell,
# see `serve`, which starts nginx.)

# The server exits when a worker dies this often within so many seconds: it would go on dying.
most_deaths <- 3
death_seconds <- 10
# Seconds beyond the time limit in which a worker may stop by itself. It cannot while it is in compiled code.
grace <- 2
# /ping returns 503 when no worker has been able to answer for so many seconds.
patience <- 10

# Keep the workers alive, until that fails with an error.
#
# Workers are forked from this process, which holds the model: its memory is shared, and a worker that dies is replaced
# at once. When they listen, the shell is told to start nginx; if nginx exits, this process does, too.
supervise <- function(server, settings, run) {
  listener <- listen()
  writeLines(nginx_config(settings, run, listener$port), file.path(run, "nginx.conf"))
  # Shared memory should not be touched: objects that survive collections are visited more and more rarely.
  for (generation in 1:3) {
    gc()
  }
  slots <- file.path(run, paste0("worker-", seq_len(settings$workers)))
  start <- function(slot) {
    unlink(slot)
    parallel::mcparallel(work(server, listener$socket, slot), name = slot, mc.set.seed = FALSE)
  }
  workers <- sapply(slots, start, simplify = FALSE)
  deaths <- sapply(slots, function(slot) numeric(), simplify = FALSE)
  cat("listening on port ", settings$port, " with ", settings$workers, " workers\n", sep = "")
  tools::pskill(Sys.getenv("SHELL_PID"), tools::SIGUSR1)
  well_at <- now()
  repeat {
    # The warning is that the workers returned no result.
    ended <- suppressWarnings(parallel::mccollect(workers, wait = FALSE, timeout = 1))
    for (slot in names(ended)) {
      if (busy_seconds(slot) < settings$timeout) {
        deaths[[slot]] <- c(deaths[[slot]], now())
      }
      if (sum(deaths[[slot]] > now() - death_seconds) >= most_deaths) {
        stop(user_error("a worker died %s times within %s seconds", most_deaths, death_seconds))
      }
      message(doing(slot), "worker ", workers[[slot]]$pid, " died; a new worker replaces it")
      workers[[slot]] <- start(slot)
    }
    overdue <- vapply(slots, busy_seconds, 0) > settings$timeout + grace
    for (slot in slots[overdue]) {
      message(doing(slot), "the prediction takes longer than ", settings$timeout, " s, and does not stop by itself")
      kill_tree(workers[[slot]]$pid)
    }
    if (any(file.exists(slots) & !overdue)) {
      well_at <- now()
    }
    tell_ping(run, now() - well_at <= patience)
    if (nginx_has_ended(run)) {
      stop(user_error("nginx has exited; its error is above"))
    }
  }
}

# Kill a process, and then its descendants: they have inherited its connection, which would stay open.
kill_tree <- function(pid) {
  for (one in c(pid, descendants(pid))) {
    tools::pskill(one, tools::SIGKILL)
  }
}

# Return the descendants of a process (on Linux only).
descendants <- function(pid) {
  found <- integer()
  for (file in Sys.glob("/proc/[0-9]*/stat")) {
    stat <- tryCatch(suppressWarnings(readLines(file)), error = function(error) "")
    fields <- strsplit(sub(".*\\) ", "", stat), " ")[[1]] # after the name: state, parent, …
    if (identical(fields[2], as.character(pid))) {
      child <- as.integer(basename(dirname(file)))
      found <- c(found, child, descendants(child))
    }
  }
  found
}

# Listen for nginx: returns the `socket` that all workers share, and its `port`.
#
# R can only listen on a port, and only on all interfaces. The port is above those that systems give to programs that
# do not ask for one.
listen <- function() {
  for (port in 61000L + (Sys.getpid() + 0:999) %% 4000L) {
    socket <- tryCatch(suppressWarnings(serverSocket(port)), error = function(error) NULL)
    if (!is.null(socket)) {
      return(list(socket = socket, port = port))
    }
  }
  stop(user_error("no port from 61000 to 65000 is free for the workers"))
}

now <- function() as.numeric(Sys.time())

# Return what to begin a line about a worker with: the id of the request that it has, from its file; NULL while it is
# idle.
doing <- function(slot) {
  id <- if (file.exists(slot)) trimws(readChar(slot, id_bytes, useBytes = TRUE))
  if (length(id) == 1 && id != "") paste0("request ", id, ": ")
}

# Return for how many seconds a worker has had its request; 0 while it is idle. It writes to its file when it gets a
# request and when it has answered.
busy_seconds <- function(slot) {
  if (is.null(doing(slot))) 0 else now() - as.numeric(file.mtime(slot))
}

# Tell nginx by a file whether a worker can answer: see /ping in nginx.conf.
tell_ping <- function(run, well) {
  unwell <- file.path(run, "unwell")
  if (well) unlink(unwell) else file.create(unwell)
}

nginx_config <- function(settings, run, workers_port) {
  values <- list(
    # Started by root, nginx would run its workers as another user, who may not read the folder of its files.
    user = if (Sys.info()[["effective_user"]] == "root") "user root;" else "",
    run = run,
    workers = paste0("127.0.0.1:", workers_port),
    port = settings$port,
    max_payload_mb = settings$max_payload_mb,
    timeout = settings$timeout,
    queue = settings$queue,
    capacity = settings$workers + settings$queue
  )
  text <- readLines(file.path(runtime_folder, "serving", "nginx.conf"))
  for (name in names(values)) {
    text <- gsub(paste0("@", name, "@"), values[[name]], text, fixed = TRUE)
  }
  text
}

# Return whether nginx has ended. The shell writes its process id to a file.
nginx_has_ended <- function(run) {
  file <- file.path(run, "nginx")
  pid <- if (file.exists(file)) scan(file, 0L, quiet = TRUE)
  length(pid) == 1 && !tools::pskill(pid, 0L)
}
