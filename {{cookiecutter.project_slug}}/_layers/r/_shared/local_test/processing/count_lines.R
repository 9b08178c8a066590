# A SageMaker Processing job that runs in the algorithm's image: it counts the lines of each input file.
#
# The job's ContainerEntrypoint is ["Rscript", "/opt/ml/processing/input/code/count_lines.R"] (contract PR1); SageMaker
# brings this file as the input `code` and the files as the input `data`, and takes what is in `output` (PR4).

folder <- "/opt/ml/processing"
files <- list.files(file.path(folder, "input", "data"), recursive = TRUE, full.names = TRUE)
lines <- vapply(files, function(file) length(readLines(file)), 0L)
writeLines(paste0(basename(files), ",", lines), file.path(folder, "output", "lines.csv"))
cat("counted the lines of", length(files), "files\n")
