# Read one file, or decode one body, several times by one library; print median seconds and peak megabytes.
#
# The megabytes are what the first time adds to the process. Arguments: project, library, task, file, times.

arguments <- commandArgs(trailingOnly = TRUE)
library <- arguments[[2]]
task <- arguments[[3]]
file <- arguments[[4]]
runtime_folder <- file.path(arguments[[1]], "runtime")
source(file.path(runtime_folder, "load.R"))
runtime <- load_runtime(runtime_folder)
features <- list(a = "number", b = "text", c = "number", d = "text", e = "text")
body <- if (endsWith(task, "body")) readBin(file, "raw", file.size(file))

tables <- function(header) runtime$new_channel("train", dirname(file))$tables(header = header)

# What a model that returns its first feature answers.
answered <- function(media_type) {
  runtime$encode_predictions(runtime$decode_body(body, media_type)[, 1], media_type)
}

ways <- list(
  "sm-algo numbers" = function() runtime$table_matrix(tables(FALSE)[[1]]),
  "sm-algo texts" = function() runtime$table_frame(tables(TRUE)[[1]], features),
  "sm-algo csv body" = function() answered("text/csv"),
  "sm-algo json body" = function() answered("application/json"),
  "data.table numbers" = function() as.matrix(data.table::fread(file, header = FALSE)),
  "data.table texts" = function() data.table::fread(file, header = TRUE)
)

peak <- function() {
  line <- grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

invisible(data.table::fread("1\n", header = FALSE))
before <- peak()
took <- added <- numeric()
for (time in seq_len(as.integer(arguments[[5]]))) {
  took[[time]] <- system.time(ways[[paste(library, task)]]())[["elapsed"]]
  added[[time]] <- peak() - before
  invisible(gc())
}
cat(stats::median(took), added[[1]], "\n")
