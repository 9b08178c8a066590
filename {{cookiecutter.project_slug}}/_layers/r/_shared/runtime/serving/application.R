# Requests are answered by plumber, predictions by `answer` alone, since plumber takes longer than a small model does.
# nginx answers /ping and refuses bodies that are too large (see nginx.conf).

# Make the function that turns a request, as read_request has it, into a response for `model`, which is loaded already.
new_server <- function(model, handlers, settings) {
  router <- new_application(model, handlers, settings)
  function(request) {
    if (request$method == "POST" && request$target == "/invocations") {
      answer(request, model, handlers, settings$timeout)
    } else {
      through(router, request)
    }
  }
}

# Make the plumber router.
new_application <- function(model, handlers, settings) {
  router <- plumber::pr(filters = list())
  router <- plumber::pr_get(router, "/execution-parameters", function(req, res) {
    send(res, answer_execution_parameters(settings))
  })
  router <- plumber::pr_post(router, "/invocations", function(req, res) {
    send(res, answer(req$request, model, handlers, settings$timeout))
  })
  # plumber's own 405 leaves Allow empty.
  plumber::pr_handle(router, c("GET", "HEAD", "PUT", "DELETE", "PATCH"), "/invocations", function(req, res) {
    refused <- new_response(405L, error_body(error = "use POST"), json_type)
    refused$headers$Allow <- "POST"
    send(res, refused)
  })
}

send <- function(res, response) {
  res$status <- response$status
  for (name in names(response$headers)) {
    res$setHeader(name, response$headers[[name]])
  }
  res$body <- response$body
  res
}

# Let plumber answer. It takes a request as Rook has it, an environment; `request` is our own.
through <- function(router, request) {
  parts <- strsplit(request$target, "?", fixed = TRUE)[[1]]
  req <- list2env(list(
    REQUEST_METHOD = request$method,
    PATH_INFO = utils::URLdecode(parts[[1]]),
    QUERY_STRING = if (length(parts) > 1) paste0("?", parts[[2]]) else "",
    HEADERS = request$headers,
    rook.input = list(read = function() request$body, read_lines = function() character(), rewind = function() NULL),
    request = request
  ))
  response <- router$call(req)
  body <- response$body
  response$body <- if (is.character(body)) charToRaw(paste(body, collapse = "\n")) else body
  response
}
