# The server's settings, from the environment (contract I4, I7, B1).

# Return how this container serves:
#   port: SAGEMAKER_BIND_TO_PORT, or 8080 (I7).
#   workers: processes that answer requests: SAGEMAKER_MODEL_SERVER_WORKERS, or one for each CPU (I21).
#   max_payload_mb: SAGEMAKER_MAX_PAYLOAD_IN_MB, or 100, the most that SageMaker ever sends (B3, I13).
#   batch: whether this is a batch transform job, SAGEMAKER_BATCH (B1).
#   timeout: seconds that a prediction may take: SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS, or 60, as long as SageMaker
#     waits for it (I13); 3600 in a batch transform job (B3).
#   queue: requests that may wait for a worker: SAGEMAKER_MODEL_SERVER_QUEUE, or 128.
# Raises UserError for a variable that is not a positive whole number.
settings_from_environment <- function() {
  batch <- tolower(Sys.getenv("SAGEMAKER_BATCH")) == "true"
  # 0 means that the body arrives in chunks of any total size (B3).
  max_payload_mb <- number_variable("SAGEMAKER_MAX_PAYLOAD_IN_MB", 100L, least = 0)
  list(
    port = number_variable("SAGEMAKER_BIND_TO_PORT", 8080L),
    workers = number_variable("SAGEMAKER_MODEL_SERVER_WORKERS", cpu_count()),
    max_payload_mb = if (max_payload_mb == 0) 100L else max_payload_mb,
    batch = batch,
    timeout = number_variable("SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", if (batch) 3600L else 60L),
    queue = number_variable("SAGEMAKER_MODEL_SERVER_QUEUE", 128L)
  )
}

# Return what a batch transform job should send at once; the product may not pass 100 MB (B2, B3).
execution_parameters <- function(settings) {
  list(
    MaxConcurrentTransforms = settings$workers,
    BatchStrategy = "MULTI_RECORD",
    MaxPayloadInMB = max(1L, min(6L, 100L %/% settings$workers))
  )
}

number_variable <- function(name, default, least = 1) {
  text <- Sys.getenv(name)
  if (text == "") {
    return(default)
  }
  if (!grepl("^[0-9]{1,9}$", text) || as.integer(text) < least) {
    stop(user_error("environment variable %s is '%s': expected a whole number, %s or more", name, text, least))
  }
  as.integer(text)
}
