# A SageMaker Processing job that runs in the algorithm's image: it counts the lines of each input file.
#
# The job's ContainerEntrypoint is ["Rscript", "/opt/ml/processing/input/code/count_lines.R"] (contract PR1); SageMaker
# brings this file as the input `code` and the channels' folders as the input `data`, and takes what is in `output`
# (PR4).

folder <- "/opt/ml/processing"
data <- file.path(folder, "input", "data")
invisible(Sys.setlocale("LC_COLLATE", "C")) # files in order of their bytes, whatever the language of the machine
files <- list.files(data, recursive = TRUE, all.files = TRUE)
lines <- vapply(file.path(data, files), function(file) length(readLines(file, warn = FALSE)), 0L)
writeLines(paste0(files, ",", lines, recycle0 = TRUE), file.path(folder, "output", "lines.csv"))
cat(sum(lines), "lines in", length(files), "files\n")
