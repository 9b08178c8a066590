# The answer to a request, a function of the request alone and not of the transport (contract I12, B2).
#
# A request is a list: `content_type` and `accept`, NULL where the header is missing; all `headers`, a list by name in
# lower case; the `body`, raw bytes.
# A response is a list: `status`; `headers`, a list by name; the `body`, raw bytes. (An output_fn that gave its answer
# in parts would make it a list of these, one for each chunk.)

# Answer POST /invocations.
#
# Statuses: 200; 400 for a body that cannot be read or that the algorithm refuses with an input_error; 406, 415; that of
# an http_error which the algorithm raises; 500 with a request id for any other error, whose traceback goes to the log
# and never to the client; 504 for a prediction that takes longer than `timeout` seconds, unless it is in compiled code,
# where R cannot interrupt it.
answer <- function(request, model, handlers, timeout = Inf) {
  started <- proc.time()[["elapsed"]]
  error <- caught({
    setTimeLimit(elapsed = timeout)
    response <- predictions_response(request, model, handlers)
  })
  setTimeLimit()
  if (!is.null(error) && proc.time()[["elapsed"]] - started >= timeout) {
    error <- overdue_error(timeout, error$trace)
  }
  if (!is.null(error)) {
    response <- error_response(request, error)
  }
  response$headers[["X-Amzn-SageMaker-Custom-Attributes"]] <- request$headers[["x-amzn-sagemaker-custom-attributes"]]
  response
}

# Answer GET /execution-parameters.
answer_execution_parameters <- function(settings) {
  new_response(200L, json_text(execution_parameters(settings)), json_type)
}

predictions_response <- function(request, model, handlers) {
  require_identity(request$headers[["content-encoding"]])
  type <- request_type(request$content_type, handlers$content_types)
  accept <- response_type(request$accept, type$media_type, handlers$response_types)
  if (length(request$body) == 0) {
    stop(input_error("the body is empty: expected at least one row"))
  }
  features <- tryCatch(
    handlers$input_fn(request$body, type$media_type, type$charset),
    stackOverflowError = function(error) stop(input_error("the body is nested too deeply"))
  )
  predictions <- handlers$predict_fn(features, model)
  written <- handlers$output_fn(predictions, accept)
  if (!is.list(written)) {
    written <- list(body = written, content_type = accept)
  }
  new_response(200L, written$body, written$content_type)
}

overdue_error <- function(timeout, trace) {
  limit <- "the prediction took longer than %s s, the limit (SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS)"
  error <- http_error(504L, limit, timeout)
  error$trace <- trace
  error
}

# Make the response that says what is wrong with the request, or only that the algorithm failed.
error_response <- function(request, error) {
  id <- request_id(request)
  if (inherits(error, c("InputError", "HTTPError"))) {
    status <- if (inherits(error, "InputError")) 400L else error$status
    where <- if (status == 504L) paste0("; it was here:\n", error$trace)
    message("request ", id, ": POST /invocations ", status, ": ", conditionMessage(error), where)
    return(new_response(status, error_body(error = conditionMessage(error)), json_type))
  }
  message("request ", id, ": POST /invocations 500:\n", error$trace, class(error)[[1]], ": ", conditionMessage(error))
  text <- paste("the algorithm failed; the container's log has the reason under request id", id)
  new_response(500L, error_body(error = text, request_id = id), json_type)
}

# Return a response whose `body` is raw bytes or text.
new_response <- function(status, body, content_type) {
  body <- if (is.character(body)) charToRaw(enc2utf8(body)) else body
  list(status = status, headers = list("Content-Type" = content_type), body = body)
}

error_body <- function(...) {
  paste0(json_text(list(...)), "\n")
}

# Return the id of a request in the log: its inference id, or the one that nginx gave it. Without nginx it is not
# random, so that the algorithm's random numbers do not change.
request_id <- function(request) {
  id <- request$headers[["x-amzn-sagemaker-inference-id"]]
  if (is.null(id)) sprintf("%d-%.0f", Sys.getpid(), as.numeric(Sys.time()) * 1e6) else id
}

# Raise 415 for a body that is compressed.
require_identity <- function(encoding) {
  if (!is.null(encoding) && !tolower(trimws(encoding)) %in% c("", "identity")) {
    stop(http_error(415L, "Content-Encoding '%s' is not understood: send the body as it is", encoding))
  }
}

# Return the `media_type` of the request, JSON where the header is missing; and the `charset` of a text, UTF-8 by
# default.
#
# Raises 415 for a type that is not `taken`; with NULL all are.
request_type <- function(header, taken) {
  header <- if (is.null(header) || header == "") json_type else header
  media_type <- tolower(trimws(sub(";.*", "", header)))
  charset <- regmatches(header, regexec("; *charset *= *\"?([^\";, ]+)", header, ignore.case = TRUE))[[1]]
  if (!is.null(taken) && !media_type %in% taken) {
    stop(http_error(415L, "Content-Type '%s' is not supported: send one of %s", header, listed_types(taken)))
  }
  list(media_type = media_type, charset = if (length(charset) == 2) charset[[2]] else "utf-8")
}

# Return the media type to answer in: the best that Accept names, and the request's own where it leaves that open.
#
# The highest q wins, then the most specific range, then the request's own type, then the order of the header.
# Parameters other than q are ignored. Raises 406 where none of the types that are `given` will do; with NULL the
# algorithm's own output_fn judges.
response_type <- function(header, content_type, given) {
  types <- if (is.null(given)) names(media_types) else given
  first <- intersect(c(usual_type(content_type), content_type, json_type, types[[1]]), types)[[1]]
  if (is.null(header) || header == "") {
    return(usual_type(if (is.null(given)) content_type else first))
  }
  ranges <- accepted_ranges(header)
  offered <- unique(c(first, types))
  rank <- vapply(offered, accepted_rank, c(quality = 0, specificity = 0, place = 0), ranges = ranges)
  place <- replace(rank["place", ], 1, 0) # the request's own type comes before all others
  best <- order(-rank["quality", ], -rank["specificity", ], place)[[1]]
  if (rank["quality", best] > 0) {
    return(usual_type(offered[[best]]))
  }
  if (is.null(given)) {
    return(ranges$type[[1]])
  }
  stop(http_error(406L, "Accept '%s' cannot be met: ask for one of %s, or */*", header, listed_types(given)))
}

# Return the media ranges of an Accept header, with their quality from 0 to 1.
accepted_ranges <- function(header) {
  parts <- trimws(strsplit(header, ",", fixed = TRUE)[[1]])
  parts <- parts[parts != ""]
  quality <- rep(1, length(parts))
  pattern <- ".*; *q *= *([^; ]*).*"
  given <- grep(pattern, parts, ignore.case = TRUE)
  value <- sub(pattern, "\\1", parts[given], ignore.case = TRUE)
  quality[given] <- ifelse(grepl("^([01]([.][0-9]*)?|[.][0-9]+)$", value), suppressWarnings(as.numeric(value)), 0)
  list(type = tolower(trimws(sub(";.*", "", parts))), quality = quality)
}

# Return how a media type is accepted: the quality, from 0, the specificity and the place of the range that says most of
# it.
accepted_rank <- function(media_type, ranges) {
  found <- match(c(media_type, sub("/.*", "/*", media_type), "*/*"), ranges$type)
  if (all(is.na(found))) {
    return(c(quality = 0, specificity = 0, place = 0))
  }
  specificity <- which(!is.na(found))[[1]]
  place <- found[[specificity]]
  c(quality = ranges$quality[[place]], specificity = -specificity, place = place)
}
