# The default input_fn and output_fn; those of algorithm.R may call them.

# Make both for what algorithm.R declares, `features` or `input_shape`; `algorithm` is a list or an environment.
#
#   input_fn(body, content_type, charset): a matrix, a data frame of the features, or an array of dim c(rows,
#     input_shape). Raises InputError for a body that cannot be read, 415 for another media type than the usual.
#   output_fn(predictions, accept): raw bytes. Raises 406 for another media type, and for predictions that it cannot
#     hold.
new_defaults <- function(algorithm, batch) {
  list(
    input_fn = function(body, content_type, charset = "utf-8") {
      if (!content_type %in% names(media_types)) {
        listed <- listed_types(media_types)
        stop(http_error(415L, "Content-Type '%s' is not supported: send one of %s", content_type, listed))
      }
      decode_body(body, media_types[[content_type]], charset, algorithm$features, algorithm$input_shape, batch)
    },
    output_fn = function(predictions, accept) {
      if (!accept %in% names(media_types)) {
        listed <- listed_types(media_types)
        stop(http_error(406L, "Accept '%s' cannot be met: ask for one of %s", accept, listed))
      }
      encode_predictions(predictions, media_types[[accept]], batch)
    }
  )
}

# Return media types as they stand in messages, each by one name.
listed_types <- function(types) {
  paste(sort(unique(vapply(types, usual_type, ""))), collapse = ", ")
}

# Return the name that a media type is answered with.
usual_type <- function(media_type) {
  if (media_type %in% names(media_types)) media_types[[media_type]] else media_type
}
