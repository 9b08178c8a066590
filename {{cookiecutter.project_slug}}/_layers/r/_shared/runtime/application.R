# The HTTP side of serving: /invocations and /execution-parameters (contract I12, B2). nginx answers /ping and refuses
# bodies that are too large (see nginx.conf), so that both work while all workers are busy.

# Make the plumber router that answers for `model`, which is loaded already.
#
# Statuses: 200; 400 for a body that cannot be read or that the algorithm refuses with an input_error; 406, 415; 500
# with a request id for any other error, whose traceback goes to the log and never to the client.
new_application <- function(model, handlers, settings) {
  router <- plumber::pr(filters = list())
  router <- plumber::pr_get(router, "/execution-parameters", function(req, res) {
    respond(res, charToRaw(json_text(execution_parameters(settings))), json_type)
  })
  plumber::pr_post(router, "/invocations", function(req, res) {
    attributes <- req$HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES
    if (!is.null(attributes)) {
      res$setHeader("X-Amzn-SageMaker-Custom-Attributes", attributes)
    }
    error <- caught(invoke(req, res, model, handlers))
    if (!is.null(error)) {
      answer_error(req, res, error)
    }
    res
  })
}

# Answer one request.
invoke <- function(req, res, model, handlers) {
  content_type <- request_type(req$CONTENT_TYPE, handlers$own_input)
  accept <- response_type(req$HTTP_ACCEPT, content_type, handlers$own_output)
  body <- req$rook.input$read()
  if (length(body) == 0) {
    stop(input_error("the body is empty: expected at least one row"))
  }
  predictions <- handlers$predict_fn(handlers$input_fn(body, content_type), model)
  answer <- handlers$output_fn(predictions, accept)
  if (!is.list(answer)) {
    answer <- list(body = answer, content_type = accept)
  }
  respond(res, answer$body, answer$content_type)
}

# Say what was wrong with the request, or only that the algorithm failed.
answer_error <- function(req, res, error) {
  if (inherits(error, c("InputError", "HTTPError"))) {
    status <- if (inherits(error, "InputError")) 400L else error$status
    res$status <- status
    message(req$REQUEST_METHOD, " ", req$PATH_INFO, " ", status, ": ", conditionMessage(error))
    return(respond(res, error_body(error = conditionMessage(error)), json_type))
  }
  id <- req$HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID
  if (is.null(id)) {
    id <- new_id()
  }
  message("request ", id, " failed: ", class(error)[[1]], ": ", conditionMessage(error), "\n", error$trace)
  res$status <- 500L
  text <- paste("the algorithm failed; the container's log has the reason under request id", id)
  respond(res, error_body(error = text, request_id = id), json_type)
}

respond <- function(res, body, content_type) {
  res$setHeader("Content-Type", content_type)
  res$body <- if (is.character(body)) charToRaw(enc2utf8(body)) else body
  res
}

error_body <- function(...) {
  paste0(json_text(list(...)), "\n")
}

# A name for a request that has none. Not random: the algorithm's random numbers are its own.
new_id <- function() {
  sprintf("%d-%.0f", Sys.getpid(), as.numeric(Sys.time()) * 1e6)
}

# An error that is answered with this status.
http_error <- function(status, format, ...) {
  errorCondition(message_text(format, ...), class = "HTTPError", status = status)
}

# The media type of the request, with its charset if it names one; JSON where the header is missing.
#
# Raises 415. With `any_type` the algorithm's own input_fn judges.
request_type <- function(header, any_type) {
  header <- if (is.null(header) || header == "") json_type else header
  media_type <- tolower(trimws(sub(";.*", "", header)))
  charset <- regmatches(header, regexec("; *charset *= *\"?([^\";, ]+)", header, ignore.case = TRUE))[[1]]
  charset <- if (length(charset) == 2) paste0("; charset=", charset[[2]]) else ""
  if (any_type) {
    return(paste0(media_type, charset))
  }
  if (!media_type %in% names(media_types)) {
    stop(http_error(415L, "Content-Type '%s' is not supported: send one of %s", header, known_types()))
  }
  paste0(media_types[[media_type]], charset)
}

# The media type to answer in: the best that Accept names, and the request's own where it leaves that open.
#
# Raises 406. With `any_type` the algorithm's own output_fn judges.
response_type <- function(header, content_type, any_type) {
  own <- sub(";.*", "", content_type)
  if (is.null(header) || header == "") {
    return(own)
  }
  ranges <- accepted_ranges(header)
  first <- if (own %in% names(media_types)) own else json_type
  offered <- unique(c(first, names(media_types)))
  quality <- vapply(offered, accepted_quality, 0, ranges = ranges)
  best <- which.max(quality)
  if (quality[[best]] > 0) {
    return(media_types[[offered[[best]]]])
  }
  if (any_type) {
    return(ranges$type[[1]])
  }
  stop(http_error(406L, "Accept '%s' cannot be met: ask for one of %s, or */*", header, known_types()))
}

# The media ranges of an Accept header, with their quality from 0 to 1.
accepted_ranges <- function(header) {
  parts <- trimws(strsplit(header, ",", fixed = TRUE)[[1]])
  parts <- parts[parts != ""]
  quality <- rep(1, length(parts))
  given <- grep("; *q *=", parts)
  quality[given] <- suppressWarnings(as.numeric(sub(".*; *q *= *([0-9.]+).*", "\\1", parts[given])))
  quality[is.na(quality)] <- 0
  list(type = tolower(trimws(sub(";.*", "", parts))), quality = quality)
}

# The quality of a media type: that of the most specific range that it is in, else 0.
accepted_quality <- function(media_type, ranges) {
  for (range in c(media_type, sub("/.*", "/*", media_type), "*/*")) {
    if (range %in% ranges$type) {
      return(ranges$quality[[match(range, ranges$type)]])
    }
  }
  0
}

known_types <- function() {
  paste(sort(unique(media_types)), collapse = ", ")
}
