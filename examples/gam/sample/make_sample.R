# Make the sample data: days at two stations of an invented town. Run it as `Rscript sample/make_sample.R`.

set.seed(8)
days <- data.frame(
  temperature = round(runif(200, 5, 35), 1),
  wind = round(runif(200, 0, 12), 1),
  station = sample(c("park", "road"), 200, replace = TRUE)
)
days$ozone <- with(days, 20 + 60 / (1 + exp((24 - temperature) / 3)) + 3 * (station == "park") - 8 * log1p(wind))
days$ozone <- round(days$ozone + rnorm(200, sd = 3), 1)
dir.create("sample/train", showWarnings = FALSE)
write.csv(days, "sample/train/days.csv", row.names = FALSE, quote = FALSE)
