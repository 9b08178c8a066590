# What is loaded, and who sees what of it.

test_that("algorithm.R can call what is public, and nothing else of the runtime", {
  public <- paste(runtime$public_names, collapse = ", ")
  code <- sprintf("public <- list(%s); private <- function() json_text(1)", public)
  algorithm <- load_algorithm(new_project(code), runtime)
  expect_true(all(vapply(algorithm$public, is.function, NA)))
  expect_error(algorithm$private(), "could not find function \"json_text\"")
})

test_that("within the algorithm's predict, predict() is R's own", {
  code <- "predict <- function(model, x) predict(model, data.frame(speed = x))"
  algorithm <- load_algorithm(new_project(code), runtime)
  line <- lm(dist ~ speed, cars)
  expect_identical(algorithm$predict(line, cars$speed), predict(line))
})

test_that("the framework's adapter has the functions that the runtime calls", {
  expect_named(formals(runtime$save_model), c("model", "folder"))
  expect_named(formals(runtime$load_model), "folder")
})
