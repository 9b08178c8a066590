# What is loaded, and who sees what of it.

test_that("algorithm.R can call what is public, and nothing else of the runtime", {
  public <- paste(runtime$public_names, collapse = ", ")
  code <- sprintf("public <- list(%s); private <- function() json_text(1)", public)
  algorithm <- load_algorithm(new_project(code), runtime)
  expect_true(all(vapply(algorithm$public, is.function, NA)))
  expect_error(algorithm$private(), "could not find function \"json_text\"")
})

test_that("a package that is missing is named with what to do", {
  for (code in c("library(notThere)", "beginning <- notThere::beginning()")) {
    expect_error(
      load_algorithm(new_project(code), runtime),
      "the R package 'notThere' is missing, which algorithm.R loads: add it to packages.txt, as r-cran-notthere where",
      class = "UserError"
    )
  }
})

test_that("no two files of the runtime define the same name", {
  files <- list.files(runtime_folder, "\\.R$", recursive = TRUE, full.names = TRUE)
  files <- files[!grepl("/main\\.R$|/tests/", files)]
  defined <- unlist(lapply(files, function(file) {
    assigned <- Filter(function(one) is.call(one) && identical(one[[1]], as.name("<-")), as.list(parse(file)))
    vapply(assigned, function(one) deparse(one[[2]]), "")
  }))
  expect_identical(defined[duplicated(defined)], character())
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
