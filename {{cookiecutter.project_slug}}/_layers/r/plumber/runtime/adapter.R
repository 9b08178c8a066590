# How a model is kept: any R object, in one .rds file.
#
# JSON could not hold what R's modelling functions return: formulas, terms, factors, calls. Reading an .rds file runs
# nothing by itself (R 4.4 and newer refuse the one trick that did), but a model may hold functions, which `predict`
# then calls. So an .rds file from elsewhere deserves as little trust as a script.

model_file <- "model.rds"

# Write the model that `train` returned.
save_model <- function(model, folder) {
  saveRDS(model, file.path(folder, model_file))
}

# Read the model back. Raises UserError where there is none, or an error for a file that is not a model's.
load_model <- function(folder) {
  file <- file.path(folder, model_file)
  if (!file.exists(file)) {
    stop(user_error("there is no %s", model_file))
  }
  readRDS(file)
}
