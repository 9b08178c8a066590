# The server as a whole, shell, nginx and R workers, on a port of its own: one queue, clients that are slow, predictions
# that hang, workers that die.

# Send the head of a request, and `body`, which may be shorter than `length`; returns the connection.
ask <- function(port, method, path, body = "", length = nchar(body), id = "test") {
  connection <- socketConnection("127.0.0.1", port, open = "r+b", blocking = TRUE, timeout = 20)
  head <- c(
    paste(method, path, "HTTP/1.1"),
    "Host: test",
    "Connection: close",
    "Content-Type: text/csv",
    "Accept: application/json",
    "X-Amzn-SageMaker-Custom-Attributes: trace=1",
    paste("X-Amzn-SageMaker-Inference-Id:", id),
    paste("Content-Length:", length)
  )
  writeBin(charToRaw(paste0(paste0(head, "\r\n", collapse = ""), "\r\n", body)), connection)
  connection
}

# Read the answer: the status line and headers, an empty line, and the body.
answer_on <- function(connection) {
  on.exit(close(connection))
  answer <- raw()
  repeat {
    part <- readBin(connection, "raw", 65536)
    if (length(part) == 0) {
      return(rawToChar(answer))
    }
    answer <- c(answer, part)
  }
}

exchange <- function(...) answer_on(ask(...))

refused <- function(port) {
  inherits(try(suppressWarnings(exchange(port, "GET", "/ping")), silent = TRUE), "try-error")
}

# A port below those that Linux gives to clients, which hold theirs for a minute.
test_port <- 20000L + Sys.getpid() %% 12000L

# Start a server for an algorithm with these variables, do `then` with its port, and stop it; returns what it printed,
# the last line being its exit code.
with_server <- function(code, variables, then) {
  folder <- new_project(code)
  dir.create(file.path(folder, "model"))
  saveRDS(2, file.path(folder, "model", "model.rds"))
  variables <- paste0(variables, " SAGEMAKER_BASE_DIR='", folder, "' SAGEMAKER_BIND_TO_PORT=", test_port)
  log <- file.path(folder, "log")
  shell <- "{ cd '%s'; %s sh runtime/serve & echo $! >pid; wait $!; echo $?; } >'%s' 2>&1"
  system(sprintf(shell, folder, variables, log), wait = FALSE)
  give_up <- Sys.time() + 30
  while (refused(test_port) && Sys.time() < give_up) {
    Sys.sleep(0.05)
  }
  pid <- as.integer(readLines(file.path(folder, "pid")))
  then(test_port)
  tools::pskill(pid)
  while (!any(grepl("^[0-9]+$", readLines(log))) && Sys.time() < give_up) {
    Sys.sleep(0.05)
  }
  readLines(log)
}

has_nginx <- Sys.which("nginx") != "" || file.exists("/usr/sbin/nginx")

# What is predicted is how long it takes.
sleeping <- '
predict <- function(model, x) {
  what <- x[[1]]
  if (what == -1) system("exec sleep 600", ignore.stdout = TRUE) # hangs, and cannot be interrupted
  if (what == -2) tools::pskill(Sys.getpid(), 9L)
  for (tenth in seq_len(what * 10)) Sys.sleep(0.1)
  model * what
}
'

test_that("no request waits for another's worker, however long it takes, and those in flight are finished", {
  skip_if_not(has_nginx, "nginx is not installed")
  variables <- paste(
    "SAGEMAKER_MODEL_SERVER_WORKERS=2 SAGEMAKER_MODEL_SERVER_QUEUE=3 SAGEMAKER_MAX_PAYLOAD_IN_MB=1",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS=2"
  )
  log <- with_server(sleeping, variables, function(port) {
    expect_match(exchange(port, "HEAD", "/ping"), "^HTTP/1.1 200 OK.*\r\nContent-Length: 0\r\n")
    answer <- exchange(port, "POST", "/invocations", "0.1\n")
    expect_match(answer, "^HTTP/1.1 200 OK.*\r\n\r\n\\{\"predictions\": \\[0.2\\]\\}\n$")
    expect_match(answer, "\r\nX-Amzn-SageMaker-Custom-Attributes: trace=1\r\n", fixed = TRUE)
    expect_match(exchange(port, "GET", "/invocations"), "^HTTP/1.1 405 .*\r\nAllow: POST\r\n")

    # Slow clients hold nothing, and one slow request leaves the other worker to all others.
    held <- lapply(1:30, function(time) ask(port, "POST", "/invocations", "0\n", length = 100))
    started <- Sys.time()
    slow <- ask(port, "POST", "/invocations", "1.5")
    Sys.sleep(0.2)
    for (time in 1:6) {
      expect_match(exchange(port, "POST", "/invocations", "0"), "^HTTP/1.1 200")
    }
    expect_lt(as.numeric(Sys.time() - started, units = "secs"), 1.5)
    slow <- answer_on(slow)
    expect_match(slow, "^HTTP/1.1 200")
    lapply(held, close)

    # What is too large is refused before it comes.
    too_large <- exchange(port, "POST", "/invocations", "1", length = 2^20 + 1)
    expect_match(too_large, "^HTTP/1.1 413 .*\"error\": \"the body is larger than 1 MB")

    # A prediction that takes too long is ended, wherever it is.
    late <- ask(port, "POST", "/invocations", "9")
    stuck <- ask(port, "POST", "/invocations", "-1", id = "stuck")
    late <- answer_on(late)
    expect_match(late, "^HTTP/1.1 504.*took longer than 2 s, the limit")
    stuck <- answer_on(stuck)
    expect_match(stuck, "^HTTP/1.1 500.*SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS.*\"request_id\": \"stuck\"")

    # When a worker dies its request alone fails.
    other <- ask(port, "POST", "/invocations", "1")
    Sys.sleep(0.2)
    dead <- exchange(port, "POST", "/invocations", "-2", id = "dead")
    expect_match(dead, "^HTTP/1.1 500 .*application/json.*\"request_id\": \"dead\"")
    other <- answer_on(other)
    expect_match(other, "^HTTP/1.1 200")

    # Too many that wait are sent away at once.
    let_in <- lapply(1:5, function(time) ask(port, "POST", "/invocations", "0.8"))
    Sys.sleep(0.3)
    expect_match(
      exchange(port, "POST", "/invocations", "0"),
      "^HTTP/1.1 503.*\r\nRetry-After: 1\r\n.*3 requests are waiting"
    )
    for (connection in let_in) {
      answer <- answer_on(connection)
      expect_match(answer, "^HTTP/1.1 200")
    }
  })
  expect_identical(log[[length(log)]], "0")
  expect_match(log, "^request test: POST /invocations 504: the prediction took longer", all = FALSE)
  expect_match(log, "^request stuck: the prediction takes longer than 2 s", all = FALSE)
  expect_match(log, "^request dead: worker [0-9]+ died; a new worker replaces it", all = FALSE)
})

test_that("workers that only die end the server", {
  skip_if_not(has_nginx, "nginx is not installed")
  log <- with_server("predict <- function(model, features) tools::pskill(Sys.getpid(), 9L)", "", function(port) {
    for (time in 1:60) {
      if (refused(port)) {
        break
      }
      try(exchange(port, "POST", "/invocations", "1\n"), silent = TRUE)
      Sys.sleep(0.1)
    }
    expect_true(refused(port))
  })
  expect_identical(log[[length(log)]], "1")
  expect_match(log, "a worker died 3 times within 10 seconds", all = FALSE)
})

test_that("/ping hears of no worker that can answer", {
  run <- new_folder()
  runtime$tell_ping(run, FALSE)
  expect_identical(list.files(run), "unwell")
  runtime$tell_ping(run, TRUE)
  expect_identical(list.files(run), character())
})

test_that("a port that something else listens on is refused", {
  expect_null(runtime$expect_free_port(test_port))
  taken <- serverSocket(test_port)
  on.exit(close(taken))
  expect_error(runtime$expect_free_port(test_port), "port [0-9]+ cannot be used: something else listens there")
})
