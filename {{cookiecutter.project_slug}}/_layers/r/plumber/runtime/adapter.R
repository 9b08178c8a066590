# Keeps a model: any R object, in one .rds file.
#
# JSON could not hold what R's modelling functions return: formulas, terms, factors, calls. Reading an .rds file runs no
# code by itself (R 4.4 and newer refuse the one trick that did), but a model may hold functions, which `predict` then
# calls. So trust an .rds file from elsewhere as little as a script.

model_file <- "model.rds"

# The packages that were loaded when the model was saved, a line each. A model needs the methods of the package that made
# it: predict() of a gam is mgcv's.
packages_file <- "packages.txt"

# Write the model that `train` returned.
save_model <- function(model, folder) {
  saveRDS(model, file.path(folder, model_file))
  writeLines(sort(loadedNamespaces()), file.path(folder, packages_file))
}

# Read the model back. Raises UserError where there is none, or a package is missing, an error for a file that is not a
# model's.
load_model <- function(folder) {
  file <- file.path(folder, model_file)
  if (!file.exists(file)) {
    stop(user_error("there is no %s", model_file))
  }
  packages <- file.path(folder, packages_file)
  for (package in if (file.exists(packages)) readLines(packages)) {
    if (!requireNamespace(package, quietly = TRUE)) {
      stop(user_error("the model was trained with the R package %s, which is missing here: packages.txt", package))
    }
  }
  readRDS(file)
}
