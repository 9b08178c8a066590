# The .npy format of numpy, versions 1 and 2, for numbers only: objects, which could hold code, are refused.

npy_magic <- as.raw(c(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59))

# Numbers of numpy, by kind and size in bytes. Complex ones and those of more than 64 bits are refused.
npy_types <- "^[<>|=](b1|[iu][1248]|f[248])$"

# The header, as numpy writes it: a dict of Python with its keys in this order.
npy_header <- paste0(
  "^ *[{] *'descr' *: *'([^']*)' *, *'fortran_order' *: *(True|False) *, *",
  "'shape' *: *[(]( *([0-9]+ *(, *[0-9]+ *)*,? *)?)[)] *,? *[}] *\n?$"
)

# Read a body as an array of numbers, of dim c(rows, shape): a matrix by default. `declared` says that the algorithm has
# declared that shape. Raises InputError.
decode_npy <- function(body, shape = NA, declared = FALSE) {
  version <- if (length(body) >= 12 && identical(body[1:6], npy_magic)) as.integer(body[[7]]) else 0L
  if (!version %in% 1:2) {
    stop(input_error("the body is not an .npy file of version 1 or 2"))
  }
  length_bytes <- 2L * version
  header_length <- sum(as.integer(body[8 + seq_len(length_bytes)]) * 256^(seq_len(length_bytes) - 1))
  start <- 8 + length_bytes + header_length
  header <- if (start <= length(body)) body[(9 + length_bytes):start]
  fields <- if (length(header) > 0 && !any(header == 0 | header > 127)) {
    regmatches(rawToChar(header), regexec(npy_header, rawToChar(header)))[[1]]
  }
  if (length(fields) == 0) {
    stop(input_error("the body is not an .npy file of version 1 or 2: its header is damaged"))
  }
  descr <- fields[[2]]
  fortran <- fields[[3]] == "True"
  found <- fields[[4]]
  if (!grepl(npy_types, descr, useBytes = TRUE)) {
    stop(input_error("the .npy array has dtype %s, expected real numbers of at most 64 bits", descr))
  }
  dimensions <- as.numeric(strsplit(gsub(" ", "", found), ",")[[1]])
  if (any(dimensions == 0)) {
    stop(input_error("the .npy array has shape (%s): it has no values", found))
  }
  if (!fits_shape(dimensions[-1], shape) || length(dimensions) == 0) {
    expected <- if (declared) paste("rows of shape", shape_text(shape)) else "(rows, features)"
    stop(input_error("the .npy array has shape %s, expected %s", shape_text(dimensions), expected))
  }
  data <- body[-seq_len(start)]
  size <- as.integer(substr(descr, 3, 3))
  if (prod(dimensions) * size != length(data)) {
    stop(input_error("the .npy body is cut short: its header announces shape (%s) of %s", found, descr))
  }
  values <- npy_numbers(data, substr(descr, 2, 2), size, if (startsWith(descr, ">")) "big" else "little")
  if (fortran) array(values, dimensions) else array_of_values(values, dimensions)
}

npy_numbers <- function(data, kind, size, endian) {
  count <- length(data) / size
  if (kind == "f" && size > 2) {
    return(readBin(data, "numeric", count, size, endian = endian))
  }
  if (size <= 2) {
    integers <- readBin(data, "integer", count, size, signed = kind == "i", endian = endian)
    return(switch(kind, f = half_numbers(integers), b = as.numeric(integers != 0), as.numeric(integers)))
  }
  # R has no unsigned and no long integers: they are put together from halves of 16 bits.
  halves <- matrix(readBin(data, "integer", length(data) / 2, 2, signed = FALSE, endian = endian), nrow = size / 2)
  if (endian == "big") {
    halves <- halves[rev(seq_len(nrow(halves))), , drop = FALSE]
  }
  top <- nrow(halves)
  if (kind == "i") {
    halves[top, ] <- ifelse(halves[top, ] >= 2^15, halves[top, ] - 2^16, halves[top, ])
  }
  colSums(halves * 65536^(seq_len(top) - 1))
}

# Floats of 16 bits (IEEE 754), which R cannot read, from their bits as whole numbers: the sign, 5 bits of exponent, 10
# of fraction.
half_numbers <- function(bits) {
  exponent <- bits %/% 2^10 %% 2^5
  fraction <- bits %% 2^10
  sizes <- ifelse(exponent == 0, fraction * 2^-24, (2^10 + fraction) * 2^(exponent - 25))
  special <- exponent == 31
  sizes[special] <- ifelse(fraction[special] == 0, Inf, NaN)
  ifelse(bits < 2^15, sizes, -sizes)
}

# Write numbers, a vector or an array, as float64. Raises 406 for anything else.
encode_npy <- function(predictions) {
  if (!is.numeric(predictions) && !is.logical(predictions)) {
    stop(http_error(406L, "the predictions do not fit into an .npy array: ask for application/json"))
  }
  shape <- shape_text(if (is.array(predictions)) dim(predictions) else length(predictions))
  header <- paste0("{'descr': '<f8', 'fortran_order': False, 'shape': ", shape, ", }")
  # The data begins at a multiple of 64 bytes.
  padding <- strrep(" ", -(10 + nchar(header) + 1) %% 64)
  header <- charToRaw(paste0(header, padding, "\n"))
  c(
    npy_magic,
    as.raw(c(1, 0, length(header) %% 256, length(header) %/% 256)),
    header,
    writeBin(as.numeric(values_of_array(predictions)), raw(), endian = "little")
  )
}
