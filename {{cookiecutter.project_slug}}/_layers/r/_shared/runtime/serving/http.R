# The requests that nginx passes to a worker, and the responses: HTTP, with a connection for each request.
#
# nginx reads and checks the whole request before it makes the connection, and writes it in one form. So this file need
# not deal with the other forms of HTTP, or with malformed requests.

reasons <- c(
  "200" = "OK",
  "400" = "Bad Request",
  "404" = "Not Found",
  "405" = "Method Not Allowed",
  "406" = "Not Acceptable",
  "415" = "Unsupported Media Type",
  "500" = "Internal Server Error",
  "504" = "Gateway Timeout"
)

# Read a request, as `answer` takes it, with its `method` and `target`; NULL if the client has gone meanwhile.
read_request <- function(connection) {
  lines <- character()
  repeat {
    line <- readLines(connection, 1L, warn = FALSE)
    if (length(line) == 0) {
      return(NULL)
    }
    if (line == "") {
      break
    }
    lines <- c(lines, line)
  }
  lines <- iconv(lines, "latin1", "UTF-8")
  first <- strsplit(lines[[1]], " ", fixed = TRUE)[[1]]
  colons <- regexpr(": ", lines[-1], fixed = TRUE)
  headers <- as.list(substring(lines[-1], colons + 2))
  names(headers) <- tolower(substr(lines[-1], 1, colons - 1))
  length <- if (is.null(headers[["content-length"]])) 0 else as.numeric(headers[["content-length"]])
  body <- readBin(connection, "raw", length)
  if (length(body) < length || gone(connection)) {
    return(NULL)
  }
  list(
    method = first[[1]],
    target = first[[2]],
    content_type = headers[["content-type"]],
    accept = headers[["accept"]],
    headers = headers,
    body = body
  )
}

# Return whether the client has gone: nginx closes the connection then, and only its end can be read.
gone <- function(connection) {
  socketSelect(list(connection), write = FALSE, timeout = 0)
}

write_response <- function(connection, response) {
  headers <- c(response$headers, list("Content-Length" = length(response$body)))
  reason <- reasons[as.character(response$status)]
  lines <- c(
    paste("HTTP/1.1", response$status, if (is.na(reason)) "" else reason),
    paste0(names(headers), ": ", headers)
  )
  head <- iconv(paste0(paste0(lines, "\r\n", collapse = ""), "\r\n"), "UTF-8", "latin1", sub = "?")
  writeBin(c(charToRaw(head), response$body), connection)
}
