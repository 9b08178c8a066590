# CSV text to cells, strictly (rules 1 to 3 of grammar.md); and by data.table, at its speed, where that and the grammar
# agree, which is proven for each text.

missing_texts <- c("", "NA", "NaN", "nan", "null")

# Text from so many bytes on is worth the start of data.table's reader; a file, that of a program that looks through it.
large_text <- 2^14
large_file <- 2^20

# A cell that begins with a quote, and one that does not. Nothing that was taken is given back (*+), so that no cell
# takes longer than its length.
quoted_cell <- '"[^"]*+(?:""[^"]*+)*+"'
any_cell <- sprintf('[ \\t]*+(?:%s[ \\t]*+|(?!")[^,\\n]*+)', quoted_cell)
cell_pattern <- sprintf("\\G%s[,\\n]", any_cell)
first_pattern <- sprintf("\\A(?:[ \\t]*+\\n)*+(?:%s,)*+%s\\n", any_cell, any_cell)

# A cell that data.table reads as the grammar does: without a tab, a space before its quote, or a quote within.
fast_text <- sprintf('(?:%s|[^",\\t\\r\\n\\x00]*+)', gsub('[^"]', '[^"\\r\\x00]', quoted_cell, fixed = TRUE))

# What data.table takes for a number, or for missing, and the grammar does not, in a text of such cells.
doubtful_number <- '0[xX]|#N/A|(^|,)"([ \t]|(NA|NaN|nan|null)?"(,|\r?$))|[ \t]"(,|\r?$)'

# Return the text with LF at the end of its lines, the last one, too.
unix_text <- function(text) {
  if (grepl("\r", text, fixed = TRUE, useBytes = TRUE)) {
    text <- same_encoding(gsub("\r\n?", "\n", text, perl = TRUE, useBytes = TRUE))
  }
  if (endsWith(text, "\n")) text else paste0(text, "\n")
}

same_encoding <- function(text) {
  Encoding(text) <- "UTF-8"
  text
}

# Return cells of CSV text whose lines end with LF: a list of `cells` and whether each was `quoted`, row by row; how
# many each row has (`widths`), and the number of the line where it begins (`lines`).
#
# Blank lines are skipped, or an error where `every_line` is a record. Raises InputError for what is not CSV.
csv_cells <- function(text, source = "", every_line = FALSE) {
  found <- if (grepl('"', text, fixed = TRUE, useBytes = TRUE)) quoted_cells(text, source) else plain_cells(text)
  first <- cumsum(c(1, found$widths[-length(found$widths)]))
  blank <- found$widths == 1 & found$cells[first] == "" & !found$quoted[first]
  if (any(blank)) {
    if (every_line) {
      line <- found$lines[blank][[1]]
      stop(input_error("%sline %d is blank: in batch transform each line is a record", source, line))
    }
    found$cells <- found$cells[-first[blank]]
    found$quoted <- found$quoted[-first[blank]]
    found$widths <- found$widths[!blank]
    found$lines <- found$lines[!blank]
  }
  found
}

plain_cells <- function(text) {
  lines <- strsplit(text, "\n", fixed = TRUE)[[1]]
  # The comma at the end keeps strsplit from dropping an empty last value.
  rows <- strsplit(paste0(lines, ","), ",", fixed = TRUE)
  cells <- unlist(rows, use.names = FALSE)
  if (grepl("[ \t]", text, useBytes = TRUE)) {
    cells <- trimws(cells, whitespace = "[ \t]")
  }
  list(cells = cells, quoted = logical(length(cells)), widths = lengths(rows), lines = seq_along(lines))
}

quoted_cells <- function(text, source) {
  starts <- gregexpr(cell_pattern, text, perl = TRUE, useBytes = TRUE)[[1]]
  lengths <- attr(starts, "match.length")
  size <- nchar(text, "bytes")
  covered <- if (starts[[1]] == -1) 0 else sum(lengths)
  if (covered < size) {
    before <- substr_bytes(text, 1, covered)
    line <- count_lines(before) + 1
    rest <- substr_bytes(text, covered + 1, size)
    closed <- grepl(paste0("\\A[ \\t]*+", quoted_cell), rest, perl = TRUE, useBytes = TRUE)
    reason <- if (closed) "text stands after a closing quote" else "a quote is opened and not closed"
    stop(input_error("%sline %d: not CSV: %s", source, line, reason))
  }
  tokens <- substr_bytes(text, starts, starts + lengths - 1)
  ends <- endsWith(tokens, "\n")
  cells <- trimws(substring(tokens, 1, nchar(tokens) - 1), whitespace = "[ \t]")
  quoted <- startsWith(cells, '"')
  inner <- substring(cells[quoted], 2, nchar(cells[quoted]) - 1)
  cells[quoted] <- gsub('""', '"', inner, fixed = TRUE)
  breaks <- ends + 0
  breaks[quoted] <- breaks[quoted] + count_lines(cells[quoted])
  last <- which(ends)
  list(cells = cells, quoted = quoted, widths = diff(c(0, last)), lines = 1 + c(0, cumsum(breaks)[last[-length(last)]]))
}

# Return parts of a text by the places of their bytes.
substr_bytes <- function(text, first, last) {
  Encoding(text) <- "bytes"
  same_encoding(substring(text, first, last))
}

# Return the first row of a text and what comes behind it: its `cells`, the `rest`, the number of `lines` that it takes.
# NULL where there is no row. Raises InputError.
first_row <- function(text, source) {
  size <- attr(regexpr(first_pattern, text, perl = TRUE, useBytes = TRUE), "match.length")
  if (size == -1) {
    csv_cells(text, source) # which says why
    return(NULL)
  }
  head <- substr_bytes(text, 1, size)
  found <- csv_cells(head, source)
  rest <- substr_bytes(text, size + 1, nchar(text, "bytes"))
  if (length(found$cells) > 0) c(found[c("cells", "quoted")], list(rest = rest, lines = count_lines(head)))
}

count_lines <- function(text) {
  nchar(gsub("[^\n]+", "", text, useBytes = TRUE), "bytes")
}

has_rows <- function(text) grepl("[^ \t\n]", text, useBytes = TRUE)

# Return a table of CSV that is not yet read as a matrix of numbers by data.table; NULL where that is in doubt.
fast_numbers <- function(table) {
  legal <- if (is.null(table$file)) all_rows(table, "[0-9.eE+-]++") else !holds(table, "[^0-9,.eE+\r-]", "\r.")
  frame <- if (legal) quiet_fread(table, quote = "", colClasses = "numeric", na.strings = NULL)
  if (is.null(frame) || ncol(frame) != table$width || !all(vapply(frame, is.double, TRUE))) {
    return(NULL)
  }
  if (!is.null(table$file) && nrow(frame) != file_lines(table$file) - table$first_line) {
    return(NULL)
  }
  values <- matrix(unlist(frame, use.names = FALSE), nrow(frame))
  if (all(is.finite(values))) values
}

# Return a table of CSV that is not yet read as a list of its columns by data.table, NA where a cell is missing; NULL
# where that is in doubt. `numbers` says which columns hold numbers.
fast_columns <- function(table, numbers) {
  if (!all_rows(table, fast_text)) {
    return(NULL)
  }
  direct <- numbers & !(any(numbers) && holds(table, doubtful_number))
  classes <- ifelse(direct, "numeric", "character")
  frame <- quiet_fread(table, quote = '"', colClasses = classes, na.strings = missing_texts, encoding = "UTF-8")
  if (is.null(frame) || ncol(frame) != table$width) {
    return(NULL)
  }
  columns <- Map(fast_column, unname(as.list(frame)), numbers, direct)
  if (!any(vapply(columns, is.null, TRUE))) columns
}

# Return a column as data.table has read it, a number from its text if not `direct`; NULL where it is in doubt.
fast_column <- function(column, number, direct) {
  if (direct) {
    # NA is missing; NaN is what data.table makes of a spreadsheet's errors.
    return(if (is.double(column) && !any(is.nan(column) | is.infinite(column))) column)
  }
  if (number) {
    return(tryCatch(text_numbers(column, is.na(column), function(index) ""), InputError = function(error) NULL))
  }
  if (all(validUTF8(column))) {
    doubled <- grep('""', column, fixed = TRUE, useBytes = TRUE)
    replace(column, doubled, gsub('""', '"', column[doubled], fixed = TRUE))
  }
}

# Return whether all rows of a table have its width and cells of this pattern, so that data.table leaves no row out. A
# row of one column must not be blank. In a file, which a program reads, a row is a line.
all_rows <- function(table, cell) {
  row <- paste0("(?:", cell, ",){", table$width - 1, "}", cell)
  if (table$width == 1) {
    row <- paste0("(?! *+\\r?$)", row)
  }
  if (!is.null(table$file)) {
    return(!finds_line(table, "-Pv", sprintf("^%s\\r?$", row)))
  }
  pattern <- sprintf("(?m)\\A(?:%s\\n)*+\\z", row)
  isTRUE(tryCatch(grepl(pattern, table$text, perl = TRUE, useBytes = TRUE), warning = function(w) FALSE))
}

# Return whether any line of a table holds one of the patterns.
holds <- function(table, ...) {
  if (!is.null(table$file)) {
    return(finds_line(table, "-E", ...))
  }
  grepl(paste0("(?m)", paste(..., sep = "|")), table$text, perl = TRUE, useBytes = TRUE)
}

# Return whether the program grep, which holds no more than a line in memory, finds one in a table's file, or fails.
finds_line <- function(table, option, ...) {
  search <- paste("LC_ALL=C grep -qa", option, paste("-e", shQuote(c(...)), collapse = " "))
  rows <- shQuote(table$file)
  command <- if (table$first_line == 0) {
    paste(search, "--", rows)
  } else {
    sprintf("tail -n +%d -- %s | %s", table$first_line + 1, rows, search)
  }
  system(command, ignore.stderr = TRUE) != 1
}

# Return how many lines a file has, the last one, too, where nothing ends it.
file_lines <- function(file) {
  counts <- system(sprintf("wc -l <%s; tail -c 1 %s | wc -l", shQuote(file), shQuote(file)), intern = TRUE)
  as.numeric(counts[[1]]) + 1 - as.numeric(counts[[2]])
}

# Return a table of CSV that is not yet read as a data frame by data.table; NULL where it has a warning or an error.
quiet_fread <- function(table, ...) {
  fread <- function(...) data.table::fread(..., sep = ",", header = FALSE, data.table = FALSE, showProgress = FALSE)
  give_up <- function(condition) NULL
  tryCatch(
    if (is.null(table$file)) fread(table$text, ...) else fread(file = table$file, skip = table$first_line, ...),
    warning = give_up,
    error = give_up
  )
}
