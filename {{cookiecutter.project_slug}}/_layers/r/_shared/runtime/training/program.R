# `train`: the program that SageMaker starts for a training job (contract section 1).

config_files <- c("hyperparameters", "inputdataconfig", "resourceconfig")

# Run the training job; returns the exit status: 0, or 1 with the reason in the failure file (T33).
train_main <- function(project) {
  paths <- paths_from_environment()
  error <- caught(run_training(project, paths))
  if (is.null(error)) {
    return(0L)
  }
  error <- explained(error, paths)
  expected <- inherits(error, c("UserError", "InputError"))
  message(if (!expected) error$trace, class(error)[[1]], ": ", conditionMessage(error))
  write_failure(paths$failure, error)
  1L
}

# Train on this host and save the model.
run_training <- function(project, paths) {
  expect_package("jsonlite")
  config <- sapply(
    config_files,
    function(name) read_json(file.path(paths$config, paste0(name, ".json"))),
    simplify = FALSE
  )
  strings <- config$hyperparameters
  hosts <- hosts_from_config(config$resourceconfig)
  channels <- channels_from_config(config$inputdataconfig, paths$data)
  job <- new_job(paths, hosts)
  do.call(Sys.setenv, environment_variables(paths, hosts, channels, strings, config))
  limit_threads(cpu_count())
  expect_package("data.table") # which reads how many threads it may use

  # Late, because the numeric libraries that it loads read the variables set above.
  algorithm <- load_algorithm(project, parent.env(environment()))
  handlers <- resolve_handlers(algorithm, batch = FALSE) # fails now, not after hours of training

  if (!framework$distributes) {
    if (!hosts$is_first) {
      first <- hosts$all[[1]]
      cat(hosts$current, ": this framework trains on the first host, ", first, "; nothing to do here\n", sep = "")
      return()
    }
    if (hosts$size > 1) {
      require_whole_channels(config$inputdataconfig)
    }
  }
  dir.create(paths$model, showWarnings = FALSE, recursive = TRUE)
  dir.create(paths$output_data, showWarnings = FALSE, recursive = TRUE)
  hyperparameters <- hyperparameters_of(algorithm, strings)
  model <- withCallingHandlers(
    call_train(algorithm, channels, hyperparameters, job),
    error = function(error) resumed_error(error, job$checkpoints$resumed())
  )
  if (!is.null(model)) {
    handlers$save_fn(model, paths$model)
  } else if (length(list.files(paths$model, all.files = TRUE, no.. = TRUE)) == 0) {
    stop(user_error("train() in algorithm.R returned NULL and left nothing in job$model_folder: return the model"))
  }
  if (!job$stopping()) {
    # else at most 120 s are left (T4)
    if (is.null(model) && is.null(algorithm$model_fn)) {
      stop(user_error(paste(
        "train() in algorithm.R returned NULL: return the model, or define model_fn(model_dir),",
        "which loads what it left in job$model_folder"
      )))
    }
    serve_once(algorithm, handlers, paths, channels)
  }
  cat("training has ended, the model is saved\n")
}

# Return the content of one of the job's files, or NULL where it is missing. Raises UserError if it is not JSON.
read_json <- function(path) {
  if (!file.exists(path)) {
    return(NULL)
  }
  text <- rawToChar(readBin(path, "raw", file.size(path)))
  tryCatch(parse_json(text), error = function(error) {
    stop(user_error("%s is not JSON: %s", path, sub("\n.*", "", conditionMessage(error))))
  })
}

# Return the hyperparameters as algorithm.R declares them; as plain texts where it declares none.
hyperparameters_of <- function(algorithm, strings) {
  if (is.null(algorithm$hyperparameters)) {
    return(lapply(strings, decode_hyperparameter))
  }
  typed_hyperparameters(strings, algorithm$hyperparameters)
}

# Call `train`, with the job if it takes one.
call_train <- function(algorithm, channels, hyperparameters, job) {
  if ("job" %in% names(formals(algorithm$train))) {
    return(algorithm$train(channels, hyperparameters, job = job))
  }
  interrupt_at_sigterm()
  algorithm$train(channels, hyperparameters)
}

# Raise an error again, with the name of the checkpoint that the job was resumed from, if it was.
resumed_error <- function(error, checkpoint) {
  if (!is.null(checkpoint) && is.null(error$note) && !inherits(error, c("UserError", "InputError"))) {
    error$note <- sprintf("resumed from checkpoint %s: delete it if it is not this job's", checkpoint)
    stop(error)
  }
}

# Return the error to report: for a full disk or a missing library one that tells the user what to do.
explained <- function(error, paths) {
  message <- conditionMessage(error)
  if (!grepl("No space left on device", message, fixed = TRUE, useBytes = TRUE)) {
    return(explain_library(error))
  }
  user_error("the disk is full (%s): give the job a larger VolumeSizeInGB, or write less to %s", message, paths$base)
}
