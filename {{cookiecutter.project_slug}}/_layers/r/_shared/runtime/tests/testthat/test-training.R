# The training half of the runtime, without a container.

declared <- local(
  {
    list(
      depth = integer_parameter(3, min = 1, max = 9, help = "of the tree"),
      rate = number_parameter(0.1),
      fast = logical_parameter(FALSE),
      name = text_parameter("tree"),
      loss = text_parameter("squared", choices = c("squared", "absolute")),
      layers = json_parameter(integer()),
      seed = integer_parameter(NULL)
    )
  },
  envir = runtime
)

typed <- function(...) runtime$typed_hyperparameters(list(...), declared)

test_that("all encodings of a hyperparameter mean the same", {
  expected <- typed(depth = "5", rate = "0.5", fast = "True", name = "abc", layers = "[1, 2]", seed = "None")
  expect_identical(
    expected,
    list(depth = 5L, rate = 0.5, fast = TRUE, name = "abc", loss = "squared", layers = 1:2, seed = NULL)
  )
  expect_identical(
    typed(depth = "5", rate = "0.5", fast = "true", name = '"abc"', layers = "[1,2]", seed = "null"),
    expected
  )
  expect_identical(
    typed(depth = "5", rate = "5e-1", fast = "1", name = "abc", layers = "[1,2]", "_tuning_objective_metric" = "x"),
    expected
  )
})

test_that("text that looks like JSON stays text where text is declared", {
  expect_identical(typed(name = "null")$name, "null")
  expect_identical(typed(name = "5")$name, "5")
  expect_identical(typed(name = "[1]")$name, "[1]")
})

test_that("a wrong hyperparameter is explained in a sentence", {
  expect_error(typed(depth = "many"), "'depth' is 'many': expected a whole number from 1 to 9; it is: of the tree")
  expect_error(typed(depth = "12"), "'depth' is '12'", class = "UserError")
  expect_error(typed(depth = "2.5"), "'depth' is '2.5'")
  expect_error(typed(rate = "NaN"), "'rate' is 'NaN': expected a number")
  expect_error(typed(fast = "maybe"), "true or false")
  expect_error(typed(loss = "cubic"), "one of squared, absolute")
  expect_error(typed(layers = "[1"), "expected JSON")
  expect_error(typed(detph = "5"), "'detph' is unknown: did you mean 'depth'?", fixed = TRUE)
  required <- list(depth = runtime$integer_parameter())
  expect_error(runtime$typed_hyperparameters(list(), required), "'depth' is missing: the job must set it")
})

test_that("the failure reason keeps the message and the end of the traceback in 1024 characters", {
  deep <- function(level) if (level > 0) deep(level - 1) else stop("the cause ", strrep("x", 3000))
  reason <- runtime$failure_reason(runtime$caught(deep(50)))
  expect_lte(nchar(reason), 1024)
  expect_match(reason, "^simpleError: the cause")
  expect_match(reason, "deep\\(level - 1\\)")
  expect_identical(runtime$failure_reason(runtime$user_error("do %s", "this")), "UserError: do this")
})

test_that("channels come from the config and not from the folders beside them", {
  data <- new_folder()
  write_text("1,2\n", data, "a.b-c_d", "deep", "part.csv")
  write_text("x", data, "a.b-c_d", ".hidden")
  write_text("{}", data, "a.b-c_d-manifest")
  channels <- runtime$channels_from_config(list("a.b-c_d" = list(TrainingInputMode = "File")), data)
  expect_identical(basename(channels$`a.b-c_d`$files()), "part.csv")
  expect_error(channels$training, "'training' is missing: the job has a.b-c_d", class = "UserError")
  expect_error(channels[["a.b"]], "'a.b' is missing")
  expect_named(runtime$channels_from_config(NULL, data), "a.b-c_d")
})

test_that("where only training arrives it is read as train", {
  data <- new_folder()
  for (name in c("train", "training", "validation")) {
    dir.create(file.path(data, name))
  }
  channels <- runtime$channels_from_config(list(training = list(), validation = list()), data)
  line <- "channel 'train' is missing: reading 'training' instead"
  expect_identical(capture.output(writeLines(channels$train$path)), c(line, file.path(data, "training")))
  expect_named(channels, c("training", "validation"))
  both <- runtime$channels_from_config(list(train = list(), training = list()), data)
  expect_silent(expect_identical(both$train$path, file.path(data, "train")))
  others <- runtime$channels_from_config(list(validation = list()), data)
  expect_error(others$train, "'train' is missing: the job has validation", class = "UserError")
})

test_that("an empty channel, a lost one and Pipe mode are explained", {
  data <- new_folder()
  dir.create(file.path(data, "training"))
  from_config <- runtime$channels_from_config
  expect_error(from_config(list(training = list()), data)$training$files(), "no files")
  expect_error(from_config(list(lost = list()), data), "no folder")
  expect_error(from_config(list(training = list(TrainingInputMode = "Pipe")), data), "Pipe mode")
})

test_that("a channel of which the only host that trains has a part is refused", {
  sharded <- list(training = list(S3DistributionType = "ShardedByS3Key"))
  expect_error(runtime$require_whole_channels(sharded), "channel 'training' is ShardedByS3Key, but only one host")
  expect_silent(runtime$require_whole_channels(list(training = list(S3DistributionType = "FullyReplicated"))))
})

test_that("bad training data names the file and the line", {
  data <- new_folder()
  write_text("1,2\n3\n", data, "training", "part.csv")
  channels <- runtime$channels_from_config(list(training = list()), data)
  expect_error(
    lapply(channels$training$tables(header = FALSE), runtime$table_matrix),
    "training/part.csv, line 2 has 1 values, expected 2",
    class = "InputError"
  )
})

test_that("what others leave in a channel is skipped, and files that do not fit together are named", {
  data <- new_folder()
  left <- c("_SUCCESS", "_temporary/part.csv", ".x.csv.crc", "data_$folder$", "empty.csv", "only-header.csv")
  for (name in left) {
    write_text(if (name == "only-header.csv") "x,y\n" else "", data, "train", name)
  }
  write_text("x,y\n1,2\n", data, "train", "a.csv")
  channel <- runtime$channels_from_config(list(train = list()), data)$train
  tables <- NULL
  log <- capture.output({
    tables <- channel$tables(header = TRUE)
  })
  expect_identical(lapply(tables, runtime$table_matrix), list(rbind(c(1, 2))))
  for (name in left) {
    expect_true(any(startsWith(log, paste0("skipped train/", name, ": "))))
  }
  write_text("y,x\n1,2\n", data, "train", "b.csv")
  both <- "train/b.csv has the columns y, x, train/a.csv has x, y"
  expect_error(capture.output(channel$tables(header = TRUE)), both, class = "InputError")
  write_text("5,1,2\n5,1,2\n", data, "train", "b.csv")
  expect_error(capture.output(channel$tables(header = TRUE)), "train/b.csv has 3 columns, train/a.csv has 2")
})

test_that("large and compressed files are read by data.table as the strict reader reads them", {
  data <- new_folder()
  rows <- sprintf("%d,%.17g", 1:9999, (1:9999) / 7)
  file <- write_text("", data, "train", "a.csv.gz")
  compressed <- function(lines) {
    connection <- gzfile(file, "w")
    writeLines(lines, connection)
    close(connection)
    runtime$channels_from_config(list(train = list()), data)$train$tables(header = FALSE)[[1]]
  }
  table <- compressed(rows)
  expect_false(is.null(runtime$fast_numbers(table)))
  expect_equal(runtime$table_matrix(table), cbind(1:9999, (1:9999) / 7), tolerance = 1e-15)
  table <- compressed(replace(rows, 400, "400,x"))
  expect_error(runtime$table_matrix(table), "train/a.csv.gz, line 400, value 2: 'x'")

  write_text(paste0(rep(rows, 10), "\r\n", collapse = ""), data, "train", "it's \u00e9.csv")
  large <- runtime$channels_from_config(list(train = list()), data)$train$tables(header = FALSE)[[2]]
  expect_null(large$text)
  expect_false(is.null(runtime$fast_numbers(large)))
  expect_identical(runtime$table_matrix(large), runtime$table_matrix(runtime$with_cells(large)))

  texts <- c("Oslo", '"a, b"', '"say ""no"""', "NA", '"NA"', "", '""', '"two\nlines"', " caf\u00e9 ")
  numbers <- c("1", "-.5", "", '"5"', "NA")
  lines <- paste(rep(texts, 2000), rep(numbers, length.out = 18000), sep = ",")
  table <- runtime$csv_table(paste0(lines, "\n", collapse = ""), function(cells, quoted) FALSE)
  features <- list(city = "text", age = "number")
  fast <- runtime$fast_frame(table, features)
  expect_false(is.null(fast))
  expect_identical(as.data.frame(fast), runtime$table_frame(runtime$with_cells(table), features))

  # What data.table alone would read otherwise: a first row of another width, a tab behind a cell, its own numbers.
  large <- function(first, rest) {
    text <- paste0(c(first, rep(rest, 10000)), "\n", collapse = "")
    runtime$csv_table(text, function(cells, quoted) FALSE)
  }
  expect_error(runtime$table_matrix(large("1", "1,2")), "line 2 has 2 values, expected 1", class = "InputError")
  expect_identical(runtime$table_frame(large("a\t,1", "b,2"), features)$city[[1]], "a")
  for (number in c("#N/A", "0x1p3", "Inf", '""', '"NA"', '" 5"')) {
    expect_error(runtime$table_frame(large(paste0("a,", number), "b,2"), features), "line 1", class = "InputError")
  }
})

test_that("what is no checkpoint of ours is skipped with a line in the log", {
  folder <- new_folder()
  write_text("{}", folder, "checkpoint-500", "trainer_state.json")
  write_text("", folder, "checkpoint-000000000007.rds")
  checkpoints <- runtime$new_checkpoints(folder)
  log <- capture.output(expect_null(checkpoints$latest()))
  expect_identical(log[[1]], "skipped checkpoint-000000000007.rds in the checkpoint folder: it is empty")
  expect_identical(log[[2]], "skipped checkpoint-500 in the checkpoint folder: it is not this job's")
})

test_that("a table gives its columns by name", {
  table <- runtime$read_csv("age,\"city\"\n31,\"Oslo, \"\"N\"\"\nwest\"\n\n40,\n", header = TRUE)
  expect_equal(table$lines, c(2, 5))
  frame <- runtime$table_frame(table, list(city = "text", age = "number"))
  expect_identical(frame, data.frame(city = c("Oslo, \"N\"\nwest", NA), age = c(31, 40)))
  expect_identical(runtime$table_column(table, "age"), c("31", "40"))
  expect_identical(runtime$table_column(table, "age", "number"), c(31, 40))
  expect_error(runtime$table_column(table, "age", "integer"), "column 'age' is declared as", class = "UserError")
  expect_error(runtime$table_frame(table, list(age = "integer")), "column 'age' is declared as", class = "UserError")
  text <- runtime$read_csv("age\nold\n", header = TRUE)
  expect_error(runtime$table_column(text, "age", "number"), "line 2, column 'age': 'old' is not a number")
  expect_error(runtime$table_column(table, "city"), "line 5, column 'city': it is empty")
  expect_error(runtime$table_column(table, "town"), "column 'town' is missing; the header has age, city")
})

test_that("an unfinished checkpoint is never the latest", {
  folder <- new_folder()
  checkpoints <- runtime$new_checkpoints(folder)
  expect_null(checkpoints$latest())
  checkpoints$write(9, function(path) write_text("nine", path))
  checkpoints$write(10, function(path) write_text("ten", path))
  expect_error(
    checkpoints$write(11, function(path) {
      write_text("elev", path)
      stop("disk full")
    }),
    "full"
  )
  write_text("left by a kill", folder, ".unfinished-checkpoint-000000000012")
  expect_output(
    expect_identical(readLines(checkpoints$latest(), warn = FALSE), "ten"),
    "resuming from checkpoint checkpoint-000000000010"
  )
  expect_length(list.files(folder, all.files = TRUE, no.. = TRUE), 1)
})

test_that("hosts of every age are understood", {
  cloud <- runtime$hosts_from_config(list(
    current_host = "algo-2",
    hosts = list("algo-2", "algo-1"),
    network_interface_name = "eth1",
    topology = NULL
  ))
  expect_identical(cloud[c("rank", "size", "is_first")], list(rank = 1L, size = 2L, is_first = FALSE))
  expect_identical(cloud$network_interface, "eth1")
  expect_true(runtime$hosts_from_config(list(current_host = "x", hosts = list("x")))$is_first)
  expect_true(runtime$hosts_from_config(NULL)$is_first)
})

test_that("the CPU quota of both cgroup versions is read", {
  folder <- new_folder()
  expect_identical(runtime$cpu_quota(folder), Inf)
  write_text("150000\n", folder, "cpu", "cpu.cfs_quota_us")
  write_text("100000\n", folder, "cpu", "cpu.cfs_period_us")
  expect_identical(runtime$cpu_quota(folder), 1.5)
  write_text("max 100000\n", folder, "cpu.max")
  expect_identical(runtime$cpu_quota(folder), Inf)
  write_text("200000 100000\n", folder, "cpu.max")
  expect_identical(runtime$cpu_quota(folder), 2)
})

test_that("packages.txt is read, and CRAN's packages need a day", {
  file <- write_text(
    "# note\nr-cran-rcpp # fast\nsnapshot 2026-11-02\ndebian libglpk40\nisotree\n",
    new_folder(),
    "packages.txt"
  )
  expect_identical(
    runtime$read_packages(file),
    list(debian = "r-cran-rcpp", cran = "isotree", snapshot = "2026-11-02")
  )
  write_text("isotree\n", file)
  expect_error(runtime$read_packages(file), "snapshot YYYY-MM-DD")
  write_text("r-cran-unheard-of\n", file)
  expect_error(runtime$expect_installed(file), "not installed here: r-cran-unheard-of", class = "UserError")
})

# A project with an algorithm of the test's own, and a function that runs its `train`.
new_job <- function(code, hyperparameters = list()) {
  folder <- new_project(code)
  base <- file.path(folder, "ml")
  write_text(runtime$json_object(hyperparameters), base, "input", "config", "hyperparameters.json")
  read <- function(...) paste(readLines(file.path(base, ...)), collapse = "\n")
  run <- function(more = "", variables = "") {
    script <- paste0(
      "exec 2>&1; ",
      variables,
      " SAGEMAKER_BASE_DIR='",
      base,
      "' sh '",
      folder,
      "/runtime/train' & r=$!; ",
      more,
      " wait $r"
    )
    suppressWarnings(system(script, intern = TRUE)) # which warns of a job that fails
  }
  list(base = base, read = read, run = run)
}

status <- function(output) {
  code <- attr(output, "status")
  if (is.null(code)) 0L else code
}

test_that("a training that fails after it was resumed names the checkpoint", {
  job <- new_job("train <- function(channels, hyperparameters, job) stop('not a model: ', job$checkpoints$latest())")
  write_text("foreign", job$base, "checkpoints", "checkpoint-000000000007.rds")
  expect_identical(status(job$run()), 1L)
  first <- strsplit(job$read("output", "failure"), "\n")[[1]][[1]]
  expect_match(
    first,
    "^simpleError: not a model: .*[(]resumed from checkpoint checkpoint-000000000007.rds: delete it if"
  )
})

test_that("an error in train writes the failure file and ends with 1", {
  job <- new_job("train <- function(channels, hyperparameters) stop('no convergence')")
  expect_identical(status(job$run()), 1L)
  expect_match(job$read("output", "failure"), "^simpleError: no convergence\n.*algorithm\\$train")
})

test_that("files of any name are read in order of their bytes, and can be named in messages, in any language", {
  skip_on_os("mac") # where every name is UTF-8
  names <- c("B", "a-b", "a/b", "\xc3\xa9", "\xff")
  code <- "train <- function(channels, hyperparameters) { lapply(channels$train$tables(header = FALSE), table_matrix); %s }"
  for (language in c("LC_ALL=C", "LC_ALL=C.UTF-8")) {
    fill <- function(job, texts) {
      folder <- file.path(job$base, "input", "data", "train")
      dir.create(file.path(folder, "a"), showWarnings = FALSE, recursive = TRUE)
      Map(function(name, text) cat(text, file = paste0(folder, "/", name)), names, texts)
    }
    failure <- function(job) {
      expect_identical(status(job$run(variables = language)), 1L)
      text <- strsplit(job$read("output", "failure"), "\n")[[1]][[1]]
      `Encoding<-`(text, "UTF-8")
    }

    job <- new_job(sprintf(code, "lapply(channels$train$files(), charToRaw)"))
    fill(job, "1,2\n")
    expect_identical(status(job$run(variables = language)), 0L)
    files <- readRDS(file.path(job$base, "model", "model.rds"))
    expect_identical(lapply(files, tail, 1), lapply(names, function(name) tail(charToRaw(name), 1)))

    job <- new_job(sprintf(code, "NULL"))
    fill(job, c("1,2\n", "1,2\n", "1,2\n", "1,2\n3\n", "1,2\n"))
    expect_identical(failure(job), "InputError: train/\u00e9, line 2 has 1 values, expected 2")
    fill(job, c("1,2\n", "1,2\n", "1,2\n", "1,2\n", "1,2\n3\n"))
    expect_identical(failure(job), "InputError: train/<ff>, line 2 has 1 values, expected 2")

    job <- new_job(sprintf(code, "stop(simpleError(paste('cannot use', basename(channels$train$files()[[5]]))))"))
    fill(job, "1,2\n")
    expect_identical(failure(job), "simpleError: cannot use <ff>")
  }
})

test_that("train may keep the model itself but not forget it", {
  job <- new_job("train <- function(channels, hyperparameters) NULL")
  expect_identical(status(job$run()), 1L)
  expect_match(job$read("output", "failure"), "return the model")
  keeps <- "train <- function(channels, h, job) { cat('x', file = file.path(job$model_folder, 'mine')); NULL }"
  job <- new_job(keeps)
  expect_identical(status(job$run()), 1L)
  expect_match(job$read("output", "failure"), "or define model_fn(model_dir), which loads what", fixed = TRUE)
  job <- new_job(paste0(keeps, "; model_fn <- function(folder) readLines(file.path(folder, 'mine'), warn = FALSE)"))
  expect_identical(status(job$run()), 0L)
})

test_that("a model that cannot be served fails the training with a sentence", {
  outcome <- function(name, result) {
    lines <- c(
      "features <- list(age = 'number', city = 'text')",
      "train <- function(channels, h) 'model'",
      "save_fn <- function(model, model_dir) cat(model, '\\n', file = file.path(model_dir, 'mine'))",
      sprintf("model_fn <- function(model_dir) readLines(file.path(model_dir, '%s'))", name),
      sprintf("predict <- function(model, features) %s", result)
    )
    job <- new_job(paste(lines, collapse = "; "))
    dir.create(file.path(job$base, "input", "data", "train"), recursive = TRUE)
    writeLines(c("age,city,target", "31,Oslo,1"), file.path(job$base, "input", "data", "train", "a.csv"))
    if (status(job$run()) == 0L) "" else job$read("output", "failure")
  }
  expect_match(outcome("other", "1"), "^UserError: training has ended, but its model cannot be served: the model in ")
  expect_identical(
    outcome("mine", "stop('no')"),
    "UserError: training has ended, but its model cannot answer the first row of channel 'train': simpleError: no"
  )
  expect_identical(outcome("mine", "features$age + 0.5"), "")
})

test_that("a model is served with the packages that it needs", {
  folder <- tempfile()
  dir.create(folder)
  runtime$save_model("model", folder)
  packages <- readLines(file.path(folder, "packages.txt"))
  expect_true("testthat" %in% packages)
  expect_identical(runtime$load_model(folder), "model")
  writeLines(c(packages, "nopackage"), file.path(folder, "packages.txt"))
  expect_error(runtime$load_model(folder), "the R package nopackage, which is missing here", class = "UserError")
})

test_that("SM_ variables are set for script mode code", {
  job <- new_job(
    "train <- function(channels, h) Sys.getenv(c('SM_CHANNEL_TRAINING', 'SM_HP_RATE', 'SM_HPS', 'SM_CURRENT_HOST'))",
    list(rate = "0.5")
  )
  dir.create(file.path(job$base, "input", "data", "training"), recursive = TRUE)
  expect_identical(status(job$run()), 0L)
  expect_identical(
    unname(readRDS(file.path(job$base, "model", "model.rds"))),
    c(file.path(job$base, "input/data/training"), "0.5", '{"rate":0.5}', "localhost")
  )
})

waiting <- "while (%s) Sys.sleep(0.05); cat('x', file = file.path(Sys.getenv('SM_MODEL_DIR'), 'kept')); NULL }"
when_started <- "until [ -e '%s/model/started' ]; do sleep 0.1; done; kill $r; "

test_that("SIGTERM ends a training that listens in order", {
  job <- new_job(paste(
    "train <- function(channels, hyperparameters, job) { file.create(file.path(job$model_folder, 'started'));",
    sprintf(waiting, "!job$stopping()")
  ))
  expect_identical(status(job$run(sprintf(when_started, job$base))), 0L)
  expect_true(file.exists(file.path(job$base, "model", "kept")))
})

test_that("SIGTERM ends a training that does not listen where it stands", {
  job <- new_job(paste(
    "train <- function(channels, hyperparameters) { file.create(file.path(Sys.getenv('SM_MODEL_DIR'), 'started'));",
    sprintf(waiting, "TRUE")
  ))
  expect_identical(status(job$run(sprintf(when_started, job$base))), 1L)
  expect_match(job$read("output", "failure"), "^TrainingStopped: ")
})

test_that("a training that is killed for want of memory says so", {
  job <- new_job("train <- function(channels, hyperparameters) tools::pskill(Sys.getpid(), tools::SIGKILL)")
  expect_identical(status(job$run()), 1L)
  expect_match(job$read("output", "failure"), "^TrainingKilled: .*memory")
})
