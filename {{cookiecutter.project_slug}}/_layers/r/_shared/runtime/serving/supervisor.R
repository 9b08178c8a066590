# R's first process: it holds the model, forks the workers and replaces them. (The container's first process is a shell,
# see `serve`, which starts nginx.)

# A worker that dies so often within so many seconds will go on dying: the container ends instead.
most_deaths <- 3
death_seconds <- 10
# A worker has so many seconds more than the time limit to stop by itself. It cannot while it is in compiled code.
grace <- 2
# /ping says that something is wrong when no worker has been able to answer for so many seconds.
patience <- 10

# Keep the workers alive, for ever; an error when that fails.
#
# They are forked from this process, which holds the model: its memory is shared, and a worker that dies is replaced at
# once. When they listen the shell is told to start nginx; should nginx end, so does this.
supervise <- function(server, settings, run) {
  listener <- listen()
  writeLines(nginx_config(settings, run, listener$port), file.path(run, "nginx.conf"))
  # What is shared should be left alone: objects that outlive collections are looked at more and more rarely.
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
    # The warning is that they had nothing more to say.
    ended <- suppressWarnings(parallel::mccollect(workers, wait = FALSE, timeout = 1))
    for (slot in names(ended)) {
      if (busy_seconds(slot) < settings$timeout) {
        deaths[[slot]] <- c(deaths[[slot]], now())
      }
      if (sum(deaths[[slot]] > now() - death_seconds) >= most_deaths) {
        stop(user_error("a worker died %s times within %s seconds", most_deaths, death_seconds))
      }
      message(doing(slot), "worker ", workers[[slot]]$pid, " died; another takes its place")
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
      stop(user_error("nginx has ended; its own words stand above"))
    }
  }
}

# Kill a process, and then what it has started and waits for: that has inherited its connection, which would stay open.
kill_tree <- function(pid) {
  for (one in c(pid, descendants(pid))) {
    tools::pskill(one, tools::SIGKILL)
  }
}

# The processes that a process has started, and those that these have. (Known on Linux only.)
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
# R can listen on a port only, and only on all interfaces. It is above those that systems give to programs that do not
# ask for one.
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

# What to begin a line about a worker with: the id of the request that it has, from its file; NULL while it is idle.
doing <- function(slot) {
  id <- if (file.exists(slot)) trimws(readChar(slot, id_bytes, useBytes = TRUE))
  if (length(id) == 1 && id != "") paste0("request ", id, ": ")
}

# For how long a worker has had its request; 0 while it is idle. It writes to its file when a request comes and when it is
# answered.
busy_seconds <- function(slot) {
  if (is.null(doing(slot))) 0 else now() - as.numeric(file.mtime(slot))
}

# Say by a file whether a worker can answer: see /ping in nginx.conf.
tell_ping <- function(run, well) {
  unwell <- file.path(run, "unwell")
  if (well) unlink(unwell) else file.create(unwell)
}

nginx_config <- function(settings, run, workers_port) {
  values <- list(
    # Started by root, nginx would have its workers be somebody else, who may not read the folder of its files.
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

# The shell leaves nginx's process id in a file.
nginx_has_ended <- function(run) {
  file <- file.path(run, "nginx")
  pid <- if (file.exists(file)) scan(file, 0L, quiet = TRUE)
  length(pid) == 1 && !tools::pskill(pid, 0L)
}
