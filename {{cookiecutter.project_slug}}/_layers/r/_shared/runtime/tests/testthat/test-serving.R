# The serving half of the runtime, without a container.

features <- list(age = "number", city = "text")

# A function that has a request answered by a model which doubles the sum of each row.
new_client <- function(algorithm = list(predict = function(model, rows) model * rowSums(rows)), batch = FALSE) {
  handlers <- runtime$resolve_handlers(algorithm, batch)
  function(body, content_type = "text/csv", accept = NULL, headers = list()) {
    body <- if (is.raw(body)) body else charToRaw(body)
    request <- list(content_type = content_type, accept = accept, headers = headers, body = body)
    runtime$answer(request, 2, handlers)
  }
}

json <- function(response) jsonlite::parse_json(rawToChar(response$body))

npy <- function(descr, shape, data, order = "False") {
  header <- sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, order, shape)
  c(runtime$npy_magic, as.raw(c(1, 0, nchar(header), 0)), charToRaw(header), data)
}

integers <- function(numbers, size, endian = "little") writeBin(as.integer(numbers), raw(), size, endian)

test_that("every content type is answered in kind", {
  client <- new_client()
  expect_answer <- function(content_type, body, answer) {
    response <- client(body, content_type)
    expect_identical(response$status, 200L)
    expect_identical(response$body, if (is.raw(answer)) answer else charToRaw(answer))
    expect_identical(response$headers[["Content-Type"]], tolower(sub(";.*", "", content_type)))
  }
  expect_answer("text/csv", "1,2\n3,4\n", "6\n14\n")
  expect_answer("text/csv; charset=utf-8", c(as.raw(c(0xef, 0xbb, 0xbf)), charToRaw("1,2\r\n3,4")), "6\n14\n")
  expect_answer("TEXT/CSV;charset=latin1", "1,2\n\n\"3\",4\n", "6\n14\n")
  expect_answer("application/json", '{"instances": [[1, 2], [3, 4]]}', '{"predictions": [6, 14]}\n')
  expect_answer("application/json", "[[1, 2.05], [3, 4]]", '{"predictions": [6.1, 14]}\n')
  expect_answer("application/jsonlines", "[1, 2]\n\n[3, 4]\n", "6\n14\n")
  expect_error(runtime$encode_npy("six"), "ask for application/json", class = "HTTPError")
  answer <- runtime$encode_npy(c(6, 14))
  expect_answer("application/x-npy", npy("<i4", "2, 2", integers(1:4, 4)), answer)
  expect_answer("application/x-npy", npy("<i4", "2, 2", integers(c(1, 3, 2, 4), 4), "True"), answer)
})

test_that(".npy numbers of every kind are read, and written so that numpy reads them", {
  expect_rows <- function(body, ...) expect_identical(runtime$decode_npy(body), rbind(c(...)))
  expect_rows(npy("<f8", "1, 2", writeBin(c(0.5, -2), raw())), 0.5, -2)
  expect_rows(npy(">f4", "1, 1", writeBin(0.5, raw(), 4, "big")), 0.5)
  expect_rows(npy("|i1", "1, 1", integers(-1, 1)), -1)
  expect_rows(npy("|u1", "1, 1", integers(-1, 1)), 255)
  expect_rows(npy("|b1", "1, 3", integers(0:2, 1)), 0, 1, 1)
  expect_rows(npy("<u4", "1, 1", integers(-1, 4)), 2^32 - 1)
  expect_rows(npy("<i8", "1, 2", integers(c(-2, -1, 7, 1), 4)), -2, 2^32 + 7)
  expect_rows(npy(">i8", "1, 1", integers(c(1, 7), 4, "big")), 2^32 + 7)
  halves <- c(0x3c00, 0xc000, 0x7bff, 0x3555, 0x0000, 0x0001, 0x83ff, 0x0400)
  values <- c(1, -2, 65504, 1365 / 4096, 0, 2^-24, -1023 * 2^-24, 2^-14)
  expect_identical(runtime$decode_npy(npy("<f2", "1, 8", integers(halves, 2))), rbind(values, deparse.level = 0))
  expect_identical(runtime$decode_npy(npy(">f2", "1, 8", integers(halves, 2, "big"))), rbind(values, deparse.level = 0))
  body <- runtime$encode_npy(rbind(c(1, 2), c(3, 4)))
  expect_identical(runtime$decode_npy(body), rbind(c(1, 2), c(3, 4)))
  expect_identical((length(body) - 32L) %% 64L, 0L)
})

test_that("Accept is negotiated", {
  client <- new_client()
  expect_negotiated <- function(accept, status, answered) {
    response <- client("1,2", accept = accept)
    expect_identical(list(response$status, response$headers[["Content-Type"]]), list(status, answered))
  }
  expect_negotiated(NULL, 200L, "text/csv")
  expect_negotiated("*/*", 200L, "text/csv")
  expect_negotiated("application/json", 200L, "application/json")
  expect_negotiated("text/csv;q=0.1, application/jsonlines", 200L, "application/jsonlines")
  expect_negotiated("image/png, application/json;q=0.5", 200L, "application/json")
  expect_negotiated("application/json; charset=utf-8", 200L, "application/json")
  expect_negotiated("application/json, text/plain, */*", 200L, "application/json")
  expect_negotiated("*/*;q=.2", 200L, "text/csv")
  expect_negotiated("application/*, text/csv;q=0.9", 200L, "application/json")
  expect_negotiated("text/csv;q=0, */*", 200L, "application/json")
  expect_negotiated("application/jsonlines, application/json", 200L, "application/jsonlines")
  expect_negotiated("application/*;q=0.5, application/json;q=0", 200L, "application/jsonlines")
  suppressMessages(expect_negotiated("image/png", 406L, "application/json"))
})

test_that("bad requests get a 4xx that says why", {
  client <- new_client()
  expect_refused <- function(content_type, body, status, words) {
    expect_message(response <- client(body, content_type), words, fixed = TRUE)
    expect_identical(response$status, status)
    expect_match(json(response)$error, words, fixed = TRUE)
    expect_identical(client("1,2")$status, 200L)
  }
  expect_refused("text/csv", "", 400L, "empty")
  expect_refused("text/csv", "\n\n", 400L, "no rows")
  expect_refused("text/csv", "1,2\n3,x\n", 400L, "line 2, value 2: 'x' is not a number")
  expect_refused("text/csv", "1,2\n3\n", 400L, "line 2 has 1 values, expected 2")
  expect_refused("text/csv", "1,nan\n", 400L, "line 1, value 2: 'nan' is not a number")
  expect_refused("text/csv", "1,NA\n", 400L, "not a number")
  expect_refused("text/csv", "1,\n", 400L, "line 1, value 2: '' is not a number")
  expect_refused("text/csv", "1\n\"2\n", 400L, "line 2: not CSV")
  expect_refused("text/csv", "1,\"2\"3\n", 400L, "line 1: not CSV: text stands after a closing quote")
  expect_refused("text/csv", "1,2\"3\"\n", 400L, "line 1, value 2: '2\"3\"' is not a number")
  expect_refused("text/csv", "1,1e999\n", 400L, "line 1, value 2: '1e999' is not a finite number")
  expect_refused("text/csv", as.raw(c(0xff, 0xfe)), 400L, "not text in utf-8")
  expect_refused("text/csv", as.raw(0), 400L, "holds the character U+0000")
  expect_refused("text/csv; charset=klingon", "1", 400L, "klingon")
  expect_refused("application/json", '{"instances": [[1, 2], [3', 400L, "not JSON")
  expect_refused("application/json", "http://localhost/", 400L, "not JSON")
  expect_refused("application/json", '{"rows": []}', 400L, "instances")
  expect_refused("application/json", "[]", 400L, "no rows")
  expect_refused("application/json", "[[]]", 400L, "instance 1 is empty")
  expect_refused("application/json", '[{"a": 1}]', 400L, "no names")
  expect_refused("application/json", "[[1, [2]]]", 400L, "instance 1, value 2")
  expect_refused("application/json", "[[1, null]]", 400L, "instance 1, value 2")
  expect_refused("application/json", "null", 400L, "instance 1")
  expect_refused("application/json", strrep("[", 1e5), 400L, "not JSON")
  expect_refused("application/json", paste0(strrep("[", 1e5), strrep("]", 1e5)), 400L, "not JSON")
  expect_refused("application/json", paste0("[[1", strrep("0", 400), ", 1]]"), 400L, "not a finite number")
  expect_refused("application/jsonlines", "[1, 2]\n{", 400L, "line 2 is not JSON")
  expect_refused("application/jsonlines", "[1],[2\n3]", 400L, "line 1 is not JSON")
  expect_refused("application/jsonlines", "1,2\n3", 400L, "line 1 is not JSON")
  expect_refused("application/x-npy", as.raw(1:20), 400L, ".npy")
  expect_refused("application/x-npy", npy("<i4", "2,", integers(1:2, 4)), 400L, "shape (2,)")
  expect_refused("application/x-npy", npy("|O", "1, 1", raw(1)), 400L, "dtype |O")
  expect_refused("application/x-npy", npy("<c8", "1, 1", raw(8)), 400L, "dtype <c8, expected real numbers")
  expect_refused("application/x-npy", npy("<f16", "1, 1", raw(16)), 400L, "dtype <f16, expected real numbers")
  expect_refused("application/x-npy", npy("<f1", "1, 1", raw(1)), 400L, "dtype <f1")
  expect_refused("application/x-npy", npy("<f8", ", 1", raw(8)), 400L, "its header is damaged")
  expect_refused("application/x-npy", npy("<f8", "2, 1", writeBin(c(0, Inf), raw())), 400L, "row 2 holds a value")
  for (special in c(0x7c00, 0xfc00, 0x7e00)) {
    expect_refused("application/x-npy", npy("<f2", "1, 1", integers(special, 2)), 400L, "not finite")
  }
  expect_refused("application/x-npy", npy("<f8", "9, 9", raw(8)), 400L, "cut short")
  expect_refused("image/png", "1,2", 415L, "text/csv")
})

test_that("a compressed body is refused", {
  client <- new_client()
  suppressMessages(response <- client("1,2", headers = list("content-encoding" = "gzip")))
  expect_identical(response$status, 415L)
  expect_match(json(response)$error, "Content-Encoding 'gzip'", fixed = TRUE)
})

test_that("an unknown failure is a 500 with a request id and no traceback", {
  client <- new_client(list(predict = function(model, rows) stop("secret path /home/x")))
  expect_message(response <- client("1"), "Traceback.*secret path /home/x")
  expect_identical(response$status, 500L)
  expect_match(json(response)$error, json(response)$request_id, fixed = TRUE)
  expect_no_match(json(response)$error, "secret")
})

test_that("the request id that SageMaker gives is in the answer and in the log", {
  client <- new_client(list(predict = function(model, rows) stop("no such row")))
  request <- list("x-amzn-sagemaker-inference-id" = "from-sagemaker")
  expect_message(
    response <- client("1", headers = request),
    "^request from-sagemaker: POST /invocations 500:.*simpleError: no such row"
  )
  expect_identical(json(response)$request_id, "from-sagemaker")
})

test_that("the log has a line for each request that is refused", {
  expect_message(new_client()("1,x\n"), ": POST /invocations 400: line 1, value 2: 'x' is not a number\n$")
})

test_that("custom attributes come back, whether or not there is an answer", {
  client <- new_client()
  attributes <- list("x-amzn-sagemaker-custom-attributes" = "trace=1", "x-unknown" = "x")
  expect_returned <- function(body, status) {
    response <- client(body, headers = attributes)
    expect_identical(response$status, status)
    expect_named(response$headers, c("Content-Type", "X-Amzn-SageMaker-Custom-Attributes"))
    expect_identical(response$headers[["X-Amzn-SageMaker-Custom-Attributes"]], "trace=1")
  }
  expect_returned("1,2", 200L)
  suppressMessages(expect_returned("x", 400L))
})

test_that("a server answers predictions by itself, all else by plumber, and knows no other path", {
  handlers <- runtime$resolve_handlers(list(predict = function(model, rows) model * rowSums(rows)), batch = FALSE)
  server <- runtime$new_server(2, handlers, list(workers = 2L, timeout = 60L))
  headers <- list("x-amzn-sagemaker-custom-attributes" = "trace=1")
  send <- function(method, target, type = NULL) {
    request <- list(method = method, target = target, content_type = type, accept = "application/json")
    server(c(request, list(headers = headers, body = charToRaw("1,2\n"))))
  }
  response <- send("GET", "/execution-parameters")
  expect_identical(
    json(response),
    list(MaxConcurrentTransforms = 2L, BatchStrategy = "MULTI_RECORD", MaxPayloadInMB = 6L)
  )
  expect_identical(response$headers[["Content-Type"]], "application/json")
  for (target in c("/invocations", "/invocations?by=plumber")) {
    response <- send("POST", target, "text/csv")
    expect_identical(json(response), list(predictions = list(6L)))
    expect_identical(response$status, 200L)
    expect_identical(response$headers[["X-Amzn-SageMaker-Custom-Attributes"]], "trace=1")
    suppressMessages(expect_identical(send("POST", target, "image/png")$status, 415L))
  }
  expect_equal(send("GET", "/models")$status, 404)
  refused <- send("GET", "/invocations")
  expect_equal(refused$status, 405)
  expect_identical(refused$headers$Allow, "POST")
})

test_that("a prediction that takes too long is answered with 504, and the log says where it was", {
  slow <- function(model, rows) {
    repeat {
      rows <- rows
    }
  }
  handlers <- runtime$resolve_handlers(list(predict = slow), batch = FALSE)
  request <- list(content_type = "text/csv", headers = list("x-amzn-sagemaker-inference-id" = "id-7"))
  expect_message(
    response <- runtime$answer(c(request, list(body = charToRaw("1"))), 2, handlers, timeout = 0.3),
    "^request id-7: POST /invocations 504: the prediction took longer than 0.3 s.*algorithm\\$predict"
  )
  expect_identical(response$status, 504L)
})

test_that("predictions that are not one for each row are a failure, unless the algorithm writes them itself", {
  for (predictions in list(1, 1:3, list(1), matrix(1, 1, 2), data.frame(a = 1), NULL)) {
    client <- new_client(list(predict = function(model, rows) predictions))
    words <- sprintf("predict returned %d predictions for 2 rows: return one for each row", NROW(predictions))
    expect_message(response <- client("1\n2\n"), words)
    expect_identical(response$status, 500L)
  }
  client <- new_client(list(predict_fn = function(rows, model) 1))
  expect_message(response <- client("1\n2\n"), "predict returned 1 predictions for 2 rows")
  expect_identical(response$status, 500L)
  for (predictions in list(1:2, list(1, "a"), matrix(1, 2, 3), array(1, c(2, 1, 1)), data.frame(a = 1:2))) {
    client <- new_client(list(predict = function(model, rows) predictions))
    expect_identical(client("1\n2\n")$status, 200L)
  }
  client <- new_client(list(predict = function(model, rows) 1.5, output_fn = function(predictions, accept) "1.5"))
  expect_identical(rawToChar(client("1\n2\n")$body), "1.5")
})

test_that("a batch answer leaves the last line break to SageMaker, and takes no blank line for a record", {
  client <- new_client(batch = TRUE)
  expect_identical(rawToChar(client("1\n2\n")$body), "2\n4")
  expect_identical(rawToChar(client("[1]", "application/json")$body), '{"predictions": [2]}')
  for (content_type in c("text/csv", "application/jsonlines")) {
    suppressMessages(response <- client("1\n\n2\n", content_type))
    expect_match(json(response)$error, "^line 2 is blank")
  }
})

test_that("the algorithm's own functions take the place of the defaults and get the bare media type", {
  client <- new_client(list(
    input_fn = function(body, content_type) c(rawToChar(body), content_type),
    predict_fn = function(features, model) paste(features[[1]], "as", features[[2]], "by", model),
    output_fn = function(predictions, accept) list(body = toupper(predictions), content_type = "text/plain")
  ))
  response <- client("cat", "Image/PNG; charset=binary", accept = "text/plain")
  expect_identical(rawToChar(response$body), "CAT AS IMAGE/PNG BY 2")
  expect_identical(response$headers[["Content-Type"]], "text/plain")
})

test_that("an input_fn gets the charset if it takes one", {
  client <- new_client(list(
    input_fn = function(body, content_type, charset) iconv(rawToChar(body), charset, "UTF-8"),
    predict = function(model, texts) texts
  ))
  for (body in list(as.raw(0xe9), charToRaw("\u00e9"))) {
    response <- client(body, if (length(body) == 1) "text/plain; charset=latin1" else "text/plain")
    expect_identical(json(response), list(predictions = list("\u00e9")))
    expect_identical(response$headers[["Content-Type"]], "application/json")
  }
})

test_that("declared media types are taken and given and no others", {
  client <- new_client(list(
    supported_content_types = c("image/PNG", "text/csv"),
    supported_response_mime_types = c("image/gif", "text/plain"),
    input_fn = function(body, content_type) body,
    predict = function(model, body) body,
    output_fn = function(prediction, accept) prediction
  ))
  post <- function(content_type, accept = NULL) {
    suppressMessages(response <- client("x", content_type, accept))
    list(response$status, if (response$status == 200L) response$headers[["Content-Type"]] else json(response)$error)
  }
  expect_identical(post("image/png"), list(200L, "image/gif"))
  expect_identical(post("text/csv", "text/*"), list(200L, "text/plain"))
  expect_identical(post("image/png", "application/json, text/plain;q=0.1"), list(200L, "text/plain"))
  expect_identical(
    post("application/json"),
    list(415L, "Content-Type 'application/json' is not supported: send one of image/png, text/csv")
  )
  expect_identical(
    post("image/png", "text/csv"),
    list(406L, "Accept 'text/csv' cannot be met: ask for one of image/gif, text/plain, or */*")
  )
})

test_that("a declaration that makes no sense is explained", {
  expect_refused <- function(words, ...) {
    expect_error(runtime$resolve_handlers(list(...), FALSE), words, fixed = TRUE, class = "UserError")
  }
  expect_refused("names image/png, for which it needs an input_fn", supported_content_types = "image/png")
  expect_refused("must be media types", supported_content_types = "csv")
  expect_refused("must be media types", supported_response_mime_types = 1)
  expect_refused("keep one of them", features = features, input_shape = 2)
  expect_refused("input_shape in algorithm.R must be lengths", input_shape = "28")
  expect_refused("features in algorithm.R must give columns their kinds", features = "age")
  expect_refused(
    "column 'age' is declared as \"integer\": use \"number\" or \"text\"",
    features = list(age = "integer")
  )
  expect_refused("input_shape in algorithm.R must be lengths", input_shape = c(28, 0))
  expect_refused("has a save_fn and no model_fn", save_fn = print)
})

test_that("the defaults can be called from one's own functions", {
  project <- tempfile()
  dir.create(project)
  writeLines(
    c(
      "features <- list(age = 'number', city = 'text')",
      "input_fn <- function(body, content_type, charset) {",
      "  default_input_fn(body, if (content_type == 'text/plain') 'text/csv' else content_type, charset)",
      "}",
      "predict <- function(model, rows) rows$age",
      "output_fn <- function(predictions, accept) {",
      "  sub('31', 'thirty-one', rawToChar(default_output_fn(predictions, accept)))",
      "}"
    ),
    file.path(project, "algorithm.R")
  )
  client <- new_client(runtime$load_algorithm(project, runtime))
  expect_identical(rawToChar(client("31,Oslo\n", "text/plain", "text/csv")$body), "thirty-one\n")
  suppressMessages({
    expect_identical(client("31,Oslo\n", "text/csv", "image/png")$status, 406L)
    expect_identical(client("31,Oslo\n", "image/png")$status, 415L)
  })
})

test_that("of predict only an input_error is the client's fault", {
  post <- function(code) new_client(list(predict = function(model, rows) eval(code)))("1")
  expect_log <- function(code, log, status) {
    expect_message(response <- post(code), log)
    expect_identical(response$status, status)
  }
  expect_log(quote(stop(runtime$input_error("no such town"))), "400: no such town\n$", 400L)
  expect_log(quote(stop("Singular matrix")), "500:\nTraceback.*simpleError: Singular matrix", 500L)
  expect_log(quote(stop(runtime$http_error(429L, "later"))), "429: later\n$", 429L)
})

test_that("a body that is nested too deeply for one's own input_fn is the client's fault", {
  deep <- function(n) deep(n + 1)
  client <- new_client(list(input_fn = function(body, content_type) deep(1)))
  expect_message(response <- client("[[["), "nested too deeply")
  expect_identical(response$status, 400L)
})

test_that("arrays are written in every form", {
  rows <- runtime$array_of_values(1:8 / 2, c(2, 2, 2))
  written <- function(media_type) rawToChar(runtime$encode_predictions(rows, media_type))
  expect_identical(written("application/json"), '{"predictions": [[[0.5, 1], [1.5, 2]], [[2.5, 3], [3.5, 4]]]}\n')
  expect_identical(written("application/jsonlines"), "[[0.5, 1], [1.5, 2]]\n[[2.5, 3], [3.5, 4]]\n")
  expect_identical(written("text/csv"), "0.5,1,1.5,2\n2.5,3,3.5,4\n")
  expect_identical(runtime$decode_npy(runtime$encode_npy(rows), c(2, 2)), rows)
})

test_that("named features are found in every form and may be missing", {
  expect_frame <- function(media_type, body) {
    frame <- runtime$decode_body(charToRaw(body), media_type, features = features)
    expect_identical(frame, data.frame(age = c(31, NA), city = c("Oslo", NA)))
  }
  expect_frame("text/csv", "31,Oslo\n,\n")
  expect_frame("text/csv", "city,age,extra\nOslo,31,x\nNA,NaN,y\n")
  expect_frame("application/json", '[{"city": "Oslo", "age": 31}, {"age": null}]')
  expect_frame("application/json", '{"instances": [[31, "Oslo"], [null, null]]}')
})

test_that("in an .npy array nan is what is missing of named features", {
  decode <- function(number) {
    body <- npy("<f8", "2, 1", writeBin(c(31, number), raw()))
    runtime$decode_body(body, "application/x-npy", features = list(age = "number"))
  }
  expect_identical(decode(NaN), data.frame(age = c(31, NA)))
  expect_error(decode(Inf), "row 2, column 'age': Inf is not a finite number", class = "InputError")
})

test_that("wrong named features are explained", {
  expect_explained <- function(media_type, body, words) {
    decode <- runtime$decode_body
    expect_error(decode(charToRaw(body), media_type, features = features), words, fixed = TRUE, class = "InputError")
  }
  expect_explained("text/csv", "31\n", "line 1 has 1 values, expected 2: age, city")
  expect_explained("text/csv", "old,Oslo\n", "line 1, column 'age': 'old' is not a number")
  expect_explained("text/csv", "inf,Oslo\n", "'inf' is not a number")
  expect_explained("application/json", '[{"town": "Oslo"}]', "instance 1 names none of the features age, city")
  expect_explained("application/json", '[{"age": 1}, [1, "Oslo"]]', "instance 2")
  expect_explained("application/json", '[[1, ["Oslo"]]]', "expected one value")
})

test_that("predictions of every kind can be written", {
  encode <- function(...) rawToChar(runtime$encode_predictions(...))
  rows <- list(list(label = "a,b", p = list(x = 0.5)), list(label = "c", p = list(x = Inf)))
  expect_identical(encode(rows, "text/csv"), "\"a,b\",0.5\nc,Inf\n")
  expect_identical(encode(diag(2), "application/jsonlines"), "[1, 0]\n[0, 1]\n")
  expect_identical(encode(c(0.1, NA, 1 / 3), "application/json"), '{"predictions": [0.1, null, 0.3333333333333333]}\n')
  expect_identical(encode(factor(c("b", "a")), "text/csv"), "b\na\n")
  frame <- data.frame(label = c("a", "b"), p = c(0.5, 1))
  expect_identical(encode(frame, "text/csv"), "a,0.5\nb,1\n")
  expect_identical(encode(frame, "application/jsonlines"), '{"label": "a", "p": 0.5}\n{"label": "b", "p": 1}\n')
  expect_identical(encode(rows[2], "application/jsonlines"), '{"label":"c","p":{"x":null}}\n')
  texts <- c("a\"b\\", "c\nd", NA, "\u00e9")
  expect_identical(
    jsonlite::parse_json(encode(texts, "application/json"))$predictions,
    as.list(texts) |> replace(3, list(NULL))
  )
  expect_identical(encode(c(TRUE, NA), "application/json"), '{"predictions": [true, null]}\n')
  expect_error(encode(rows, "application/x-npy"), "application/json")
})

test_that("predictions that R gives one dimension are a vector like any other, and as fast", {
  by_group <- tapply(c(1, 3, 5), c("a", "a", "b"), mean)
  expect_identical(rawToChar(runtime$encode_predictions(by_group, "text/csv")), "2\n5\n")
  expect_identical(rawToChar(runtime$encode_predictions(by_group, "application/json")), '{"predictions": [2, 5]}\n')
  expect_lt(system.time(runtime$encode_predictions(array(0.5, 1e5), "text/csv"))[["elapsed"]], 3)
})

test_that("settings come from the environment", {
  set <- function(...) {
    old <- Sys.getenv(names(c(...)), NA)
    do.call(Sys.setenv, list(...))
    on.exit(Sys.unsetenv(names(old)))
    runtime$settings_from_environment()
  }
  settings <- set(SAGEMAKER_BIND_TO_PORT = "9001", SAGEMAKER_MODEL_SERVER_WORKERS = "40", SAGEMAKER_BATCH = "True")
  expect_identical(settings[c("port", "workers", "batch")], list(port = 9001L, workers = 40L, batch = TRUE))
  expect_lte(runtime$execution_parameters(settings)$MaxPayloadInMB * 40, 100)
  expect_error(set(SAGEMAKER_BIND_TO_PORT = "http"), "SAGEMAKER_BIND_TO_PORT is 'http'", class = "UserError")
})

test_that("a damaged or missing model is a sentence", {
  folder <- new_project("list(predict = 1)")
  load <- function() runtime$load_server(folder, runtime$paths_below(folder), list(batch = FALSE))
  expect_error(
    suppressMessages(load()),
    "model cannot be loaded: UserError: there is no model.rds",
    class = "UserError"
  )
  write_text("damaged", folder, "model", "model.rds")
  expect_error(suppressWarnings(suppressMessages(load())), "cannot be loaded: simpleError", class = "UserError")
})
