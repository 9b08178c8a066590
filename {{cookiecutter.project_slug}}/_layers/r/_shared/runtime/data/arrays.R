# Arrays of more than two dimensions, for algorithms that declare `input_shape`: the shape of one row (rule 10 of
# grammar.md).
#
# A shape is a vector of lengths, NA where any length will do as long as it is the same in all rows of a request.

# Return rows of JSON, lists in lists of numbers, as an array of dim c(rows, shape). `numbers` are those of the rows,
# and `unit` what they count. Raises InputError that names the row which does not fit.
array_of_rows <- function(rows, numbers, unit, shape) {
  found <- lapply(seq_along(rows), function(index) {
    row <- nested_array(rows[[index]])
    if (is.null(row) || !all(is.finite(row$values))) {
      stop(input_error("%s %s is no array of finite numbers", unit, numbers[[index]]))
    }
    if (!fits_shape(row$shape, shape)) {
      expected <- shape_text(shape)
      stop(input_error("%s %s has shape %s, expected %s", unit, numbers[[index]], shape_text(row$shape), expected))
    }
    row
  })
  first <- found[[1]]$shape
  other <- which(!vapply(found, function(row) identical(row$shape, first), TRUE))
  if (length(other) > 0) {
    has <- shape_text(found[[other[[1]]]]$shape)
    text <- "%s %s has shape %s, %s %s %s"
    stop(input_error(text, unit, numbers[[other[[1]]]], has, unit, numbers[[1]], shape_text(first)))
  }
  values <- unlist(lapply(found, function(row) row$values), use.names = FALSE)
  array_of_values(values, c(length(rows), first))
}

# Return values of CSV, a matrix, as an array of dim c(rows, shape): the last index changes fastest. Raises InputError
# where there is another number of columns.
array_of_matrix <- function(values, shape) {
  if (length(shape) == 1 && is.na(shape)) {
    return(values)
  }
  if (anyNA(shape)) {
    stop(input_error("rows of CSV cannot have shape %s: send application/json or .npy", shape_text(shape)))
  }
  if (ncol(values) != prod(shape)) {
    text <- "rows have %d values, expected %d, for shape %s"
    stop(input_error(text, ncol(values), as.integer(prod(shape)), shape_text(shape)))
  }
  array_of_values(t(values), c(nrow(values), shape))
}

# Return an array of values whose last index changes fastest, as in C; in R the first does.
array_of_values <- function(values, dim) {
  aperm(array(values, rev(dim)), rev(seq_along(dim)))
}

# Return the values of an array, the last index changing fastest.
values_of_array <- function(array) {
  if (length(dim(array)) < 2) as.vector(array) else as.vector(aperm(array, rev(seq_along(dim(array)))))
}

# Return whether a row of the shape that was found is one of the shape that is declared.
fits_shape <- function(found, shape) {
  length(found) == length(shape) && all(is.na(shape) | found == shape)
}

# Return a shape as it stands in messages, as Python writes tuples.
shape_text <- function(shape) {
  lengths <- ifelse(is.na(shape), "any", sprintf("%.0f", shape))
  sprintf("(%s%s)", paste(lengths, collapse = ", "), if (length(shape) == 1) "," else "")
}

# Return a value of JSON as its `shape` and its `values`, the last index changing fastest; NULL for what is no array.
nested_array <- function(value) {
  if (!is.null(names(value))) {
    return(NULL)
  }
  if (!is.list(value)) {
    is_number <- is.numeric(value) || is.logical(value)
    return(if (is_number) list(shape = integer(), values = as.numeric(value)))
  }
  numbers <- plain_numbers(value)
  if (!is.null(numbers) || length(value) == 0) {
    return(list(shape = length(value), values = numbers))
  }
  parts <- lapply(value, nested_array)
  shape <- parts[[1]]$shape
  alike <- vapply(parts, function(part) !is.null(part) && identical(part$shape, shape), TRUE)
  if (all(alike)) {
    values <- unlist(lapply(parts, function(part) part$values), use.names = FALSE)
    list(shape = c(length(value), shape), values = values)
  }
}
