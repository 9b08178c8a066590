# `train`, `serve` and `describe` start this: Rscript main.R train|serve|describe

folder <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
source(file.path(folder, "load.R"), local = TRUE)
runtime <- load_runtime(folder)
options(warn = 1) # warnings belong into the log when they happen

status <- switch(
  commandArgs(trailingOnly = TRUE),
  train = runtime$train_main(dirname(folder)),
  serve = runtime$serve_main(dirname(folder)),
  describe = runtime$describe_main(dirname(folder))
)
quit(save = "no", status = status)
