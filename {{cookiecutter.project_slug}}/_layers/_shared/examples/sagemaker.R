# Train, deploy, transform and tune from R, with the project's own image: by boto3, AWS's client for Python, through
# the package reticulate.
#
#     install.packages(c("reticulate", "RcppTOML")), and in a shell: pip install boto3
#     IMAGE=<what build_and_push.sh has printed> ROLE=<the ARN of your role> BUCKET=<yours> Rscript examples/sagemaker.R
#
# On SageMaker this costs money: three instances for some minutes. On this machine it costs none, and needs no account:
#
#     make local-sagemaker ARGS="-- Rscript examples/sagemaker.R"

library(reticulate)

image <- Sys.getenv("IMAGE")
role <- Sys.getenv("ROLE")
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
project <- dirname(dirname(normalizePath(script)))
sample <- RcppTOML::parseTOML(
  file.path(project, "sample/sample.toml"),
  escape = FALSE
)
training <- sample$training
request <- sample$requests[[1]]

boto3 <- import("boto3")
sagemaker <- boto3$client("sagemaker")
s3 <- boto3$client("s3")
bucket <- Sys.getenv("BUCKET")
name <- sprintf("%s-%d", basename(project), as.integer(Sys.time()))
place <- sprintf("s3://%s/%s", bucket, name)

# Waits until a description says that something has ended, and returns it.
ended <- function(describe, status) {
  repeat {
    found <- describe()
    if (!found[[status]] %in% c("InProgress", "Creating")) {
      if (!found[[status]] %in% c("Completed", "InService")) {
        stop(found$FailureReason)
      }
      return(found)
    }
    Sys.sleep(1)
  }
}

# Train.
data <- function(uri) list(S3DataSource = list(S3DataType = "S3Prefix", S3Uri = uri))
channels <- lapply(names(training$channels), function(channel) {
  for (file in list.files(file.path(project, "sample", channel), full.names = TRUE)) {
    s3$upload_file(file, bucket, sprintf("%s/%s/%s", name, channel, basename(file)))
  }
  list(
    ChannelName = channel,
    ContentType = training$channels[[channel]],
    DataSource = data(sprintf("%s/%s/", place, channel))
  )
})
definition <- list(
  AlgorithmSpecification = list(
    TrainingImage = image,
    TrainingInputMode = "File",
    MetricDefinitions = unname(lapply(training$metrics, function(one) list(Name = one$Name, Regex = one$Regex)))
  ),
  RoleArn = role,
  InputDataConfig = channels,
  OutputDataConfig = list(S3OutputPath = place),
  ResourceConfig = list(InstanceType = "ml.m5.large", InstanceCount = 1L, VolumeSizeInGB = 10L),
  StoppingCondition = list(MaxRuntimeInSeconds = 3600L)
)
hyperparameters <- lapply(training$hyperparameters, function(value) format(value, scientific = FALSE))
created <- do.call(
  sagemaker$create_training_job,
  c(list(TrainingJobName = name, HyperParameters = hyperparameters), definition)
)
job <- ended(function() sagemaker$describe_training_job(TrainingJobName = name), "TrainingJobStatus")
cat("model:", job$ModelArtifacts$S3ModelArtifacts, "\n")

# Deploy, ask the sample's first request, and delete again.
container <- list(Image = image, ModelDataUrl = job$ModelArtifacts$S3ModelArtifacts)
variant <- list(
  VariantName = "AllTraffic",
  ModelName = name,
  InstanceType = "ml.m5.large",
  InitialInstanceCount = 1L
)
created <- sagemaker$create_model(ModelName = name, ExecutionRoleArn = role, PrimaryContainer = container)
created <- sagemaker$create_endpoint_config(EndpointConfigName = name, ProductionVariants = list(variant))
created <- sagemaker$create_endpoint(EndpointName = name, EndpointConfigName = name)
invisible(ended(function() sagemaker$describe_endpoint(EndpointName = name), "EndpointStatus"))
answer <- boto3$client("sagemaker-runtime")$invoke_endpoint(
  EndpointName = name,
  Body = request$body,
  ContentType = request$content_type,
  Accept = request$accept
)
cat("answer:", answer$Body$read()$decode(), "\n")
invisible(sagemaker$delete_endpoint(EndpointName = name))
invisible(sagemaker$delete_endpoint_config(EndpointConfigName = name))

# Transform a file of records, one per line, by the same model.
stored <- s3$put_object(Bucket = bucket, Key = paste0(name, "/batch/records"), Body = request$body)
created <- sagemaker$create_transform_job(
  TransformJobName = name,
  ModelName = name,
  TransformInput = list(
    DataSource = data(sprintf("%s/batch/", place)),
    ContentType = request$content_type,
    SplitType = "Line"
  ),
  TransformOutput = list(
    S3OutputPath = paste0(place, "/answers"),
    AssembleWith = "Line",
    Accept = request$accept
  ),
  TransformResources = list(InstanceType = "ml.m5.large", InstanceCount = 1L)
)
invisible(ended(function() sagemaker$describe_transform_job(TransformJobName = name), "TransformJobStatus"))
transformed <- s3$get_object(Bucket = bucket, Key = paste0(name, "/answers/records.out"))
cat("transformed:", transformed$Body$read()$decode(), "\n")
invisible(sagemaker$delete_model(ModelName = name))

# Tune: three jobs, which look for the best value of the sample's first whole number.
whole <- names(Filter(is.integer, training$hyperparameters))[1]
value <- training$hyperparameters[[whole]]
metric <- training$metrics[[length(training$metrics)]]$Name
range <- list(Name = whole, MinValue = as.character(value %/% 2L), MaxValue = as.character(value * 2L))
created <- sagemaker$create_hyper_parameter_tuning_job(
  HyperParameterTuningJobName = substr(name, nchar(name) - 31, nchar(name)),
  HyperParameterTuningJobConfig = list(
    Strategy = "Random",
    HyperParameterTuningJobObjective = list(Type = "Minimize", MetricName = metric),
    ResourceLimits = list(MaxNumberOfTrainingJobs = 3L, MaxParallelTrainingJobs = 1L),
    ParameterRanges = list(IntegerParameterRanges = list(range))
  ),
  TrainingJobDefinition = c(
    list(StaticHyperParameters = hyperparameters[names(hyperparameters) != whole]),
    definition
  )
)
tuned <- ended(
  function() {
    sagemaker$describe_hyper_parameter_tuning_job(
      HyperParameterTuningJobName = substr(name, nchar(name) - 31, nchar(name))
    )
  },
  "HyperParameterTuningJobStatus"
)
best <- tuned$BestTrainingJob
cat(
  "best:",
  whole,
  "=",
  best$TunedHyperParameters[[whole]],
  "with",
  metric,
  "=",
  best$FinalHyperParameterTuningJobObjectiveMetric$Value,
  "\n"
)
