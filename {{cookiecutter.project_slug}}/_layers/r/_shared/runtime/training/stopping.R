# SIGTERM while training: SageMaker stops the job and kills it 120 seconds later (contract T4).
#
# R cannot handle the signal. The shell that started it does (see `train`), and leaves a file.

# A function that tells whether SageMaker has asked the job to stop.
stop_flag <- function(folder = run_folder()) {
  file <- file.path(folder, "stopping")
  function() file.exists(file)
}

# Tell the shell that nothing here will look at the flag: at SIGTERM it ends R where it stands.
interrupt_at_sigterm <- function(folder = run_folder()) {
  file.create(file.path(folder, "interrupt"))
}
