# Numbers as texts, and texts as numbers (rules 4 and 5 of grammar.md).

number_form <- "^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?\\z"

# Return texts as finite numbers; those that are `missing` become NA. Raises InputError for the first that is none,
# which `place`, a function of its index, names.
text_numbers <- function(texts, missing, place) {
  expect_none(!missing & !grepl(number_form, texts, perl = TRUE), texts, place, "is not a number")
  numbers <- suppressWarnings(as.numeric(replace(texts, missing, NA)))
  expect_none(is.infinite(numbers), texts, place, "is not a finite number")
  numbers
}

# Return numbers of JSON as the shortest text, the same as Python writes: whole ones as digits, below 1e15.
canonical_text <- function(numbers) {
  whole <- abs(numbers) < 1e15 & numbers == floor(numbers)
  text <- number_text(numbers)
  text[whole] <- sprintf("%.0f", numbers[whole] + 0)
  text
}

# Raise InputError for the first of the values that are `bad`, saying why.
expect_none <- function(bad, values, place, why) {
  if (any(bad)) {
    first <- which(bad)[[1]]
    stop(input_error("%s: %s %s", place(first), shown(values[[first]]), why))
  }
}
