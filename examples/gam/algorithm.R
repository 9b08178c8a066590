# The ozone over a town by temperature, wind and station: a generalised additive model (mgcv).

features <- list(temperature = "number", wind = "number", station = "text")

hyperparameters <- list(
  k = integer_parameter(8, min = 3, max = 20, help = "dimension of each smooth term's basis")
)

# Fit the model to the `train` channel: CSV with a header.
train <- function(channels, hyperparameters, job) {
  table <- channels$train$tables(header = TRUE)[[1]]
  data <- table_frame(table, c(features, ozone = "number"))
  data$station <- factor(data$station)
  k <- hyperparameters$k
  model <- mgcv::gam(ozone ~ s(temperature, k = k) + s(wind, k = k) + station, data = data)
  job$report("train:deviance_explained" = summary(model)$dev.expl)
  model
}

# Predict the ozone of each row of `features`, a data frame; NA where a value is missing.
predict <- function(model, features) {
  unknown <- setdiff(features$station, c(model$xlevels$station, NA))
  if (length(unknown) > 0) {
    stop(input_error("there is no station '%s'", unknown[[1]]))
  }
  unname(as.vector(predict(model, features)))
}
