# Your algorithm's own tests. They run without a container: `make test`.

train <- function(job, ...) {
  channels <- runtime$test_channels(file.path(project, "sample"), "train")
  job$report <- function(...) NULL
  algorithm$train(channels, runtime$test_hyperparameters(algorithm, ...), job)
}

test_that("the line through the sample predicts what it should", {
  model <- train(runtime$test_job())
  expect_equal(algorithm$predict(model, matrix(1)), 881.3428400857504, tolerance = 1e-9)
  expect_true(all(model$standard_errors > 0))
})

test_that("a row of another width is refused", {
  model <- train(runtime$test_job(), resamples = 0)
  expect_error(algorithm$predict(model, matrix(1, 1, 2)), "each row has 2 values", class = "InputError")
})

test_that("an interrupted training ends like one that was not", {
  whole <- train(runtime$test_job(), resamples = 6000)
  job <- runtime$test_job()
  train(job, resamples = 4000)
  resumed <- train(job, resamples = 6000)
  expect_identical(resumed, whole)
})
