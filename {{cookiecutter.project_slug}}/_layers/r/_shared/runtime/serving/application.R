# The HTTP side of serving: plumber between the sockets and the answers. nginx answers /ping and refuses bodies that are
# too large (see nginx.conf), so that both work while all workers are busy.

# Make the plumber router that answers for `model`, which is loaded already.
new_application <- function(model, handlers, settings) {
  router <- plumber::pr(filters = list())
  router <- plumber::pr_get(router, "/execution-parameters", function(req, res) {
    send(res, answer_execution_parameters(settings))
  })
  plumber::pr_post(router, "/invocations", function(req, res) {
    send(res, answer(request_of(req), model, handlers))
  })
}

# A request as `answer` takes it.
request_of <- function(req) {
  list(
    content_type = req$CONTENT_TYPE,
    accept = req$HTTP_ACCEPT,
    headers = as.list(req$HEADERS), # by name in lower case
    body = req$rook.input$read()
  )
}

send <- function(res, response) {
  res$status <- response$status
  for (name in names(response$headers)) {
    res$setHeader(name, response$headers[[name]])
  }
  res$body <- response$body
  res
}
