# `describe`: what the algorithm declares, as JSON, in the words of SageMaker's CreateAlgorithm and CreateModelPackage.
#
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterSpecification.html

# Print the declaration; returns the exit status, 1 where there is none.
describe_main <- function(project) {
  declared <- NULL
  sink(stderr()) # what algorithm.R prints when it is loaded
  error <- caught({
    expect_package("jsonlite")
    expect_package("RcppTOML")
    algorithm <- load_algorithm(project, parent.env(environment()))
    declared <- declaration(algorithm, read_sample(file.path(project, "sample", "sample.toml")))
  })
  sink()
  if (!is.null(error)) {
    error <- explain_library(error)
    message(if (!inherits(error, "UserError")) error$trace, "cannot describe: ", conditionMessage(error))
    return(1L)
  }
  cat(jsonlite::toJSON(declared, auto_unbox = TRUE), "\n", sep = "")
  0L
}

# Return the content of sample.toml, where channels and metrics are declared. Raises UserError if it cannot be read.
read_sample <- function(file) {
  tryCatch(RcppTOML::parseTOML(file, escape = FALSE), error = function(error) {
    stop(user_error(
      "sample/sample.toml, which declares channels and metrics, cannot be read: %s",
      conditionMessage(error)
    ))
  })
}

# Return what algorithm.R and sample.toml declare.
#
# SupportedHyperParameters, TrainingChannels, MetricDefinitions as in CreateAlgorithm; SupportedContentTypes and
# SupportedResponseMIMETypes as in CreateModelPackage: what algorithm.R declares, else the runtime's, or where the
# algorithm has an input_fn or an output_fn of its own, those of the sample's requests. Raises UserError where no
# hyperparameters are declared, or media types that make no sense.
declaration <- function(algorithm, sample) {
  if (is.null(algorithm$hyperparameters)) {
    stop(user_error("algorithm.R declares no hyperparameters"))
  }
  channels <- sample$training$channels
  taken <- declared_types(algorithm, "supported_content_types", "input_fn")
  given <- declared_types(algorithm, "supported_response_mime_types", "output_fn")
  of_requests <- function(key) I(unique(unlist(lapply(sample$requests, function(request) request[[key]]))))
  list(
    SupportedHyperParameters = unname(Map(
      hyperparameter_specification,
      names(algorithm$hyperparameters),
      algorithm$hyperparameters
    )),
    TrainingChannels = lapply(sort(names(channels)), function(name) {
      modes <- I(c("File", "FastFile"))
      list(Name = name, SupportedContentTypes = I(channels[[name]]), SupportedInputModes = modes)
    }),
    MetricDefinitions = lapply(sample$training$metrics, function(one) list(Name = one$Name, Regex = one$Regex)),
    SupportedContentTypes = if (is.null(taken)) of_requests("content_type") else I(taken),
    SupportedResponseMIMETypes = if (is.null(given)) {
      of_requests("accept")
    } else {
      I(unname(unique(sapply(given, usual_type))))
    }
  )
}

# Return the HyperParameterSpecification of a declared parameter.
hyperparameter_specification <- function(name, parameter) {
  found <- list(
    Name = name,
    Description = parameter$help,
    Type = parameter$kind,
    IsTunable = length(parameter$range) > 0,
    IsRequired = is.null(parameter$default)
  )
  if (found$IsTunable) {
    found$Range <- structure(list(parameter$range), names = paste0(parameter$kind, "ParameterRangeSpecification"))
  }
  default <- parameter$default[[1]]
  if (!is.null(default)) {
    found$DefaultValue <- default_text(default)
  }
  found
}

# Return a value as SageMaker passes it on: JSON, but texts as they are (T13).
default_text <- function(value) {
  if (is.character(value) && length(value) == 1) {
    value
  } else if (is.numeric(value) && length(value) == 1) {
    number_text(value)
  } else {
    as.character(jsonlite::toJSON(value, auto_unbox = TRUE, digits = NA))
  }
}
