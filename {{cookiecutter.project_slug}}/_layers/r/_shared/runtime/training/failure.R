# The failure file: why a training job failed (contract T32, T33).

failure_limit <- 1024 # characters of the file that SageMaker shows as FailureReason (T32)

# Return in at most 1024 characters why the job failed.
#
# Class and message come first. An error that is made for the user needs no more; for any other error the end of the
# traceback follows, where the cause is.
failure_reason <- function(error) {
  headline <- readable(paste0(class(error)[[1]], ": ", conditionMessage(error)))
  if (inherits(error, c("UserError", "InputError"))) {
    return(substr(headline, 1, failure_limit))
  }
  headline <- substr(headline, 1, failure_limit / 2)
  if (!is.null(error$note)) {
    headline <- paste0(headline, " (", error$note, ")")
  }
  trace <- paste0(error$trace, "") # an exhausted stack leaves none
  room <- failure_limit - nchar(headline) - 2
  paste0(headline, "\n\n", substr(trace, nchar(trace) - room + 1, nchar(trace)))
}

# Write the failure file; if that is impossible (a full disk), say so on standard error.
write_failure <- function(path, error) {
  tryCatch(
    {
      dir.create(dirname(path), showWarnings = FALSE, recursive = TRUE)
      suppressWarnings(writeLines(enc2utf8(failure_reason(error)), path, useBytes = TRUE))
    },
    error = function(problem) message("could not write ", path, ": ", conditionMessage(problem))
  )
}
