# Errors whose message is a sentence for the user: stop(user_error("…")), stop(input_error("…")).

# Make an error that the user has to correct: a bad hyperparameter, a missing channel, unusable data.
#
# The message, made by sprintf() from `format` and what follows, says what is wrong, where, and what to do. It becomes
# the job's FailureReason, without a traceback.
user_error <- function(format, ...) {
  errorCondition(message_text(format, ...), class = "UserError")
}

# Make an error for data that cannot be read: the message names the line or row, the value and what was expected.
#
# It is answered with status 400 in serving, and fails the job in training.
input_error <- function(format, ...) {
  errorCondition(message_text(format, ...), class = "InputError")
}

# Make an error that is answered with this status.
http_error <- function(status, format, ...) {
  errorCondition(message_text(format, ...), class = "HTTPError", status = status)
}

message_text <- function(format, ...) {
  readable(if (...length() == 0) format else sprintf(format, ...))
}

# Return a text as UTF-8, with <ff> for a byte that is not, as the name of a file may hold: R's functions for text
# refuse it.
readable <- function(text) {
  iconv(text, "UTF-8", "UTF-8", sub = "byte")
}

# Evaluate an expression for its effect. Returns NULL, or the error that ended it, with the calls that led to it as text
# in its field `trace`.
caught <- function(expression) {
  depth <- sys.nframe()
  tryCatch(
    {
      withCallingHandlers(expression, error = function(error) {
        error$trace <- trace_text(sys.calls(), depth)
        stop(error)
      })
      NULL
    },
    error = identity
  )
}

# Return the calls below `depth` frames, one on each line, with file and line where they are known.
trace_text <- function(calls, depth) {
  # tryCatch and withCallingHandlers stand at the top, the calls that handle the error at the bottom.
  calls <- calls[seq_along(calls) > depth + 5 & seq_along(calls) < length(calls) - 1]
  lines <- vapply(calls, call_text, "")
  lines <- lines[!grepl("handleSimpleError", lines, fixed = TRUE)]
  paste0("Traceback (most recent call last):\n", paste0("  ", lines, "\n", collapse = ""))
}

call_text <- function(call) {
  source <- attr(call, "srcref")
  where <- if (is.null(source)) {
    ""
  } else {
    paste0(basename(attr(source, "srcfile")$filename), ", line ", source[[1]], ": ")
  }
  paste0(where, substr(deparse(call, nlines = 1)[[1]], 1, 120))
}

# Return a value as it stands in messages, cut where it is long.
shown <- function(value) {
  text <- if (is.character(value)) sQuote(value, FALSE) else paste(deparse(value, nlines = 1), collapse = "")
  if (nchar(text, "bytes") <= 60) text else paste0(substr(text, 1, 57), "...")
}
