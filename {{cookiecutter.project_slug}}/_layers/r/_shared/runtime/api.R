# What algorithm.R may call, besides default_input_fn and default_output_fn (load.R); these names and their arguments
# stay. The rest of the runtime may change with any update, and algorithm.R does not see it, so that no function of a
# package is hidden by one of the same name.
public_names <- c(
  # What a job can set (training/hyperparameters.R).
  "integer_parameter",
  "number_parameter",
  "logical_parameter",
  "text_parameter",
  "json_parameter",
  # Tables as numbers, as a data frame, and one column as text (data/tables.R).
  "table_matrix",
  "table_frame",
  "table_column",
  # How a model is kept, for a model_fn that does a little more (adapter.R).
  "save_model",
  "load_model",
  # Errors whose message is shown to those who caused them (errors.R).
  "input_error",
  "http_error",
  "user_error"
)
