# The facts of this framework.
framework <- list(
  # It trains on several hosts together.
  distributes = FALSE,
  # It trains in a process of its own for each GPU of a host.
  process_per_gpu = FALSE,
  # A model does not survive a fork, so that each worker loads it itself.
  loads_in_workers = FALSE,
  # It has packages for GPUs.
  gpu_packages = FALSE,
  # Its users expect named columns in a data frame.
  data_frames = TRUE,
  # It computes in float64.
  single_precision = FALSE
)
