# The hosts of a training job (contract T16, T17).

# Read resourceconfig.json in any of its forms; without it (not on SageMaker) there is one host.
#
# Returns who takes part: `all` in SageMaker's order, which every host sees alike; this host's name, `current`, and its
# `rank` from 0; how many there are, `size`; and whether this host `is_first`, the one that writes the model.
hosts_from_config <- function(resources) {
  current <- resources$current_host
  if (is.null(current)) {
    current <- "localhost"
  }
  all <- sort(as.character(unlist(resources$hosts)), method = "radix")
  if (length(all) == 0) {
    all <- current
  }
  interface <- resources$network_interface_name
  list(
    current = current,
    all = all,
    network_interface = if (is.null(interface)) "eth0" else interface,
    rank = match(current, all) - 1L,
    size = length(all),
    is_first = current == all[[1]]
  )
}
