# What the runtime offers to tests of algorithm.R.

test_that("train can be called without a container, with what it would receive", {
  code <- "
    hyperparameters <- list(depth = integer_parameter(3, min = 1), rate = number_parameter(0.1))
    train <- function(channels, hyperparameters, job) {
      job$checkpoints$write(1, function(path) saveRDS(1, path))
      file.create(file.path(job$model_folder, 'model'), file.path(job$output_folder, 'plot'))
      c(hyperparameters, rows = nrow(table_matrix(channels$train$tables(header = FALSE)[[1]])))
    }"
  algorithm <- load_algorithm(new_project(code), runtime)
  folder <- new_folder()
  write_text("1,2\n3,4\n", folder, "train", "part.csv")
  write_text("", folder, "processing", "script.R")
  job <- runtime$test_job()
  channels <- runtime$test_channels(folder, "train")
  expect_named(channels, "train")
  hyperparameters <- runtime$test_hyperparameters(algorithm, depth = 5)
  model <- algorithm$train(channels, hyperparameters, job)
  expect_identical(model, list(depth = 5L, rate = 0.1, rows = 2L))
  expect_true(all(file.exists(file.path(job$model_folder, "model"), file.path(job$output_folder, "plot"))))
  expect_output(expect_false(is.null(job$checkpoints$latest())), "resuming")
  expect_error(runtime$test_hyperparameters(algorithm, depth = 0), "'depth' is '0'", class = "UserError")
})
