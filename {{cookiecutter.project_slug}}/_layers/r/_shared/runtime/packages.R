# The R packages that are not part of R: what the runtime needs, and what packages.txt names.

# Raise UserError where a package is missing that the runtime itself needs.
expect_package <- function(name) {
  if (!requireNamespace(name, quietly = TRUE)) {
    debian <- paste0("r-cran-", tolower(name))
    stop(user_error(
      "the R package %s is not installed: apt-get install %s (Debian, Ubuntu), or in R: install.packages(\"%s\")",
      name,
      debian,
      name
    ))
  }
}

# Return the error for a package that algorithm.R loads and that is not installed.
missing_package <- function(name) {
  user_error(
    paste(
      "the R package '%s' is missing, which algorithm.R loads: add it to packages.txt, as r-cran-%s where Debian has it,",
      "else by its own name, as of CRAN"
    ),
    name,
    tolower(name)
  )
}

# Raise UserError where something is missing that this project needs on a machine without Docker.
expect_installed <- function(file) {
  expect_package("jsonlite")
  expect_package("plumber")
  expect_package("data.table")
  packages <- read_packages(file)
  installed <- rownames(utils::installed.packages())
  absent <- c(
    packages$debian[!sub("^r-cran-", "", packages$debian) %in% tolower(installed)],
    setdiff(packages$cran, installed)
  )
  if (length(absent) > 0) {
    stop(user_error("%s names what is not installed here: %s", file, paste(absent, collapse = ", ")))
  }
  invisible()
}

# Read packages.txt: `debian` packages of R by the names that Debian gives them, `cran` packages by their own, and the
# `snapshot` of CRAN to take, a date. The Dockerfile alone reads what is behind the word debian, which is no package of
# R. Raises an error for CRAN packages without a snapshot.
read_packages <- function(file) {
  lines <- trimws(sub("#.*", "", readLines(file)))
  lines <- lines[lines != ""]
  snapshot <- sub("^snapshot +", "", grep("^snapshot ", lines, value = TRUE))
  debian <- grep("^r-cran-", lines, value = TRUE)
  cran <- lines[!grepl("^(snapshot |debian |r-cran-)", lines)]
  if (length(cran) > 0 && !identical(grepl("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", snapshot), TRUE)) {
    stop(file, " names ", cran[[1]], ", of CRAN: add one line with the day to take it of, snapshot YYYY-MM-DD")
  }
  list(debian = debian, cran = cran, snapshot = snapshot)
}

# Install the CRAN packages that packages.txt names, as of its snapshot: compiled ones for Debian trixie from Posit's
# package manager. An error where one cannot be installed, which R by itself would only warn of.
install_cran_packages <- function(file) {
  packages <- read_packages(file)
  if (length(packages$cran) == 0) {
    return(invisible())
  }
  # Posit sends compiled packages only to an R that says which one it is.
  system <- paste(getRversion(), R.version$platform, R.version$arch, R.version$os)
  options(HTTPUserAgent = sprintf("R/%s R (%s)", getRversion(), system))
  utils::install.packages(
    packages$cran,
    repos = paste0("https://packagemanager.posit.co/cran/__linux__/trixie/", packages$snapshot)
  )
  absent <- setdiff(packages$cran, rownames(utils::installed.packages()))
  if (length(absent) > 0) {
    stop("could not install from CRAN: ", paste(absent, collapse = ", "))
  }
}
