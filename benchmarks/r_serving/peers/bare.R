# The R server of the field: one process, plumber alone, the model loaded once. Usage: Rscript bare.R MODEL PORT
#
# It serves the model of the generated project, a straight line, so that both sides compute the same.

library(plumber)

arguments <- commandArgs(trailingOnly = TRUE)
model <- readRDS(arguments[[1]])

predictions <- function(req) {
  data <- read.csv(text = req$postBody, header = FALSE)
  drop(cbind(1, as.matrix(data)) %*% model$coefficients)
}

pr() |>
  pr_get("/ping", function() "", serializer = serializer_text()) |>
  pr_post("/invocations", function(req) paste0(predictions(req), "\n"), serializer = serializer_text()) |>
  pr_run(host = "0.0.0.0", port = as.integer(arguments[[2]]), docs = FALSE, quiet = TRUE)
