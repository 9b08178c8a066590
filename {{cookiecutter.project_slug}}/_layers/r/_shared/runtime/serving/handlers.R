# The four steps of an answer: model_fn, input_fn, predict_fn, output_fn.
#
# The names and arguments are the SageMaker inference toolkit's. What algorithm.R defines is used; the rest has the
# defaults below, so that a `predict` is enough.

# Take each step from algorithm.R where it is defined, else its default:
#
#   model_fn(model_dir) -> model
#   input_fn(body, content_type) -> features; the body is raw bytes
#   predict_fn(features, model) -> predictions
#   output_fn(predictions, accept) -> raw bytes or text, or a list of that as `body` and its `content_type`
resolve_handlers <- function(algorithm, batch) {
  default_input <- function(body, content_type) {
    parts <- strsplit(content_type, "; charset=", fixed = TRUE)[[1]]
    charset <- if (length(parts) == 2) parts[[2]] else "utf-8"
    decode_body(body, parts[[1]], charset, algorithm$features, batch)
  }
  default_predict <- function(features, model) algorithm$predict(model, features)
  default_output <- function(predictions, accept) encode_predictions(predictions, accept, batch)
  own <- function(name, default) if (is.null(algorithm[[name]])) default else algorithm[[name]]
  list(
    model_fn = own("model_fn", load_model),
    input_fn = own("input_fn", default_input),
    predict_fn = own("predict_fn", default_predict),
    output_fn = own("output_fn", default_output),
    own_input = !is.null(algorithm$input_fn),
    own_output = !is.null(algorithm$output_fn)
  )
}
