# Shared libraries that are missing: one sentence says what to install, wherever the algorithm is loaded.

# What R says of a package whose library is missing.
refused <- function(name) {
  words <- "unable to load shared object '/usr/lib/R/library/x/libs/x.so':\n  %s: cannot open shared object file: No such file"
  simpleError(sprintf(words, name))
}

test_that("a missing library is named with its Debian package", {
  explained <- runtime$explain_library(refused("libglpk.so.40"))
  expect_s3_class(explained, "UserError")
  expect_identical(
    conditionMessage(explained),
    paste(
      "the shared library libglpk.so.40 is missing: write the line \"debian libglpk40\" into packages.txt and build the",
      "image again (without an image: apt-get install libglpk40)"
    )
  )
  unknown <- conditionMessage(runtime$explain_library(refused("libunheard-of.so.7")))
  expect_match(
    unknown,
    "https://packages.debian.org/search?searchon=contents&keywords=libunheard-of.so.7",
    fixed = TRUE
  )
})

test_that("no package has a file of the algorithm's own, and other errors stay as they are", {
  for (error in list(refused("/opt/program/libmine.so"), simpleError("\xff"), simpleError("libglpk.so.40"))) {
    expect_identical(runtime$explain_library(error), error)
  }
})

test_that("train, serve and describe say so", {
  folder <- new_project("stop('libglpk.so.40: cannot open shared object file')")
  for (program in c("train", "serve", "describe")) {
    command <- sprintf("SAGEMAKER_BASE_DIR='%s' sh '%s/runtime/%s' 2>&1", folder, folder, program)
    said <- suppressWarnings(system(command, intern = TRUE))
    expect_identical(attr(said, "status"), 1L)
    expect_match(said, "^(UserError|cannot serve|cannot describe): the shared library libglpk.so.40 is missing: ")
  }
  expect_match(readLines(file.path(folder, "output", "failure")), "^UserError: the shared library libglpk.so.40 is")
})
