# The CPUs that this container may use (contract I21).
#
# Several containers can share an instance, so the cgroup's quota counts, not the number of the instance's CPUs.

# Return the CPUs that the cgroup grants (version 2 or 1), infinite where it sets no limit.
cpu_quota <- function(cgroup = "/sys/fs/cgroup") {
  words <- function(...) {
    file <- file.path(cgroup, ...)
    if (file.exists(file)) scan(file, "", quiet = TRUE)
  }
  limit <- words("cpu.max")
  if (is.null(limit)) {
    limit <- c(words("cpu", "cpu.cfs_quota_us"), words("cpu", "cpu.cfs_period_us"))
  }
  if (length(limit) < 2 || limit[[1]] %in% c("max", "-1")) {
    return(Inf)
  }
  as.numeric(limit[[1]]) / as.numeric(limit[[2]])
}

# Return the CPUs of this container, at least 1: those it may be scheduled on, cut to its quota.
cpu_count <- function() {
  available <- length(parallel::mcaffinity(NULL)) # 0 on macOS
  if (available == 0) {
    available <- parallel::detectCores()
  }
  as.integer(max(1, min(available, ceiling(cpu_quota()))))
}

# Let the numeric libraries that packages bring use `count` threads; call it before they are loaded.
#
# Otherwise they would start one for each CPU of the instance. Variables that the user has set are left alone.
limit_threads <- function(count) {
  for (name in c("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")) {
    if (Sys.getenv(name) == "") {
      do.call(Sys.setenv, stats::setNames(list(count), name))
    }
  }
}
