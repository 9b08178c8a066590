# A worker: a process that answers one request at a time.

# Bytes that the id of a request may have in a worker's file.
id_bytes <- 64L

# Answer the requests that come to `listener`, the socket that all workers share, as a forked process, until one takes
# longer than the limit, which may leave the process in an unknown state. A worker accepts a connection only when it is
# idle. While it has a request its file, `slot`, holds the request's id.
work <- function(server, listener, slot) {
  # Exit at once, in any case: a forked R that exits normally waits for its parent, which may be gone.
  on.exit(tools::pskill(Sys.getpid(), tools::SIGKILL))
  file <- file(slot, "wb")
  repeat {
    mark(file, "")
    connection <- next_connection(listener)
    if (!is.null(connection)) {
      # The client may go away, also in the middle of the answer.
      in_time <- tryCatch(serve_connection(server, connection, file), error = function(error) TRUE)
      close(connection)
      if (!in_time) {
        break
      }
    } else if (!file.exists(slot)) {
      break # the server has ended
    }
  }
}

# Return the next connection; NULL where there is none within a second, or another worker was quicker.
next_connection <- function(listener) {
  accept <- function() socketAccept(listener, blocking = TRUE, open = "r+b", timeout = 1L)
  connection <- tryCatch(accept(), warning = function(warning) NULL)
  if (!is.null(connection)) {
    socketTimeout(connection, 60L)
  }
  connection
}

# Answer the request on a connection; returns whether that took no longer than the limit.
serve_connection <- function(server, connection, file) {
  request <- read_request(connection)
  if (is.null(request)) {
    return(TRUE)
  }
  mark(file, request_id(request))
  response <- server(request)
  write_response(connection, response)
  response$status != 504L
}

# Write an id to a worker's file, blank while the worker is idle.
mark <- function(file, id) {
  seek(file, 0, rw = "write")
  writeBin(charToRaw(sprintf("%-*s", id_bytes, substr(id, 1, id_bytes))), file)
  flush(file)
}
