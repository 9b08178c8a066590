# Metrics: lines that SageMaker reads from the log (contract T38).

# Print metrics on one line as `name=value`, where CloudWatch and tuning jobs find them.
#
# report("train:rmse" = 0.3) prints `train:rmse=0.3`, which the regular expression `train:rmse=(\S+)` captures.
report <- function(...) {
  values <- c(...)
  cat(paste0(names(values), "=", sprintf("%.10g", values), collapse = " "), "\n", sep = "")
}
