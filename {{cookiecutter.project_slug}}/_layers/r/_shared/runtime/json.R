# Parse JSON as jsonlite::parse_json does. Raises an error for other texts.
#
# Older versions of jsonlite (as in Debian 12) use the text around an error as a format of printf, so that a % in it can
# crash the process. Such a text is validated first by a function without this bug.
parse_json <- function(text, ...) {
  if (grepl("%", text, fixed = TRUE, useBytes = TRUE)) {
    valid <- jsonlite::validate(text)
    if (!valid) {
      stop(attr(valid, "err"))
    }
  }
  jsonlite::parse_json(text, ...)
}
