# CSV text to cells, strictly (rules 1 to 3 of grammar.md); and by data.table, at its speed, where that and the grammar
# agree, which is proven for each text.

missing_texts <- c("", "NA", "NaN", "nan", "null")

# Text from so many bytes on is worth the start of data.table's reader.
large_text <- 2^16

# A cell that begins with a quote, and one that does not. Nothing that was taken is given back (*+), so that no cell
# takes longer than its length.
quoted_cell <- '"[^"]*+(?:""[^"]*+)*+"'
any_cell <- sprintf('[ \\t]*+(?:%s[ \\t]*+|(?!")[^,\\n]*+)', quoted_cell)
cell_pattern <- sprintf("\\G%s[,\\n]", any_cell)
first_pattern <- sprintf("\\A(?:[ \\t]*+\\n)*+(?:%s,)*+%s\\n", any_cell, any_cell)
legal_pattern <- sprintf('\\A(?:(?:%s|[^",\\n]++)?[,\\n])*+\\z', quoted_cell)
blank_pattern <- "(?:\\A|\\n)[ \\t]*\\n"

# The text with LF at the end of its lines, the last one, too.
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

# Cells of CSV text whose lines end with LF: a list of `cells` and whether each was `quoted`, row by row; how many each
# row has (`widths`), and the number of the line where it begins (`lines`).
#
# Blank lines are passed over, or an error where `every_line` is a record. Raises InputError for what is not CSV.
csv_cells <- function(text, source = "", every_line = FALSE) {
  found <- if (grepl('"', text, fixed = TRUE, useBytes = TRUE)) {
    quoted_cells(text, source)
  } else {
    plain_cells(text)
  }
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
    reason <- if (closed) {
      "text stands after a closing quote"
    } else {
      "a quote is opened and not closed"
    }
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

# Parts of a text by the places of their bytes.
substr_bytes <- function(text, first, last) {
  Encoding(text) <- "bytes"
  same_encoding(substring(text, first, last))
}

# The first row of a text and what comes behind it: its `cells`, the `rest`, the number of `lines` that it takes. NULL
# where there is no row. Raises InputError.
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

# The text as a matrix of numbers by data.table; NULL where that is in doubt.
#
# With no other byte in it, a cell is a number of the grammar or nothing that data.table takes for one.
fast_numbers <- function(text) {
  if (grepl("[^0-9,.eE+\n-]", text, perl = TRUE, useBytes = TRUE)) {
    return(NULL)
  }
  frame <- quiet_fread(text, quote = "", colClasses = "numeric", na.strings = NULL)
  if (is.null(frame) || !all(vapply(frame, is.double, TRUE))) {
    return(NULL)
  }
  values <- as.matrix(frame)
  dimnames(values) <- NULL
  if (all(is.finite(values))) values
}

# The text as a data frame of texts by data.table, NA where a cell is missing; NULL where that is in doubt.
fast_texts <- function(text) {
  quoted <- grepl('"', text, fixed = TRUE, useBytes = TRUE)
  legal <- !quoted ||
    isTRUE(tryCatch(grepl(legal_pattern, text, perl = TRUE, useBytes = TRUE), warning = function(w) NA))
  if (!legal || grepl(blank_pattern, text, perl = TRUE, useBytes = TRUE)) {
    return(NULL)
  }
  quote <- if (quoted) '"' else ""
  frame <- quiet_fread(text, quote = quote, colClasses = "character", na.strings = missing_texts, encoding = "UTF-8")
  if (is.null(frame)) {
    return(NULL)
  }
  if (quoted) {
    frame[] <- lapply(frame, function(column) {
      gsub('""', '"', column, fixed = TRUE)
    })
  } else if (nrow(frame) != count_lines(text)) {
    return(NULL)
  }
  frame
}

# A data frame by data.table's reader; NULL where it has a warning or an error.
quiet_fread <- function(text, ...) {
  read <- function() {
    data.table::fread(text, sep = ",", header = FALSE, data.table = FALSE, showProgress = FALSE, ...)
  }
  give_up <- function(condition) NULL
  tryCatch(read(), warning = give_up, error = give_up)
}
