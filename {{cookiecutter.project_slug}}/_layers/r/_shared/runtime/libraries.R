# Shared libraries that a package needs and does not contain: what the user has to install.

# The message of the system's loader, within whatever text of R and the package. A path is a file of the algorithm's
# own.
missing_library <- "(^|[^/[:alnum:]_.+-])(lib[[:alnum:]_.+-]+\\.so[[:alnum:]_.]*): cannot open shared object file"
debian_search <- "https://packages.debian.org/search?searchon=contents&keywords="

# Return the error to report: one about a missing shared library becomes a UserError, with advice.
explain_library <- function(error) {
  message <- readable(conditionMessage(error))
  found <- regmatches(message, regexec(missing_library, message))[[1]]
  if (length(found) == 0) {
    return(error)
  }
  library <- found[[3]]
  table <- utils::read.table(file.path(runtime_folder, "libraries.txt"), col.names = c("library", "package"))
  package <- table$package[table$library == library]
  if (length(package) == 0) {
    return(user_error(
      paste(
        "the shared library %s is missing: write its Debian package, which %s%s finds, into packages.txt behind the",
        "word debian, and build the image again"
      ),
      library,
      debian_search,
      library
    ))
  }
  user_error(
    paste(
      "the shared library %s is missing: write the line \"debian %s\" into packages.txt and build the image again",
      "(without an image: apt-get install %s)"
    ),
    library,
    package,
    package
  )
}
