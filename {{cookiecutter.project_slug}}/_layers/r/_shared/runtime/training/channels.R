# Data channels: what the job calls `train`, `validation` … (contract T14, T24-T29).

# One channel: a folder of files, read-only in FastFile mode (T26).
#
# files() gives every file, subfolders included, in order of the bytes of its path; hidden ones are left out. Raises
# UserError when there is none, which is also what a host gets when a sharded channel has fewer objects than the job has
# hosts (T29).
#
# tables(header) reads every file as CSV and gives a list with one table for each; see tables.R. Raises InputError that
# names the file and line of what cannot be read.
new_channel <- function(name, path, content_type = NULL) {
  files <- function() {
    found <- list.files(path, recursive = TRUE)
    found <- found[!grepl("(^|/)[.]", found, useBytes = TRUE)]
    if (length(found) == 0) {
      stop(user_error(
        "channel '%s' has no files in %s: check the S3 prefix; with ShardedByS3Key every host needs an object",
        name,
        path
      ))
    }
    paste0(path, "/", in_order_of_bytes(found)) # file.path() refuses what is not UTF-8
  }

  tables <- function(header) {
    lapply(files(), function(file) {
      where <- paste0(name, "/", basename(file))
      text <- text_of(readBin(file, "raw", file.size(file)), "utf-8", where)
      read_csv(text, header = header, source = paste0(where, ", "))
    })
  }

  list(name = name, path = path, content_type = content_type, files = files, tables = tables)
}

# Names of files in order of their bytes. sort() would go by the language of the machine, or refuse what is not UTF-8.
in_order_of_bytes <- function(names) {
  bytes <- vapply(names, function(name) paste(charToRaw(name), collapse = ""), "")
  names[order(bytes, method = "radix")]
}

# The job's channels by name; asking for one that the job does not have raises UserError.
#
# `train` is the usual name, but many jobs say `training`: that is given in its place, with a line in the log.
new_channels <- function(channels) {
  structure(channels, class = "channels")
}

# channels$train and channels[["train"]].
channel_of <- function(channels, name) {
  if (name == "train" && !name %in% names(channels) && "training" %in% names(channels)) {
    cat("channel 'train' is missing: reading 'training' in its place\n")
    name <- "training"
  }
  if (!name %in% names(channels)) {
    given <- if (length(channels) == 0) "none" else paste(sort(names(channels)), collapse = ", ")
    stop(user_error("channel '%s' is missing: the job has %s; add it to the job's InputDataConfig", name, given))
  }
  unclass(channels)[[name]]
}

# The channels of inputdataconfig.json, each a folder below `data`.
#
# Without that file (a container started by hand) every folder is a channel. Never otherwise, because SageMaker puts
# manifest files and more beside the channels (T25). Raises UserError for a channel without a folder and for Pipe mode.
channels_from_config <- function(config, data) {
  if (is.null(config)) {
    folders <- list.dirs(data, full.names = FALSE, recursive = FALSE)
    config <- stats::setNames(rep(list(list()), length(folders)), folders)
  }
  channels <- lapply(names(config), function(name) {
    if (identical(config[[name]]$TrainingInputMode, "Pipe")) {
      stop(user_error("channel '%s' is in Pipe mode, which this algorithm does not read: use File or FastFile", name))
    }
    folder <- file.path(data, name)
    if (!dir.exists(folder)) {
      stop(user_error("channel '%s' has no folder %s", name, folder))
    }
    new_channel(name, folder, config[[name]]$ContentType)
  })
  new_channels(stats::setNames(channels, names(config)))
}

# Raise UserError for a channel of which this host has only a part, where no other host takes part.
require_whole_channels <- function(config) {
  for (name in names(config)) {
    if (identical(config[[name]]$S3DistributionType, "ShardedByS3Key")) {
      stop(user_error(
        paste(
          "channel '%s' is ShardedByS3Key, but only one host trains: the other hosts' files would be left out;",
          "set S3DataDistributionType to FullyReplicated, or InstanceCount to 1"
        ),
        name
      ))
    }
  }
}
