# The SM_* variables of the SageMaker training toolkit, so that code written for it runs unchanged (contract T53).
#
# The platform itself sets none of them (T23).

# Return the variables of this job, a list by name; `config` holds the job's files by name without `.json`.
environment_variables <- function(paths, hosts, channels, strings, config) {
  values <- lapply(strings[!reserved(names(strings))], toolkit_value)
  resources <- config$resourceconfig
  text <- function(value) if (is.null(value)) "" else value
  variables <- list(
    SM_HOSTS = json_text(as.list(hosts$all)),
    SM_CURRENT_HOST = hosts$current,
    SM_NETWORK_INTERFACE_NAME = hosts$network_interface,
    SM_CURRENT_INSTANCE_TYPE = text(resources$current_instance_type),
    SM_CURRENT_INSTANCE_GROUP = text(resources$current_group_name),
    SM_INSTANCE_GROUPS = json_text(as.list(resources$instance_groups)),
    SM_RESOURCE_CONFIG = json_object(resources),
    SM_INPUT_DATA_CONFIG = json_object(config$inputdataconfig),
    SM_HPS = json_object(values),
    SM_CHANNELS = json_text(as.list(sort(names(channels)))),
    SM_INPUT_DIR = file.path(paths$base, "input"),
    SM_INPUT_CONFIG_DIR = paths$config,
    SM_MODEL_DIR = paths$model,
    SM_OUTPUT_DIR = file.path(paths$base, "output"),
    SM_OUTPUT_DATA_DIR = paths$output_data,
    SM_NUM_CPUS = cpu_count(),
    SM_NUM_GPUS = length(list.files("/dev", "^nvidia[0-9]+$")),
    SM_LOG_LEVEL = 20
  )
  for (name in names(channels)) {
    variables[[paste0("SM_CHANNEL_", toupper(name))]] <- channels[[name]]$path
  }
  for (name in names(values)) {
    value <- values[[name]]
    variables[[paste0("SM_HP_", toupper(name))]] <- if (is.character(value)) value else json_text(value)
  }
  variables
}

json_object <- function(values) {
  if (length(values) == 0) "{}" else json_text(values)
}

# Return the value that the toolkit would show in SM_HPS: JSON decoded where it is JSON.
toolkit_value <- function(text) {
  value <- decode_hyperparameter(text)
  if (!is.character(value)) {
    return(value)
  }
  tryCatch(parse_json(value), error = function(error) value)
}
