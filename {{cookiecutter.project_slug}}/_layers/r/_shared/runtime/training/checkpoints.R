# Checkpoints that survive a kill at any instant (contract T34, T36).

# The job's checkpoint folder; SageMaker copies it to S3 while the job runs and back when it restarts.
#
# A checkpoint is one file: one file is what both a rename on disk and an upload to S3 do wholly or not at all.
#
# latest() gives the path of the newest whole checkpoint, or NULL at the first start.
#
# write(step, save, suffix) calls `save` with the path to write the checkpoint of `step` to; it counts once `save` has
# returned, and the older ones are deleted:
#
#   job$checkpoints$write(step, function(path) saveRDS(state, path), ".rds")
#
# Where `save` fails, as on a full disk, the older one stays.
new_checkpoints <- function(folder) {
  names_of <- function(prefix) {
    sort(list.files(folder, paste0("^", prefix), all.files = TRUE))
  }

  latest <- function() {
    unlink(file.path(folder, names_of("\\.unfinished-")))
    found <- names_of("checkpoint-")
    if (length(found) == 0) {
      return(NULL)
    }
    newest <- found[[length(found)]]
    cat("resuming from checkpoint ", newest, "\n", sep = "")
    file.path(folder, newest)
  }

  write <- function(step, save, suffix = "") {
    dir.create(folder, showWarnings = FALSE, recursive = TRUE)
    name <- sprintf("checkpoint-%012.0f%s", step, suffix)
    unfinished <- file.path(folder, paste0(".unfinished-", name))
    on.exit(unlink(unfinished))
    save(unfinished)
    if (!file.rename(unfinished, file.path(folder, name))) {
      stop("the checkpoint ", name, " could not be written")
    }
    unlink(file.path(folder, setdiff(names_of("checkpoint-"), name)))
  }

  list(folder = folder, latest = latest, write = write)
}
