# Checkpoints that survive a kill at any instant (contract T34, T36).

# Return the job's checkpoint folder; SageMaker copies it to S3 while the job runs and back when it restarts.
#
# A checkpoint is one file, because a rename on disk and an upload to S3 are atomic for one file only.
#
# latest() returns the path of the newest complete checkpoint, or NULL at the first start.
#
# write(step, save, suffix) calls `save` with the path to write the checkpoint of `step` to; it is complete once `save`
# has returned, and the older ones are deleted:
#
#   job$checkpoints$write(step, function(path) saveRDS(state, path), ".rds")
#
# If `save` fails, as on a full disk, the older one stays.
#
# Files of other programs and empty files are skipped, with a line in the log. resumed() returns the name of the
# checkpoint that latest() has returned, or NULL.
new_checkpoints <- function(folder) {
  state <- new.env()
  ours <- "^checkpoint-[0-9]{12}([.][[:alnum:]_]+)?$"

  passed_over <- function(name) {
    info <- file.info(file.path(folder, name))
    reason <- if (info$isdir || !grepl(ours, name)) {
      "it is not this job's"
    } else if (info$size == 0) {
      "it is empty"
    }
    if (!is.null(reason)) {
      cat("skipped ", name, " in the checkpoint folder: ", reason, "\n", sep = "")
    }
    !is.null(reason)
  }

  names_of <- function(prefix) {
    sort(list.files(folder, paste0("^", prefix), all.files = TRUE))
  }

  latest <- function() {
    unlink(file.path(folder, names_of("\\.unfinished-")))
    found <- Filter(Negate(passed_over), names_of("checkpoint-"))
    if (length(found) == 0) {
      return(NULL)
    }
    newest <- found[[length(found)]]
    state$resumed <- newest
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
    unlink(file.path(folder, setdiff(grep(ours, names_of("checkpoint-"), value = TRUE), name)))
  }

  list(folder = folder, latest = latest, write = write, resumed = function() state$resumed)
}
