# Parse JSON as jsonlite::parse_json does. Raises an error for what is none.
#
# Older jsonlite (Debian 12 has one) takes the text around a fault for a format of printf, so that a % in it can end the
# process. Such a text is looked at first by a function that has not that fault.
parse_json <- function(text, ...) {
  if (grepl("%", text, fixed = TRUE, useBytes = TRUE)) {
    valid <- jsonlite::validate(text)
    if (!valid) {
      stop(attr(valid, "err"))
    }
  }
  jsonlite::parse_json(text, ...)
}
