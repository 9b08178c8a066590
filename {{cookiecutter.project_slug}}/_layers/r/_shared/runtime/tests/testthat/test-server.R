# The server as a whole, shell, nginx and R workers, on a port of its own.

# Send a request on a connection of its own; returns the status line and headers, an empty line, and the body.
exchange <- function(port, method, path, body = "") {
  connection <- socketConnection("127.0.0.1", port, open = "r+b", blocking = TRUE, timeout = 20)
  on.exit(close(connection))
  head <- c(
    paste(method, path, "HTTP/1.1"),
    "Host: test",
    "Connection: close",
    "Content-Type: text/csv",
    "Accept: application/json",
    "X-Amzn-SageMaker-Custom-Attributes: trace=1",
    paste("Content-Length:", nchar(body))
  )
  writeBin(charToRaw(paste0(paste0(head, "\r\n", collapse = ""), "\r\n", body)), connection)
  answer <- raw()
  repeat {
    part <- readBin(connection, "raw", 65536)
    if (length(part) == 0) {
      return(rawToChar(answer))
    }
    answer <- c(answer, part)
  }
}

refused <- function(port) {
  inherits(try(suppressWarnings(exchange(port, "GET", "/ping")), silent = TRUE), "try-error")
}

# Start a server for an algorithm with these variables, do `then` with its port, and stop it; returns what it printed,
# the last line being its exit code.
with_server <- function(code, variables, then) {
  folder <- new_project(code)
  dir.create(file.path(folder, "model"))
  saveRDS(2, file.path(folder, "model", "model.rds"))
  port <- 20000L + Sys.getpid() %% 20000L
  variables <- paste0(variables, " SAGEMAKER_BASE_DIR='", folder, "' SAGEMAKER_BIND_TO_PORT=", port)
  log <- file.path(folder, "log")
  shell <- "{ cd '%s'; %s sh runtime/serve & echo $! >pid; wait $!; echo $?; } >'%s' 2>&1"
  system(sprintf(shell, folder, variables, log), wait = FALSE)
  give_up <- Sys.time() + 30
  while (refused(port) && Sys.time() < give_up) {
    Sys.sleep(0.05)
  }
  pid <- as.integer(readLines(file.path(folder, "pid")))
  then(port)
  tools::pskill(pid)
  while (!any(grepl("^[0-9]+$", readLines(log))) && Sys.time() < give_up) {
    Sys.sleep(0.05)
  }
  readLines(log)
}

has_nginx <- Sys.which("nginx") != "" || file.exists("/usr/sbin/nginx")

test_that("requests are answered, too large ones refused, and dead workers replaced", {
  skip_if_not(has_nginx, "nginx is not installed")
  code <- "predict <- function(model, x) if (x[[1]] < 0) tools::pskill(Sys.getpid(), 9L) else model * x"
  log <- with_server(code, "SAGEMAKER_MAX_PAYLOAD_IN_MB=1 SAGEMAKER_MODEL_SERVER_WORKERS=1", function(port) {
    expect_match(exchange(port, "HEAD", "/ping"), "^HTTP/1.1 200 OK")
    answer <- exchange(port, "POST", "/invocations", "21\n")
    expect_match(answer, "^HTTP/1.1 200 OK.*\r\n\r\n\\{\"predictions\": \\[\\[42\\]\\]\\}\n$")
    expect_match(answer, "\r\nX-Amzn-SageMaker-Custom-Attributes: trace=1\r\n", fixed = TRUE)
    too_large <- exchange(port, "POST", "/invocations", strrep("1", 2^20 + 1))
    expect_match(too_large, "^HTTP/1.1 413 .*\"error\": \"the body is larger than 1 MB")
    fatal <- exchange(port, "POST", "/invocations", "-1\n")
    expect_match(fatal, "^HTTP/1.1 500 .*application/json.*\"request_id\": \"[0-9a-f]+\"")
    Sys.sleep(0.5)
    expect_match(exchange(port, "POST", "/invocations", "21\n"), "^HTTP/1.1 200 OK")
  })
  expect_identical(log[[length(log)]], "0")
  expect_true("a worker died; another takes its place" %in% log)
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
