# Data channels, such as `train` and `validation` (contract T14, T24-T29).

# One channel: a folder of files, read-only in FastFile mode (T26).
#
# files() returns every file with data, subfolders included, in order of the bytes of its path (rule 11 of grammar.md).
# Raises UserError when there is none, which is also what a host gets when a sharded channel has fewer objects than the
# job has hosts (T29).
#
# tables(header) reads every file as CSV and returns a list with a table for each that has rows; see tables.R. Raises
# InputError that names the file and the line that cannot be read, or the file that does not fit the first.
new_channel <- function(name, path, content_type = NULL) {
  names <- function() {
    found <- list.files(path, recursive = TRUE, all.files = TRUE)
    found <- found[!vapply(found, passed_over, TRUE, channel = name, folder = path)]
    if (length(found) == 0) {
      stop(user_error(
        "channel '%s' has no files in %s: check the S3 prefix; with ShardedByS3Key every host needs an object",
        name,
        path
      ))
    }
    in_order_of_bytes(found)
  }

  files <- function() {
    paste0(path, "/", names()) # file.path() refuses names that are not UTF-8
  }

  tables <- function(header) {
    tables <- lapply(names(), function(file) {
      file_table(paste0(path, "/", file), readable(paste0(name, "/", file)), header)
    })
    tables <- Filter(Negate(is.null), tables)
    if (length(tables) == 0) {
      stop(user_error("channel '%s' has no file with rows in %s", name, path))
    }
    lapply(tables, expect_alike, first = tables[[1]])
    tables
  }

  list(name = name, path = path, content_type = content_type, files = files, tables = tables)
}

# Return whether a file is no data but what Spark, Hadoop or an operating system leaves; the log says so.
passed_over <- function(file, channel, folder) {
  reason <- if (grepl("(^|/)[._]|_[$]folder[$](/|$)", file, useBytes = TRUE)) {
    "a name that begins with '_' or '.' or ends with '_$folder$' is no data"
  } else if (file.size(paste0(folder, "/", file)) == 0) {
    "it is empty"
  }
  if (!is.null(reason)) {
    cat("skipped ", readable(paste0(channel, "/", file)), ": ", reason, "\n", sep = "")
  }
  !is.null(reason)
}

# Return a file of CSV as a table, NULL with a line in the log where it has no rows; `place` is its name in messages.
file_table <- function(file, place, header) {
  source <- paste0(place, ", ")
  table <- if (!is_compressed(file)) csv_file_table(file, header, source)
  if (is.null(table)) {
    table <- csv_table(file_text(file, place), function(cells, quoted) header, source)
  }
  if (is.null(table$file) && !has_rows(table$text)) {
    cat("skipped ", place, ": it has no rows\n", sep = "")
    return(NULL)
  }
  table
}

is_compressed <- function(file) grepl("[.]gz$", file, useBytes = TRUE)

# Return the text of a file, which may be compressed. Raises InputError that begins with `place`.
file_text <- function(file, place) {
  bytes <- readBin(file, "raw", file.size(file))
  if (is_compressed(file)) {
    bytes <- memDecompress(bytes, "gzip")
  }
  text_of(bytes, "utf-8", place)
}

# Raise InputError for a file whose columns are not those of the first.
expect_alike <- function(table, first) {
  name <- function(table) sub(", $", "", table$source)
  if (table$width != first$width) {
    stop(input_error("%s has %d columns, %s has %d", name(table), table$width, name(first), first$width))
  }
  if (!identical(table$names, first$names)) {
    columns <- function(table) paste(table$names, collapse = ", ")
    both <- "%s has the columns %s, %s has %s"
    stop(input_error(both, name(table), columns(table), name(first), columns(first)))
  }
}

# Return names of files in order of their bytes. sort() would depend on the locale, or refuse names that are not UTF-8.
in_order_of_bytes <- function(names) {
  bytes <- vapply(names, function(name) paste(charToRaw(name), collapse = ""), "")
  names[order(bytes, method = "radix")]
}

# Return the job's channels by name; a channel that the job does not have raises UserError.
#
# `train` is the usual name, but many jobs say `training`, which is returned instead, with a line in the log.
new_channels <- function(channels) {
  structure(channels, class = "channels")
}

# channels$train and channels[["train"]].
channel_of <- function(channels, name) {
  if (name == "train" && !name %in% names(channels) && "training" %in% names(channels)) {
    cat("channel 'train' is missing: reading 'training' instead\n")
    name <- "training"
  }
  if (!name %in% names(channels)) {
    given <- if (length(channels) == 0) "none" else paste(sort(names(channels)), collapse = ", ")
    stop(user_error("channel '%s' is missing: the job has %s; add it to the job's InputDataConfig", name, given))
  }
  unclass(channels)[[name]]
}

# Return the channels of inputdataconfig.json, each a folder below `data`.
#
# Without that file (not on SageMaker) every folder is a channel. Only then, because SageMaker puts
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

# Raise UserError for a sharded channel, whose other parts no other host trains on.
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
