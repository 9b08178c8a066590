# Where SageMaker puts things in the container (contract T6, T12-T34, I3).

# Return the folders and files of this container: below /opt/ml, or SAGEMAKER_BASE_DIR where that is set (T57).
paths_from_environment <- function() {
  paths_below(Sys.getenv("SAGEMAKER_BASE_DIR", "/opt/ml"))
}

paths_below <- function(base) {
  list(
    base = base,
    config = file.path(base, "input", "config"), # the job's JSON files (T12-T18)
    data = file.path(base, "input", "data"), # one folder for each channel (T25)
    model = file.path(base, "model"), # becomes model.tar.gz (T31); read-only while serving (I3)
    checkpoints = file.path(base, "checkpoints"), # kept in S3 while the job runs, restored when it starts again (T34)
    output_data = file.path(base, "output", "data"), # becomes output.tar.gz (T31)
    failure = file.path(base, "output", "failure") # its first 1024 characters become FailureReason (T32)
  )
}

# Return the folder that R shares with the shell that started it; "" in tests.
run_folder <- function() {
  Sys.getenv("RUN_FOLDER")
}
