# A training job, besides its data and hyperparameters; `train` gets it if it has a parameter `job`.
#
#   checkpoints: where to save progress and find it again (T34, T36).
#   stopping(): TRUE once SageMaker asks the job to stop: save and return within 120 seconds (T4).
#   hosts: the hosts of the job; hosts$rank, hosts$size (T16).
#   model_folder: what `train` leaves here is part of model.tar.gz (T31).
#   output_folder: what `train` leaves here is part of output.tar.gz, for plots and reports (T31).
#   report(...): prints metrics, job$report("train:rmse" = 0.3) (T38).
new_job <- function(paths, hosts) {
  list(
    checkpoints = new_checkpoints(paths$checkpoints),
    stopping = stop_flag(),
    hosts = hosts,
    model_folder = paths$model,
    output_folder = paths$output_data,
    report = report
  )
}
