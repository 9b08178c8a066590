# SIGTERM while training: SageMaker stops the job and kills it 120 seconds later (contract T4).
#
# R cannot handle the signal. The shell that started R does (see `train`), and creates a file.

# Return a function that tells whether SageMaker has asked the job to stop.
stop_flag <- function(folder = run_folder()) {
  file <- file.path(folder, "stopping")
  function() file.exists(file)
}

# Tell the shell that the algorithm does not look at the flag: at SIGTERM the shell interrupts R.
interrupt_at_sigterm <- function(folder = run_folder()) {
  file.create(file.path(folder, "interrupt"))
}
