# Hyperparameters: from SageMaker's strings to the types that the algorithm declares (contract T12, T13).
#
# algorithm.R declares them as a list by name:
#
#   hyperparameters <- list(
#     trees = integer_parameter(100, min = 1, help = "how many trees are grown"),
#     loss = text_parameter("squared", choices = c("squared", "absolute"))
#   )
#
# One without a default must be set by the job; one whose default is NULL may be set to null.

# Declare a whole number from `min` to `max`.
integer_parameter <- function(default, min = -.Machine$integer.max, max = .Machine$integer.max, help = "") {
  convert <- function(text) {
    number <- strict_number(text)
    if (isTRUE(number == floor(number) && number >= min && number <= max)) as.integer(number) else NA
  }
  expected <- paste("a whole number", range_text(min, max))
  parameter(if (!missing(default)) list(default), help, expected, convert, "Integer", limits(min, max))
}

# Declare a finite number from `min` to `max`.
number_parameter <- function(default, min = -Inf, max = Inf, help = "") {
  convert <- function(text) {
    number <- strict_number(text)
    if (isTRUE(number >= min && number <= max)) number else NA
  }
  expected <- paste("a number", range_text(min, max))
  parameter(if (!missing(default)) list(default), help, expected, convert, "Continuous", limits(min, max))
}

# Declare TRUE or FALSE.
logical_parameter <- function(default, help = "") {
  convert <- function(text) c(true = TRUE, "1" = TRUE, false = FALSE, "0" = FALSE)[tolower(text)][[1]]
  values <- list(Values = c("true", "false"))
  parameter(if (!missing(default)) list(default), help, "true or false", convert, "Categorical", values)
}

# Declare a text, or one of `choices` where they are given.
text_parameter <- function(default, choices = NULL, help = "") {
  expected <- if (is.null(choices)) "a text" else paste("one of", paste(choices, collapse = ", "))
  convert <- function(text) if (is.null(choices) || text %in% choices) text else NA
  kind <- if (is.null(choices)) "FreeText" else "Categorical"
  values <- if (!is.null(choices)) list(Values = I(choices))
  parameter(if (!missing(default)) list(default), help, expected, convert, kind, values)
}

# Declare any JSON: `[1, 2]` becomes a vector, an object a list by name.
json_parameter <- function(default, help = "") {
  parameter(if (!missing(default)) list(default), help, "JSON", function(text) {
    tryCatch(parse_json(text, simplifyVector = TRUE), error = function(error) NA)
  })
}

# Return a declaration. `default` is a list of the one value, or NULL where the job must set it; `convert` makes a value
# of a text, or NA where the text is not what is `expected`. `kind` and `range` are SageMaker's: Type and Range of a
# HyperParameterSpecification.
parameter <- function(default, help, expected, convert, kind = "FreeText", range = NULL) {
  list(default = default, help = help, expected = trimws(expected), convert = convert, kind = kind, range = range)
}

# Return a range as SageMaker describes it, which has both limits: the largest numbers stand for none.
limits <- function(min, max) {
  finite <- function(limit) pmax(pmin(limit, .Machine$double.xmax), -.Machine$double.xmax)
  list(MinValue = number_text(finite(min)), MaxValue = number_text(finite(max)))
}

range_text <- function(min, max) {
  finite <- function(limit) is.finite(limit) && abs(limit) != .Machine$integer.max
  if (finite(min) && finite(max)) {
    paste("from", min, "to", max)
  } else if (finite(min)) {
    paste0("(", min, " or more)")
  } else if (finite(max)) {
    paste0("(", max, " or less)")
  } else {
    ""
  }
}

# Return the number that a text is in decimal notation, else NA.
strict_number <- function(text) {
  if (grepl("^ *[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)? *$", text)) as.numeric(text) else NA
}

# Names that SageMaker and its SDK add to a job; no algorithm declares them (T39, T49).
reserved <- function(names) {
  grepl("^(_|sagemaker_)", names) | names == "default_user_module_name"
}

# Undo the encodings of a hyperparameter's value.
#
# SDK 2 writes str() or json.dumps() of it, SDK 3 JSON but for bare strings. Quotes are taken off, null and None become
# NULL; any other text is left to the declared type, which knows whether `5` is a number or a name.
decode_hyperparameter <- function(text) {
  if (identical(text, "None") || identical(text, "null")) {
    return(NULL)
  }
  if (is.character(text) && grepl('^".*"$', text)) {
    return(tryCatch(parse_json(text), error = function(error) text))
  }
  text
}

# Turn the job's hyperparameters into the types of the `declared` ones, a list by name.
#
# Raises UserError, one line for each wrong value, for a name that is not declared or a value that does not fit.
typed_hyperparameters <- function(strings, declared) {
  given <- strings[!reserved(names(strings))]
  unknown <- setdiff(names(given), names(declared))
  problems <- vapply(unknown, unknown_sentence, "", known = names(declared))
  values <- list()
  for (name in names(declared)) {
    parameter <- declared[[name]]
    text <- given[[name]]
    if (is.null(text)) {
      if (is.null(parameter$default)) {
        problems <- c(problems, paste0("hyperparameter '", name, "' is missing: the job must set it", aside(parameter)))
      }
      values[name] <- parameter$default
      next
    }
    value <- typed_value(text, parameter)
    if (length(value) == 1 && is.atomic(value) && is.na(value)) {
      sentence <- paste0("hyperparameter '", name, "' is '", text, "': expected ", parameter$expected)
      problems <- c(problems, paste0(sentence, aside(parameter)))
    }
    values[name] <- list(value)
  }
  if (length(problems) > 0) {
    stop(user_error(paste(problems, collapse = "\n")))
  }
  values
}

typed_value <- function(text, parameter) {
  decoded <- decode_hyperparameter(text)
  if (!is.null(decoded)) {
    return(parameter$convert(as.character(decoded)))
  }
  # "null" may yet be meant as a text, such as somebody's name.
  if (identical(parameter$default, list(NULL))) NULL else parameter$convert(text)
}

aside <- function(parameter) {
  if (parameter$help == "") "" else paste0("; it is: ", parameter$help)
}

unknown_sentence <- function(name, known) {
  distances <- utils::adist(name, known)
  close <- known[distances <= nchar(name) / 2]
  paste0(
    "hyperparameter '",
    name,
    "' is unknown: ",
    if (length(close) > 0) paste0("did you mean '", close[[1]], "'? "),
    "algorithm.R declares ",
    if (length(known) == 0) "none" else paste(sort(known), collapse = ", ")
  )
}
