# What grammar.md says, by the vectors that Python's runtime is tested with too: vectors.json.
#
# A vector is a request and what is right: its `status`, the rows that are decoded (`values`), the media type of the
# answer (`answered`), or a word of the error (`says`). "…" in its texts stands for a piece that is repeated (`repeat`).

vectors <- jsonlite::parse_json(
  paste(readLines(file.path(runtime_folder, "tests", "vectors.json"), encoding = "UTF-8"), collapse = "\n")
)

# A text of a vector with the piece that it repeats; any other value as it is.
full <- function(vector, value) {
  if (is.null(vector$`repeat`) || !is.character(value)) {
    return(value)
  }
  piece <- strrep(vector$`repeat`[[1]], vector$`repeat`[[2]])
  gsub("\u2026", piece, enc2utf8(value), fixed = TRUE)
}

# The bytes to send.
body_of <- function(vector) {
  if (is.null(vector$base64)) charToRaw(enc2utf8(full(vector, vector$body))) else jsonlite::base64_dec(vector$base64)
}

# What the runtime answers to a vector. The algorithm is an echo: its predictions are the rows that it is given.
answer_of <- function(vector) {
  algorithm <- list(predict = function(model, rows) rows, features = vector$features)
  algorithm$input_shape <- unlist(lapply(vector$shape, function(length) if (is.null(length)) NA else length))
  handlers <- runtime$resolve_handlers(algorithm, isTRUE(vector$batch))
  headers <- as.list(vector$headers)
  names(headers) <- tolower(names(headers))
  accept <- if (is.null(vector$accept)) "application/json" else vector$accept
  request <- list(content_type = vector$type, accept = accept, headers = headers, body = body_of(vector))
  suppressMessages(runtime$answer(request, 1, handlers))
}

text_of_answer <- function(response) {
  text <- rawToChar(response$body)
  Encoding(text) <- "UTF-8"
  text
}

# Whether two values are the same, numbers but for the last digit.
alike <- function(found, wanted) {
  if (is.numeric(found) && is.numeric(wanted)) {
    return(abs(found - wanted) <= 1e-15 * abs(wanted))
  }
  identical(found, wanted)
}

# Whether the rows of an echo's answer, lists or objects, have these values.
has_values <- function(response, values, vector) {
  rows <- jsonlite::parse_json(text_of_answer(response))$predictions
  wanted <- lapply(values, lapply, function(value) full(vector, value))
  same_row <- function(row, values) length(row) == length(values) && all(mapply(alike, row, values))
  length(rows) == length(wanted) && all(mapply(same_row, rows, wanted))
}

for (vector in vectors) {
  test_that(vector$about, {
    response <- answer_of(vector)
    expect_identical(response$status, vector$status)
    expect_identical(
      response$headers[["Content-Type"]],
      if (is.null(vector$answered)) "application/json" else vector$answered
    )
    if (isTRUE(vector$batch) && response$status == 200L) {
      expect_no_match(text_of_answer(response), "\n$")
    }
    if (!is.null(vector$says)) {
      expect_match(jsonlite::parse_json(text_of_answer(response))$error, vector$says, fixed = TRUE)
    }
    if (!is.null(vector$values) && response$status == 200L) {
      expect_true(has_values(response, vector$values, vector), label = text_of_answer(response))
    }
  })
}
