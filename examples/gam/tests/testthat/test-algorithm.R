# Tests without a container: `make test`.

train <- function() {
  channels <- runtime$test_channels(file.path(project, "sample"), "train")
  job <- runtime$test_job()
  job$report <- function(...) NULL
  algorithm$train(channels, runtime$test_hyperparameters(algorithm), job)
}

test_that("heat makes ozone and wind blows it away", {
  days <- data.frame(temperature = c(10, 30, 30), wind = c(2, 2, 10), station = "park")
  ozone <- algorithm$predict(train(), days)
  expect_gt(ozone[[2]], ozone[[1]])
  expect_gt(ozone[[2]], ozone[[3]])
})

test_that("an unknown station is refused", {
  day <- data.frame(temperature = 10, wind = 2, station = "sea")
  expect_error(algorithm$predict(train(), day), "there is no station 'sea'", class = "InputError")
})
