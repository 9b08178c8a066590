# Tables of rows, read the same way for training and for serving, by the rules of grammar.md.
#
# A table is a list:
#   cells: the values of all rows, one after the other; `widths`: how many each row has. Texts where it was CSV, and
#     `quoted` says which of them stood in quotes; else a list. NULL for rows that are objects, which are in `objects`.
#   names: the header if there was one, else NULL; `partial`: what it does not name is missing, else an error.
#   lines: lines[i] is the number of row i in the source, `source` what to say before it in messages, `unit` after it.
#   width: how many values each row should have.
# CSV has its `text`, after `first_line` lines, instead of the cells at first, or a large `file`: how it is read best
# depends on what it is read as.

new_table <- function(cells, widths, lines, source = "", unit = "line", quoted = NULL, objects = NULL) {
  width <- if (length(widths) > 0) widths[[1]]
  list(
    cells = cells,
    widths = widths,
    lines = lines,
    source = source,
    unit = unit,
    quoted = quoted,
    objects = objects,
    width = width
  )
}

# Name a row for a message.
where <- function(table, row) {
  paste0(table$source, table$unit, " ", table$lines[[row]])
}

# Return a table of CSV text. `is_header` judges by the cells of the first row, and which were quoted, whether it is a
# header; without it there is none.
#
# Blank lines are an error where `every_line` is a record. Raises InputError for a first row that is not CSV.
csv_table <- function(text, is_header = NULL, source = "", every_line = FALSE, partial = FALSE) {
  table <- list(
    text = unix_text(text),
    first_line = 0,
    source = source,
    unit = "line",
    every_line = every_line,
    partial = partial
  )
  first <- if (!is.null(is_header)) first_row(table$text, source)
  if (!is.null(first)) {
    table$width <- length(first$cells)
    if (is_header(first$cells, first$quoted)) {
      table$names <- first$cells
      table$text <- first$rest
      table$first_line <- first$lines
    }
  }
  table
}

# Return a table of a large file of CSV, which is not read before it is known as what. NULL where it is better read as
# text.
csv_file_table <- function(file, has_header, source) {
  bytes <- readBin(file, "raw", 2^16)
  if (file.size(file) < large_file || any(bytes == 0) || identical(bytes[1:3], utf8_mark)) {
    return(NULL)
  }
  head <- same_encoding(sub("[^\n]*\\z", "", rawToChar(bytes), perl = TRUE, useBytes = TRUE))
  if (!validUTF8(head)) {
    return(NULL)
  }
  table <- tryCatch(
    csv_table(head, function(cells, quoted) has_header, source),
    InputError = function(error) list(text = "")
  )
  if (has_rows(table$text)) c(table[names(table) != "text"], list(file = file))
}

# Return the table with its text, where that is still in a file.
with_text <- function(table) {
  if (is.null(table$file)) {
    return(table)
  }
  text <- file_text(table$file, sub(", $", "", table$source))
  csv_table(text, function(cells, quoted) !is.null(table$names), table$source)
}

# Return a table of CSV text, all of it read. Raises InputError for text that is not CSV, has no row, or has rows of
# different lengths.
read_csv <- function(text, header = FALSE, source = "") {
  with_cells(csv_table(text, function(cells, quoted) header, source))
}

# Return the table with its cells. Raises InputError as read_csv does.
with_cells <- function(table) {
  table <- with_text(table)
  if (is.null(table$text)) {
    return(table)
  }
  text <- table$text
  found <- if (has_rows(text) || table$every_line) csv_cells(text, table$source, table$every_line)
  if (length(found$widths) == 0) {
    stop(input_error("%sno rows: expected at least one line of comma-separated values", table$source))
  }
  full <- new_table(found$cells, found$widths, found$lines + table$first_line, table$source, quoted = found$quoted)
  full$names <- table$names
  full$partial <- table$partial
  if (!is.null(table$width)) {
    full$width <- table$width
  }
  expect_width(full, full$width)
  full
}

# Return a table as a matrix of finite numbers, one row for each of its rows.
#
# Raises InputError that names the line and the value that does not fit.
table_matrix <- function(table) {
  values <- if (is_large(table)) fast_numbers(with_width(table))
  if (!is.null(values)) {
    return(values)
  }
  table <- with_cells(table)
  if (!is.null(table$objects)) {
    stop(input_error("%s is an object, but this algorithm's features have no names: send a list", where(table, 1)))
  }
  width <- table$width
  if (width == 0) {
    stop(input_error("%s is empty: expected numbers", where(table, 1)))
  }
  expect_width(table, width)
  place <- function(index) {
    sprintf("%s, value %d", where(table, (index - 1) %/% width + 1), (index - 1) %% width + 1)
  }
  matrix(cell_numbers(table$cells, rep(FALSE, length(table$cells)), place), ncol = width, byrow = TRUE)
}

# Return a table as a data frame with the columns that `features` names: "number" or "text" by name.
#
# Columns are found by name where the table has names and by position otherwise; missing values become NA.
# Raises InputError that names the line, the column and the value that does not fit, UserError for another kind.
table_frame <- function(table, features) {
  require_kinds(features)
  frame <- if (is_large(table)) fast_frame(with_width(table), features)
  if (is.null(frame)) {
    table <- with_cells(table)
    frame <- Map(
      function(column, name, kind) column_values(table, column, name, kind),
      feature_columns(table, names(features)),
      names(features),
      features
    )
  }
  as.data.frame(frame, optional = TRUE)
}

# Return the columns of a large text by data.table, a list by name; NULL where that is in doubt.
fast_frame <- function(table, features) {
  positions <- tryCatch(feature_positions(table, names(features)), InputError = function(error) NA)
  if (anyNA(positions) || (is.null(table$names) && table$width != length(features))) {
    return(NULL)
  }
  numbers <- seq_len(table$width) %in% positions[features == "number"]
  columns <- fast_columns(table, numbers)
  if (!is.null(columns)) stats::setNames(columns[positions], names(features))
}

# Return a column's values, "number" or "text", with NA where they are missing. Raises InputError for one that does not
# fit.
column_values <- function(table, column, name, kind) {
  place <- function(row) sprintf("%s, column '%s'", where(table, row), name)
  if (kind == "text") {
    cell_texts(column$cells, column$missing, place)
  } else {
    cell_numbers(column$cells, column$missing, place)
  }
}

# Raise UserError for a kind of column that is neither "number" nor "text"; it would be read as numbers.
require_kinds <- function(features) {
  for (name in names(features)) {
    kind <- features[[name]]
    if (!isTRUE(kind %in% c("number", "text"))) {
      stop(user_error("column '%s' is declared as %s: use \"number\" or \"text\"", name, deparse1(kind)))
    }
  }
}

# Return one column, for example the target, as "text" or "number".
#
# Raises InputError for a value that is missing or does not fit, UserError for another kind.
table_column <- function(table, name, kind = "text") {
  require_kinds(stats::setNames(list(kind), name))
  found <- if (is_large(table)) fast_frame(with_width(table), stats::setNames(list(kind), name))[[1]]
  if (!is.null(found) && !anyNA(found)) {
    return(found)
  }
  table <- with_cells(table)
  column <- feature_columns(table, name)[[1]]
  if (any(column$missing)) {
    stop(input_error("%s, column '%s': it is empty", where(table, which(column$missing)[[1]]), name))
  }
  column_values(table, column, name, kind)
}

is_large <- function(table) {
  !is.null(table$file) || (!is.null(table$text) && !table$every_line && nchar(table$text, "bytes") >= large_text)
}

# Return the table with the width of its first row, if it has rows.
with_width <- function(table) {
  if (is.null(table$width)) {
    table$width <- max(1L, length(first_row(table$text, table$source)$cells))
  }
  table
}

# Return the named columns, a list by name of the `cells` and which of them are `missing`.
feature_columns <- function(table, names) {
  if (!is.null(table$objects)) {
    return(object_columns(table, names))
  }
  positions <- feature_positions(table, names)
  width <- if (is.null(table$names)) length(names) else length(table$names)
  expect_width(table, width, paste0(": ", paste(names, collapse = ", ")))
  rows <- length(table$widths)
  columns <- lapply(positions, function(position) {
    if (is.na(position)) {
      return(list(cells = rep(NA_character_, rows), missing = rep(TRUE, rows)))
    }
    indices <- position + width * (seq_len(rows) - 1)
    cells <- table$cells[indices]
    missing <- if (is.list(cells)) {
      lengths(cells) == 0 & !nested(cells)
    } else {
      !table$quoted[indices] & cells %in% missing_texts
    }
    list(cells = cells, missing = missing)
  })
  stats::setNames(columns, names)
}

object_columns <- function(table, names) {
  objects <- table$objects
  keys <- unlist(lapply(objects, base::names), use.names = FALSE)
  owners <- rep(seq_along(objects), lengths(objects))
  values <- unlist(objects, recursive = FALSE, use.names = FALSE)
  unnamed <- setdiff(seq_along(objects), owners[keys %in% names])
  if (length(unnamed) > 0) {
    listed <- paste(names, collapse = ", ")
    stop(input_error("%s names none of the features %s", where(table, unnamed[[1]]), listed))
  }
  sapply(
    names,
    function(name) {
      found <- which(keys == name)
      cells <- vector("list", length(objects))
      cells[owners[found]] <- values[found] # of a name that is there twice the last counts
      list(cells = cells, missing = lengths(cells) == 0 & !nested(cells))
    },
    simplify = FALSE
  )
}

# Return the value that an object has under a name: of a name that is there twice the last counts.
last_of <- function(object, name) {
  found <- which(names(object) == name)
  if (length(found) > 0) object[[found[[length(found)]]]]
}

# Which values of JSON are lists or objects.
nested <- function(cells) {
  if (is.list(unlist(cells, recursive = FALSE, use.names = FALSE))) {
    return(vapply(cells, is.list, TRUE))
  }
  logical(length(cells))
}

# Return the values of JSON as a vector where all are numbers, true or false, else NULL.
plain_numbers <- function(values) {
  found <- unlist(values, recursive = FALSE, use.names = FALSE)
  if ((is.numeric(found) || is.logical(found)) && length(found) == length(values)) as.numeric(found)
}

# Where the named columns stand, by name or in order; NA for one that a request leaves out.
#
# Raises InputError for a column that a file lacks, or that is there twice.
feature_positions <- function(table, names) {
  if (is.null(table$names)) {
    return(seq_along(names))
  }
  header <- paste(table$names, collapse = ", ")
  absent <- setdiff(names, table$names)
  if (length(absent) > 0 && !isTRUE(table$partial)) {
    stop(input_error("%scolumn '%s' is missing; the header has %s", table$source, absent[[1]], header))
  }
  twice <- intersect(names, table$names[duplicated(table$names)])
  if (length(twice) > 0) {
    stop(input_error("%scolumn '%s' is there twice; the header has %s", table$source, twice[[1]], header))
  }
  match(names, table$names)
}

# Raise InputError for a row that has not `width` values.
expect_width <- function(table, width, which_ones = "") {
  wrong <- which(table$widths != width)
  if (length(wrong) > 0) {
    row <- wrong[[1]]
    found <- table$widths[[row]]
    stop(input_error("%s has %d values, expected %d%s", where(table, row), found, width, which_ones))
  }
}

# Return cells as numbers, the `missing` ones as NA. A value of JSON is read by itself, whatever stands beside it.
# Raises InputError for what is no number; `place` names a cell for a message.
cell_numbers <- function(cells, missing, place) {
  if (!is.list(cells)) {
    return(text_numbers(cells, missing, place))
  }
  numbers <- plain_numbers(cells)
  if (!is.null(numbers)) {
    expect_none(is.infinite(numbers), cells, place, "is not a finite number")
    return(numbers)
  }
  expect_single(cells, place)
  kinds <- vapply(cells, typeof, "")
  expect_none(kinds == "NULL" & !missing, cells, place, "is not a number")
  numbers <- rep(NA_real_, length(cells))
  plain <- kinds %in% c("integer", "double", "logical")
  numbers[plain] <- as.numeric(unlist(cells[plain], use.names = FALSE))
  texts <- which(kinds == "character")
  numbers[texts] <- text_numbers(
    as.character(cells[texts]),
    rep(FALSE, length(texts)),
    function(index) place(texts[[index]])
  )
  expect_none(is.infinite(numbers), cells, place, "is not a finite number")
  numbers
}

# Return cells as texts, the `missing` ones as NA; see cell_numbers.
cell_texts <- function(cells, missing, place) {
  if (!is.list(cells)) {
    return(replace(cells, missing, NA))
  }
  expect_single(cells, place)
  kinds <- vapply(cells, typeof, "")
  texts <- rep(NA_character_, length(cells))
  of_kind <- function(...) unlist(cells[kinds %in% c(...)], use.names = FALSE)
  texts[kinds == "character"] <- as.character(of_kind("character"))
  texts[kinds == "logical"] <- tolower(as.character(of_kind("logical")))
  numbers <- kinds %in% c("integer", "double")
  infinite <- replace(numbers, numbers, is.infinite(of_kind("integer", "double")))
  expect_none(infinite, cells, place, "is not a finite number")
  texts[numbers] <- canonical_text(as.numeric(of_kind("integer", "double")))
  texts
}

# Raise InputError for a value of JSON that is a list or an object.
expect_single <- function(cells, place) {
  wrong <- which(nested(cells))
  if (length(wrong) > 0) {
    first <- wrong[[1]]
    stop(input_error("%s: expected one value, not %s", place(first), json_text(cells[[first]])))
  }
}
