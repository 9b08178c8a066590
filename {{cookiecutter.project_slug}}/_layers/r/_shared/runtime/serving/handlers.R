# The four steps of an answer: model_fn, input_fn, predict_fn, output_fn; and save_fn, the counterpart of model_fn.
#
# The names and arguments are the SageMaker inference toolkit's. What algorithm.R defines is used; the rest has the
# defaults below, so that a `predict` is enough.

# Take each step from algorithm.R where it is defined, else its default:
#
#   save_fn(model, model_dir): writes what `train` returned
#   model_fn(model_dir) -> model
#   input_fn(body, content_type, charset) -> features; the body is raw bytes; algorithm.R's may leave out the charset
#   predict_fn(features, model) -> predictions
#   output_fn(predictions, accept) -> raw bytes or text, or a list of that as `body` and its `content_type`
#
# `content_types` and `response_types` are the media types that are accepted and returned, in lower case; NULL where
# algorithm.R's own function decides. Raises UserError for a declaration that is not valid, and for a save_fn without
# model_fn.
resolve_handlers <- function(algorithm, batch) {
  if (!is.null(algorithm$save_fn) && is.null(algorithm$model_fn)) {
    stop(user_error("algorithm.R has a save_fn and no model_fn(model_dir), which loads what save_fn wrote"))
  }
  shape <- algorithm$input_shape
  if (!is.null(shape) && !(is.numeric(shape) || all(is.na(shape))) || isTRUE(any(shape < 1))) {
    stop(user_error("input_shape in algorithm.R must be lengths, NA for any: for example c(28, 28) or c(NA, 3)"))
  }
  if (!is.null(algorithm$features) && is.null(names(algorithm$features))) {
    example <- "list(age = \"number\", city = \"text\")"
    stop(user_error("features in algorithm.R must give columns their kinds: for example %s", example))
  }
  require_kinds(algorithm$features)
  if (!is.null(algorithm$features) && !is.null(shape)) {
    stop(user_error("algorithm.R declares features, for columns, and input_shape, for arrays: keep one of them"))
  }
  defaults <- new_defaults(algorithm, batch)
  own <- function(name, default) if (is.null(algorithm[[name]])) default else algorithm[[name]]
  own_predict <- own("predict_fn", function(features, model) algorithm$predict(model, features))
  predict_fn <- function(features, model) {
    predictions <- own_predict(features, model)
    # With one of these of its own, algorithm.R alone knows what a row is.
    if (is.null(algorithm$input_fn) && is.null(algorithm$output_fn)) {
      require_one_for_each(features, predictions)
    }
    predictions
  }
  list(
    save_fn = own("save_fn", save_model),
    model_fn = own("model_fn", load_model),
    input_fn = with_charset(own("input_fn", defaults$input_fn)),
    predict_fn = predict_fn,
    output_fn = own("output_fn", defaults$output_fn),
    content_types = declared_types(algorithm, "supported_content_types", "input_fn"),
    response_types = declared_types(algorithm, "supported_response_mime_types", "output_fn")
  )
}

# Raise UserError where predictions are not one for each row of the features; a client could not tell whose is missing.
require_one_for_each <- function(features, predictions) {
  if (NROW(predictions) != NROW(features)) {
    counts <- sprintf("%d predictions for %d rows", NROW(predictions), NROW(features))
    stop(user_error("predict returned %s: return one for each row", counts))
  }
}

# Return an input_fn that can be called with the charset, whether or not it uses one.
with_charset <- function(input_fn) {
  if ("charset" %in% names(formals(input_fn))) {
    return(input_fn)
  }
  function(body, content_type, charset) input_fn(body, content_type)
}

# Return the media types of a declaration; without one the usual, or NULL where algorithm.R has the function.
#
# Raises UserError for anything but media types, and for types that need such a function.
declared_types <- function(algorithm, name, fn) {
  own <- !is.null(algorithm[[fn]])
  declared <- algorithm[[name]]
  if (is.null(declared)) {
    return(if (!own) names(media_types))
  }
  types <- tolower(unlist(declared))
  if (!is.character(unlist(declared)) || !all(grepl("/", types, fixed = TRUE))) {
    stop(user_error("%s in algorithm.R must be media types, for example c(\"image/png\")", name))
  }
  unknown <- setdiff(types, names(media_types))
  if (!own && length(unknown) > 0) {
    stop(user_error("%s in algorithm.R names %s, for which it needs an %s", name, paste(unknown, collapse = ", "), fn))
  }
  types
}
