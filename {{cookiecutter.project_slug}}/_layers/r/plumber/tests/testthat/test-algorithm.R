# Your algorithm's own tests. They run without a container: `make test`.

algorithm <- load_algorithm(project, runtime)
sample_data <- file.path(project, "sample")

new_test_job <- function(folder = new_folder()) {
  runtime$new_job(runtime$paths_below(folder), runtime$hosts_from_config(NULL))
}

train <- function(job, ...) {
  channels <- runtime$channels_from_config(list(train = list()), sample_data)
  hyperparameters <- runtime$typed_hyperparameters(list(...), algorithm$hyperparameters)
  job$report <- function(...) NULL
  algorithm$train(channels, hyperparameters, job)
}

test_that("the line through the sample predicts what it should", {
  model <- train(new_test_job())
  expect_equal(algorithm$predict(model, matrix(1)), 881.3428400857504, tolerance = 1e-9)
  expect_true(all(model$standard_errors > 0))
})

test_that("a row of another width is refused", {
  model <- train(new_test_job(), resamples = "0")
  expect_error(algorithm$predict(model, matrix(1, 1, 2)), "each row has 2 values", class = "InputError")
})

test_that("an interrupted training ends like one that was not", {
  whole <- train(new_test_job(), resamples = "6000")
  job <- new_test_job()
  train(job, resamples = "4000")
  resumed <- train(job, resamples = "6000")
  expect_identical(resumed, whole)
})
