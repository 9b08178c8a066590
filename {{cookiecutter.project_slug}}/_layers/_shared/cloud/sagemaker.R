# The actions of the cloud-... targets for R, by reticulate over the same Python.
#
#   source("cloud/sagemaker.R")
#   sm <- sagemaker() # the project's folder; sagemaker(local = TRUE) speaks with `make local-sagemaker`
#   sm$train()
#   sm$deploy()
#   sm$invoke(data.frame(x = 1:3))
#   sm$delete()
#
# It needs the package reticulate (r-cran-reticulate), and the environment that `make cloud/.venv/ready` makes.

# Return the actions as functions. `set` overrides settings of sagemaker.toml, as c("train.spot=true"); `yes`
# answers the questions before something is spent or deleted.
#
# Each function raises an error with a one-sentence message when it fails.
sagemaker <- function(project = ".", local = FALSE, yes = FALSE, set = character()) {
  project <- normalizePath(project)
  python <- file.path(project, "cloud", ".venv", "bin", "python")
  if (file.exists(python)) {
    Sys.setenv(RETICULATE_PYTHON = python)
  }
  program <- reticulate::import_from_path("cloud.__main__", path = project)
  image <- sub("^IMAGE := ", "", grep("^IMAGE := ", readLines(file.path(project, "Makefile")), value = TRUE))

  run <- function(action, ...) {
    flags <- c(if (local) "--local", if (yes) "--yes", rbind(rep("--set", length(set)), set))
    arguments <- as.list(c(action, "--project", image, flags, ...))
    tryCatch(program$main(arguments), error = function(error) {
      # Python's words, without the name of its exception and reticulate's advice.
      words <- sub("\n+Run `.*", "", conditionMessage(error))
      stop(trimws(sub("^[A-Za-z.]*Error: ", "", words)), call. = FALSE)
    })
    invisible()
  }
  option <- function(name, value) if (nzchar(value)) c(name, value)

  list(
    check = function() run("check"),
    train = function(resume = "") run("train", option("--resume", resume)),
    tune = function() run("tune"),
    deploy = function(job = "") run("deploy", option("--name", job)),
    # Answers one prediction for each row of a data frame, whose columns are the features in their order: a vector, or a
    # data frame where a prediction has several values.
    invoke = function(data) {
      files <- tempfile(c("rows", "answer"))
      on.exit(unlink(files))
      utils::write.table(data, files[[1]], sep = ",", row.names = FALSE, col.names = FALSE, na = "", qmethod = "double")
      types <- c("--content-type", "text/csv", "--accept", "text/csv")
      run("invoke", "--file", files[[1]], "--output", files[[2]], types)
      predictions <- utils::read.csv(files[[2]], header = FALSE)
      if (ncol(predictions) == 1) predictions[[1]] else predictions
    },
    transform = function(job = "", output = "") run("transform", option("--name", job), option("--output", output)),
    register = function(job = "") run("register", option("--name", job)),
    status = function() run("status"),
    logs = function(name = "") run("logs", option("--name", name)),
    delete = function(name = "", data = FALSE) run("delete", option("--name", name), if (data) "--data-too")
  )
}
