# Tables of rows, read the same way for training and for serving.
#
# A table is a list:
#   rows: lists of values, or lists by column name; text vectors where it was CSV.
#   names: the header if there was one, else NULL.
#   lines: lines[i] is the number of row i in the source, `source` what to say before it in messages, `unit` after it.

missing_texts <- c("", "NA", "NaN", "nan", "null")

new_table <- function(rows, lines, names = NULL, source = "", unit = "line") {
  list(rows = rows, lines = lines, names = names, source = source, unit = unit)
}

# Name a row for a message.
where <- function(table, row) {
  paste0(table$source, table$unit, " ", table$lines[[row]])
}

# Split CSV text into rows; empty lines are skipped.
#
# Raises InputError for text that is not CSV, has no row, or has rows of different lengths.
read_csv <- function(text, header = FALSE, source = "") {
  lines <- strsplit(text, "\n", fixed = TRUE)[[1]]
  if (grepl("\r", text, fixed = TRUE)) {
    lines <- sub("\r$", "", lines)
  }
  numbers <- seq_along(lines)
  if (grepl('"', text, fixed = TRUE)) {
    # A quoted value may hold line breaks: a line goes on while a quote is open.
    odd <- nchar(gsub('[^"]+', "", lines)) %% 2 == 1
    open <- cumsum(odd) %% 2 == 1
    if (length(open) > 0 && open[[length(open)]]) {
      stop(input_error("%sline %s: not CSV: a quote is opened and not closed", source, max(numbers[odd])))
    }
    record <- cumsum(c(TRUE, !open[-length(open)]))
    lines <- vapply(split(lines, record), paste, "", collapse = "\n", USE.NAMES = FALSE)
    numbers <- numbers[!duplicated(record)]
  }
  filled <- lines != ""
  numbers <- numbers[filled]
  # The comma at the end keeps strsplit from dropping an empty last value.
  records <- paste0(lines[filled], ",", recycle0 = TRUE)
  rows <- strsplit(records, ",", fixed = TRUE)
  quoted <- grep('"', records, fixed = TRUE)
  if (length(quoted) > 0) {
    rows[quoted] <- quoted_values(records[quoted], function(index) paste0(source, "line ", numbers[quoted][[index]]))
  }

  names <- NULL
  if (header && length(rows) > 0) {
    names <- trimws(rows[[1]])
    rows <- rows[-1]
    numbers <- numbers[-1]
  }
  if (length(rows) == 0) {
    stop(input_error("%sno rows: expected at least one line of comma-separated values", source))
  }
  table <- new_table(rows, numbers, names, source)
  width <- if (is.null(names)) length(rows[[1]]) else length(names)
  expect_width(table, width)
  table
}

# The values of records with quotes in them, each record ending with a comma; `place` names one for a message.
quoted_values <- function(records, place) {
  values <- regmatches(records, gregexpr('(?:"(?:[^"]|"")*"|[^",]*),', records, perl = TRUE))
  record <- rep(seq_along(values), lengths(values))
  values <- unlist(values)
  wrong <- which(rowsum(nchar(values), record)[, 1] != nchar(records))
  if (length(wrong) > 0) {
    stop(input_error("%s: not CSV: a quote stands within a value", place(wrong[[1]])))
  }
  values <- gsub('""', '"', sub('^"(.*)"$', "\\1", sub(",$", "", values)), fixed = TRUE)
  unname(split(values, record))
}

# A table as a matrix of finite numbers, one row for each of its rows.
#
# Raises InputError that names the line and the value that does not fit.
table_matrix <- function(table) {
  named <- which(!vapply(table$rows, function(row) is.null(names(row)), TRUE))
  if (length(named) > 0) {
    no_names <- "%s is an object, but this algorithm's features have no names: send a list"
    stop(input_error(no_names, where(table, named[[1]])))
  }
  width <- length(table$rows[[1]])
  if (width == 0) {
    stop(input_error("%s is empty: expected numbers", where(table, 1)))
  }
  expect_width(table, width)
  cells <- unlist(table$rows, recursive = FALSE, use.names = FALSE)
  place <- function(index) {
    sprintf("%s, value %d", where(table, (index - 1) %/% width + 1), (index - 1) %% width + 1)
  }
  values <- cell_values(cells, place)
  numbers <- value_numbers(values, is.na(values), place)
  expect_none(!is.finite(numbers), values, place, "is not a finite number")
  matrix(numbers, ncol = width, byrow = TRUE)
}

# A table as a data frame with the columns that `features` names: "number" or "text" by name.
#
# Columns are found by name where the table has names and by position otherwise; missing values become NA.
# Raises InputError that names the line, the column and the value that does not fit.
table_frame <- function(table, features) {
  frame <- Map(
    function(cells, name, kind) {
      place <- function(row) sprintf("%s, column '%s'", where(table, row), name)
      values <- cell_values(cells, place)
      missing <- is.na(values) | (is.character(values) & trimws(values) %in% missing_texts)
      if (kind == "text") {
        return(replace(as.character(values), missing, NA))
      }
      numbers <- value_numbers(values, missing, place)
      expect_none(is.infinite(numbers), values, place, "is not a finite number")
      numbers
    },
    feature_columns(table, names(features)),
    names(features),
    features
  )
  as.data.frame(frame, optional = TRUE)
}

# One column as text, for example the target. Raises InputError where a value is missing.
table_column <- function(table, name) {
  column <- feature_columns(table, name)[[1]]
  empty <- which(column %in% missing_texts)
  if (length(empty) > 0) {
    stop(input_error("%s: column '%s' is empty", where(table, empty[[1]]), name))
  }
  column
}

# The cells of the named columns, a list by name.
feature_columns <- function(table, names) {
  rows <- table$rows
  listed <- paste(names, collapse = ", ")
  if (!is.null(names(rows[[1]]))) {
    unknown <- lapply(rows, function(row) setdiff(names(row), names))
    wrong <- which(lengths(unknown) > 0)
    if (length(wrong) > 0) {
      unknown <- unknown[[wrong[[1]]]][[1]]
      stop(input_error("%s: '%s' is unknown; the features are %s", where(table, wrong[[1]]), unknown, listed))
    }
    return(sapply(names, function(name) lapply(rows, `[[`, name), simplify = FALSE))
  }
  positions <- seq_along(names)
  width <- length(names)
  if (!is.null(table$names)) {
    absent <- setdiff(names, table$names)
    if (length(absent) > 0) {
      header <- paste(table$names, collapse = ", ")
      stop(input_error("%scolumn '%s' is missing; the header has %s", table$source, absent[[1]], header))
    }
    positions <- match(names, table$names)
    width <- length(table$names)
  }
  expect_width(table, width, paste0(": ", listed))
  cells <- unlist(rows, recursive = FALSE, use.names = FALSE)
  dim(cells) <- c(width, length(rows))
  stats::setNames(lapply(positions, function(position) cells[position, ]), names)
}

# Raise InputError for a row that has not `width` values.
expect_width <- function(table, width, which_ones = "") {
  wrong <- which(lengths(table$rows) != width)
  if (length(wrong) > 0) {
    row <- wrong[[1]]
    found <- length(table$rows[[row]])
    stop(input_error("%s has %d values, expected %d%s", where(table, row), found, width, which_ones))
  }
}

# Cells as a vector. What JSON writes as null becomes NA. Raises InputError for a cell that holds more than one value;
# `place` names a cell for a message.
cell_values <- function(cells, place) {
  if (!is.list(cells)) {
    return(cells)
  }
  wrong <- which(lengths(cells) > 1 | vapply(cells, is.list, TRUE))
  if (length(wrong) > 0) {
    stop(input_error("%s: expected one value, not %s", place(wrong[[1]]), json_text(cells[[wrong[[1]]]])))
  }
  cells[lengths(cells) == 0] <- NA
  unlist(cells, use.names = FALSE)
}

# Values as numbers, the `missing` ones as NA. Raises InputError for what is no number.
value_numbers <- function(values, missing, place) {
  numbers <- suppressWarnings(as.numeric(values))
  expect_none(is.na(numbers) & !is.nan(numbers) & !missing, values, place, "is not a number")
  replace(numbers, missing, NA)
}

# Raise InputError for the first of the values that are `bad`, saying why.
expect_none <- function(bad, values, place, why) {
  if (any(bad)) {
    first <- which(bad)[[1]]
    stop(input_error("%s: %s %s", place(first), shown(values[[first]]), why))
  }
}
