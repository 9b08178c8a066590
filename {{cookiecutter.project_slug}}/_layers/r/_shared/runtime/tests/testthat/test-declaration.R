# `describe`: what algorithm.R and sample.toml declare, in SageMaker's words.

sample_toml <- '
[training]
channels = { train = "text/csv", labels = "application/json" }
metrics = [{ Name = "train:rmse", Regex = "train:rmse=(\\\\S+)" }]

[[requests]]
content_type = "image/png"
accept = "application/json"
body = "x"
'
declaring <- '
cat("a word on loading\\n")
hyperparameters <- list(
  trees = integer_parameter(100, min = 1, help = "how many aren\'t \\"few\\""),
  rate = number_parameter(0.1, min = 0, max = 1),
  loss = text_parameter("squared", choices = c("squared", "absolute")),
  fast = logical_parameter(TRUE),
  depth = integer_parameter(NULL, max = 9),
  layers = json_parameter(c(8, 8)),
  name = text_parameter()
)
'

# Run `describe` of a project; returns its output, standard error and exit status.
describe <- function(code, sample = sample_toml) {
  project <- new_project(code)
  write_text(sample, project, "sample", "sample.toml")
  log <- tempfile()
  output <- suppressWarnings(system2(file.path(project, "runtime", "describe"), stdout = TRUE, stderr = log))
  list(output = output, log = readLines(log), status = c(attr(output, "status"), 0L)[[1]])
}

test_that("hyperparameters have their types, ranges and help", {
  result <- describe(declaring)
  expect_identical(result$status, 0L)
  found <- jsonlite::parse_json(result$output)$SupportedHyperParameters
  names(found) <- vapply(found, function(one) one$Name, "")
  ranges <- Filter(Negate(is.null), lapply(found, function(one) one$Range))
  integers <- function(lowest, highest) {
    list(IntegerParameterRangeSpecification = list(MinValue = lowest, MaxValue = highest))
  }
  categories <- function(...) list(CategoricalParameterRangeSpecification = list(Values = list(...)))
  expect_identical(
    ranges,
    list(
      trees = integers("1", "2147483647"),
      rate = list(ContinuousParameterRangeSpecification = list(MinValue = "0", MaxValue = "1")),
      loss = categories("squared", "absolute"),
      fast = categories("true", "false"),
      depth = integers("-2147483647", "9")
    )
  )
  expect_identical(found$trees$Description, "how many aren't \"few\"")
  expect_identical(
    found$layers,
    list(
      Name = "layers",
      Description = "",
      Type = "FreeText",
      IsTunable = FALSE,
      IsRequired = FALSE,
      DefaultValue = "[8,8]"
    )
  )
  expect_identical(names(Filter(function(one) one$IsRequired, found)), "name")
  defaults <- lapply(found, function(one) one$DefaultValue)
  expect_identical(unlist(defaults[1:4], use.names = FALSE), c("100", "0.1", "squared", "true"))
  expect_null(defaults$depth)
})

test_that("channels, metrics and content types are those of the sample and the runtime", {
  declared <- jsonlite::parse_json(describe(declaring)$output)
  expect_identical(
    lapply(declared$TrainingChannels, function(one) c(one$Name, unlist(one$SupportedContentTypes))),
    list(c("labels", "application/json"), c("train", "text/csv"))
  )
  expect_identical(declared$MetricDefinitions, list(list(Name = "train:rmse", Regex = "train:rmse=(\\S+)")))
  expect_true("application/x-npy" %in% declared$SupportedContentTypes)
  expect_identical(declared$SupportedResponseMIMETypes[1:2], list("text/csv", "application/json"))
})

test_that("an algorithm that reads requests itself takes what the sample sends", {
  own <- "input_fn <- function(body, content_type) body\noutput_fn <- function(predictions, accept) ''\n"
  declared <- jsonlite::parse_json(describe(paste0(declaring, own))$output)
  expect_identical(declared$SupportedContentTypes, list("image/png"))
  expect_identical(declared$SupportedResponseMIMETypes, list("application/json"))
})

test_that("without a declaration a line says so", {
  result <- describe("predict <- function(model, features) features\n")
  expect_identical(result$status, 1L)
  expect_identical(result$log, "cannot describe: algorithm.R declares no hyperparameters")
  expect_length(result$output, 0)
})

test_that("a sample that cannot be read is said in a line", {
  result <- describe(declaring, "[training")
  expect_identical(result$status, 1L)
  expect_match(paste(result$log, collapse = " "), "sample.toml, which declares channels and metrics, cannot be read")
})
