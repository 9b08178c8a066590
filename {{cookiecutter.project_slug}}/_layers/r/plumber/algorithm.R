# Your algorithm. THIS IS THE FILE YOU EDIT: hyperparameters, train and predict.
#
# The example fits a straight line (ordinary least squares) and estimates by bootstrap how sure its coefficients are.
# Replace it with your own; `make local-test` then shows whether SageMaker will take it.

checkpoint_every <- 2000 # resamples

# What a job can set: SageMaker's strings arrive in `train` with the types, limits and defaults below.
hyperparameters <- list(
  resamples = integer_parameter(200, min = 0, help = "bootstrap resamples behind the standard errors"),
  seed = integer_parameter(0, min = 0, help = "seed of the resampling")
)

# Fit the model to the `train` channel: CSV without header, the target in the first column.
#
# Whatever is returned is saved for `predict`. `job` may be left out of the signature; it is what a long training needs:
# checkpoints, the signal to stop, metrics.
train <- function(channels, hyperparameters, job) {
  data <- do.call(rbind, lapply(channels$train$tables(header = FALSE), table_matrix))
  target <- data[, 1]
  features <- data[, -1, drop = FALSE]
  if (ncol(features) == 0) {
    stop(user_error("channel 'train' has one column, the target: put the features into the columns behind it"))
  }
  line <- lm(target ~ features)
  job$report("train:rmse" = sqrt(mean(residuals(line)^2)))
  list(
    coefficients = unname(coef(line)),
    standard_errors = standard_errors(features, target, hyperparameters, job)
  )
}

# Predict one number for each row of `features`, a matrix of numbers. (With `features <- list(age = "number", city =
# "text")` above it would be a data frame with these columns.)
#
# An input_error becomes an answer with status 400 that shows its message. Within this function predict() is R's own, so
# that a model of class "lm", say, could be asked with predict(model, newdata).
predict <- function(model, features) {
  expected <- length(model$coefficients) - 1
  if (ncol(features) != expected) {
    stop(input_error("each row has %s values, the model was trained on %s", ncol(features), expected))
  }
  drop(cbind(1, features) %*% model$coefficients)
}

# The standard deviation of the coefficients over bootstrap resamples of the rows.
#
# Shows what a long training does: it takes up the last checkpoint, leaves one now and then, and ends early, with what
# it has, when SageMaker stops the job.
standard_errors <- function(features, target, hyperparameters, job) {
  design <- cbind(1, features)
  set.seed(hyperparameters$seed)
  state <- list(done = 0, total = 0, squares = 0)
  checkpoint <- job$checkpoints$latest()
  if (!is.null(checkpoint)) {
    state <- readRDS(checkpoint)
    assign(".Random.seed", state$random, envir = globalenv())
  }

  while (state$done < hyperparameters$resamples && !job$stopping()) {
    rows <- sample.int(length(target), replace = TRUE)
    sample <- .lm.fit(design[rows, , drop = FALSE], target[rows])$coefficients
    state$done <- state$done + 1
    state$total <- state$total + sample
    state$squares <- state$squares + sample^2
    if (state$done %% checkpoint_every == 0) {
      job$report(resamples = state$done)
      state$random <- get(".Random.seed", envir = globalenv())
      job$checkpoints$write(state$done, function(path) saveRDS(state, path), ".rds")
    }
  }

  if (state$done < 2) {
    return(rep(NA_real_, ncol(design)))
  }
  sqrt(pmax(state$squares - state$total^2 / state$done, 0) / (state$done - 1))
}
