# Content types: request bodies to matrices or data frames, predictions to response bodies (contract I12, B4).

csv_type <- "text/csv"
json_type <- "application/json"
json_lines_type <- "application/jsonlines"
npy_type <- "application/x-npy"

# Every media type that is understood, by the name it is answered with.
media_types <- c(
  "text/csv" = csv_type,
  "application/json" = json_type,
  "application/jsonlines" = json_lines_type,
  "application/x-jsonlines" = json_lines_type,
  "application/x-ndjson" = json_lines_type,
  "application/x-npy" = npy_type
)

# Read a request body, by the rules of grammar.md: a matrix of numbers; a data frame where the algorithm declares
# `features` (see tables.R); an array of dim c(rows, shape) where it declares the `shape` of a row.
#
# `media_type` is a value of media_types; with `batch` a blank line is an error, because each is a record. Raises
# InputError that says what is wrong with which line.
decode_body <- function(body, media_type, charset = "utf-8", features = NULL, shape = NULL, batch = FALSE) {
  if (media_type == npy_type) {
    return(decode_npy_body(body, features, shape))
  }
  text <- text_of(body, charset, "the body")
  if (media_type == csv_type) {
    is_header <- if (!is.null(features)) function(cells, quoted) names_features(cells, quoted, features)
    table <- csv_table(text, is_header, every_line = batch, partial = TRUE)
    if (!is.null(shape)) {
      return(array_of_matrix(table_matrix(table), shape))
    }
  } else {
    found <- if (media_type == json_type) json_document(text) else json_lines(text, batch)
    if (length(found$rows) == 0) {
      stop(input_error("no rows: expected at least one"))
    }
    if (!is.null(shape)) {
      return(array_of_rows(found$rows, found$numbers, found$unit, shape))
    }
    table <- rows_table(found$rows, found$numbers, found$unit)
  }
  if (is.null(features)) table_matrix(table) else table_frame(table, features)
}

decode_npy_body <- function(body, features, shape) {
  numbers <- decode_npy(body, if (is.null(shape)) NA else shape, !is.null(shape))
  if (!is.null(features)) {
    cells <- as.list(t(numbers))
    cells[is.nan(unlist(cells))] <- list(NULL)
    rows <- seq_len(nrow(numbers))
    return(table_frame(new_table(cells, rep(ncol(numbers), nrow(numbers)), rows, unit = "row"), features))
  }
  if (!all(is.finite(numbers))) {
    stop(input_error("row %d holds a value that is not finite", min(slice.index(numbers, 1)[!is.finite(numbers)])))
  }
  numbers
}

# Return whether the first line is a header: it has all names, or some of them and cannot be a row (rule 7).
names_features <- function(cells, quoted, features) {
  if (all(names(features) %in% cells)) {
    return(TRUE)
  }
  if (!any(names(features) %in% cells)) {
    return(FALSE)
  }
  missing <- !quoted & cells %in% missing_texts
  length(cells) != length(features) ||
    any(features == "number" & !missing & !grepl(number_form, cells, perl = TRUE))
}

utf8_mark <- as.raw(c(0xef, 0xbb, 0xbf))

# Return bytes as UTF-8 text without byte order mark. Raises InputError that begins with `what`.
text_of <- function(bytes, charset, what) {
  text <- NA
  if (tolower(charset) %in% c("utf-8", "utf8")) {
    if (length(bytes) >= 3 && identical(bytes[1:3], utf8_mark)) {
      bytes <- bytes[-(1:3)]
    }
    if (length(grepRaw(as.raw(0), bytes, fixed = TRUE)) > 0) {
      stop(input_error("%s holds the character U+0000", what))
    }
    text <- same_encoding(rawToChar(bytes))
    text <- if (validUTF8(text)) text else NA
  } else {
    text <- tryCatch(iconv(list(bytes), charset, "UTF-8"), error = function(error) NA)
    text <- sub("^\ufeff", "", text)
  }
  if (is.na(text)) {
    stop(input_error("%s is not text in %s", what, charset))
  }
  text
}

# Return the `rows` of a JSON document, their `numbers`, and the `unit` that these count.
json_document <- function(text) {
  document <- parsed_json(text, "the body")
  if (!is.null(names(document))) {
    under <- intersect(c("instances", "inputs"), names(document))
    if (length(under) == 0) {
      stop(input_error('the JSON object has no "instances": send {"instances": [[...], ...]}'))
    }
    document <- last_of(document, under[[1]])
  }
  rows <- if (is.list(document) && is.null(names(document))) document else list(document)
  list(rows = rows, numbers = seq_along(rows), unit = "instance")
}

# Return the same of JSON Lines.
json_lines <- function(text, batch) {
  lines <- strsplit(unix_text(text), "\n", fixed = TRUE)[[1]]
  blank <- !grepl("[^ \t]", lines)
  if (batch && any(blank)) {
    stop(input_error("line %d is blank: in batch transform each line is a record", which(blank)[[1]]))
  }
  numbers <- which(!blank)
  list(rows = parsed_lines(lines[numbers], numbers), numbers = numbers, unit = "line")
}

# Return each line as the value that it holds. All are parsed at once, which is 20 times as fast as one by one; that is
# done where they may not be one value each, to find the line that is wrong.
parsed_lines <- function(lines, numbers) {
  count <- function(characters) nchar(gsub(characters, "", lines))
  if (all(count("[^[{]+") == count("[^]}]+"))) {
    parse <- function() {
      parsed_json(paste0("[", paste(lines, collapse = ","), "]"), "the body")
    }
    rows <- tryCatch(parse(), InputError = function(error) NULL)
    if (length(rows) == length(lines)) {
      return(rows)
    }
  }
  Map(parsed_json, lines, paste("line", numbers), USE.NAMES = FALSE)
}

rows_table <- function(rows, numbers, unit) {
  if (!is.null(plain_numbers(rows))) {
    return(new_table(rows, rep(1L, length(rows)), numbers, unit = unit))
  }
  objects <- !vapply(rows, function(row) is.null(names(row)), TRUE)
  if (objects[[1]]) {
    if (!all(objects)) {
      stop(input_error("%s %s is not an object like the first", unit, numbers[[which(!objects)[[1]]]]))
    }
    return(new_table(NULL, integer(), numbers, unit = unit, objects = rows))
  }
  rows[objects] <- lapply(rows[objects], list)
  single <- !vapply(rows, is.list, TRUE)
  rows[single] <- lapply(rows[single], list)
  new_table(unlist(rows, recursive = FALSE, use.names = FALSE), lengths(rows), numbers, unit = unit)
}

# Return a value of JSON. Raises InputError for other texts.
parsed_json <- function(text, where) {
  fault <- json_fault(text)
  if (!is.null(fault)) {
    stop(input_error("%s %s", where, fault))
  }
  tryCatch(parse_json(text, bigint_as_char = TRUE), error = function(error) {
    reason <- sub("\n.*", "", conditionMessage(error))
    stop(input_error("%s is not JSON: %s", where, reason))
  })
}

# Return what is wrong with a text that jsonlite would take, NULL if nothing is: it skips comments, form feeds and what
# stands behind the value, and makes something of half characters.
json_fault <- function(text) {
  outside <- text
  if (grepl('"', text, fixed = TRUE, useBytes = TRUE)) {
    outside <- gsub('"(?:[^"\\\\]++|\\\\.)*+"', "", text, perl = TRUE, useBytes = TRUE)
  }
  if (grepl("[^][{},:0-9eE+.truefalsn \t\n\r-]", outside, perl = TRUE, useBytes = TRUE)) {
    return("is not JSON: a character stands outside of strings that is no part of it")
  }
  if (!grepl("\\u", text, fixed = TRUE, useBytes = TRUE)) {
    return(NULL)
  }
  escapes <- gsub("\\\\", "", text, fixed = TRUE, useBytes = TRUE) # without backslashes that are themselves escaped
  if (grepl("\\u0000", escapes, fixed = TRUE, useBytes = TRUE)) {
    return("holds the character U+0000")
  }
  pair <- "\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}"
  if (
    grepl("\\\\u[dD][89a-fA-F]", gsub(pair, "", escapes, perl = TRUE, useBytes = TRUE), perl = TRUE, useBytes = TRUE)
  ) {
    "is not JSON: it holds half of a character"
  }
}

# Write predictions, one for each row: a vector, the rows of a matrix or data frame, or a list.
#
# In text formats each prediction is a line. SageMaker's batch transform adds the line break after the last one itself
# (AssembleWith=Line, contract B4), so with `batch` it is left out.
# Raises an error for predictions that the format cannot hold. Returns raw bytes.
encode_predictions <- function(predictions, media_type, batch = FALSE) {
  if (is.factor(predictions)) {
    predictions <- as.character(predictions)
  }
  if (media_type == npy_type) {
    return(encode_npy(predictions))
  }
  if (media_type == json_type) {
    text <- paste0('{"predictions": [', paste(json_rows(predictions), collapse = ", "), "]}")
  } else {
    rows <- if (media_type == json_lines_type) json_rows(predictions) else csv_rows(predictions)
    text <- paste(rows, collapse = "\n")
  }
  charToRaw(enc2utf8(if (batch) text else paste0(text, "\n")))
}

# Return a value as JSON text: what stands alone is not put into a list.
json_text <- function(value) {
  as.character(jsonlite::toJSON(value, auto_unbox = TRUE, null = "null", na = "null", digits = NA))
}

# Return each prediction as JSON text.
json_rows <- function(predictions) {
  if (is.data.frame(predictions)) {
    fields <- Map(
      function(name, column) paste0(json_values(name), ": ", json_rows(column)),
      names(predictions),
      predictions
    )
    return(paste0("{", do.call(paste, c(unname(fields), sep = ", ")), "}"))
  }
  if (is.matrix(predictions)) {
    columns <- lapply(seq_len(ncol(predictions)), function(column) json_values(predictions[, column]))
    return(paste0("[", do.call(paste, c(columns, sep = ", ")), "]"))
  }
  if (is.list(predictions)) {
    return(vapply(predictions, json_text, "", USE.NAMES = FALSE))
  }
  text <- json_values(predictions)
  while (length(dim(text)) > 1) {
    kept <- seq_len(length(dim(text)) - 1)
    text <- apply(text, kept, function(values) paste0("[", paste(values, collapse = ", "), "]"))
  }
  as.vector(text)
}

# Return each value of a vector or an array as JSON text.
json_values <- function(values) {
  if (is.numeric(values)) {
    text <- number_text(values)
    absent <- !is.finite(values) # JSON has no infinity and no nan
  } else {
    text <- as.character(values)
    absent <- is.na(values)
    if (is.logical(values)) {
      text <- tolower(text)
    } else {
      escaped <- gsub('"', '\\"', gsub("\\", "\\\\", text, fixed = TRUE), fixed = TRUE)
      special <- grepl("[[:cntrl:]]", text)
      text <- replace(paste0('"', escaped, '"'), special, vapply(text[special], json_text, ""))
    }
  }
  text <- replace(text, absent, "null")
  dim(text) <- dim(values)
  text
}

# Return each prediction as a line of CSV: its values side by side, in order.
csv_rows <- function(predictions) {
  if (is.atomic(predictions) && length(dim(predictions)) < 2) {
    return(csv_values(predictions))
  }
  if (is.array(predictions)) {
    values <- values_of_array(predictions)
    predictions <- as.data.frame(matrix(values, nrow(predictions), byrow = TRUE))
  }
  if (is.data.frame(predictions)) {
    return(do.call(paste, c(lapply(unname(as.list(predictions)), csv_values), sep = ",")))
  }
  vapply(predictions, function(row) paste(csv_values(unlist(lapply(row, format_cell))), collapse = ","), "")
}

format_cell <- function(value) {
  unlist(lapply(unlist(value), function(one) if (is.numeric(one)) number_text(one) else as.character(one)))
}

csv_values <- function(values) {
  if (is.numeric(values)) {
    return(number_text(values))
  }
  text <- as.character(values)
  text[is.na(text)] <- ""
  quoted <- grepl('[",\r\n]', text)
  text[quoted] <- paste0('"', gsub('"', '""', text[quoted], fixed = TRUE), '"')
  text
}

# Return numbers as the shortest text that reads back as the same number.
number_text <- function(numbers) {
  if (is.integer(numbers)) {
    return(as.character(numbers))
  }
  text <- sprintf("%.15g", numbers)
  inexact <- which(is.finite(numbers))
  for (format in c("%.16g", "%.17g")) {
    inexact <- inexact[as.numeric(text[inexact]) != numbers[inexact]]
    text[inexact] <- sprintf(format, numbers[inexact])
  }
  text
}
