"""Mistakes that users make in serving. See defects.py."""

import json
import multiprocessing
import os
import signal
import socket
import time
import traceback
from contextlib import suppress
from pathlib import Path

import formats
import line
import serving
from defects import in_place_of

MEGABYTE = 1024 * 1024

# The start


@in_place_of(line.load)
def model_is_looked_for_elsewhere(sound, folder):
    return sound(folder / "1")


LOADING_SINCE: list[float] = []


@in_place_of(serving.Handler.predictions)
def model_is_loaded_by_the_first_request(sound, handler):
    LOADING_SINCE.append(time.monotonic())
    if time.monotonic() - LOADING_SINCE[0] < 0.3:
        raise formats.Refused(503, "the model is being loaded")
    return sound(handler)


@in_place_of(line.load)
def server_starts_without_a_model(sound, folder):
    try:
        return sound(folder)
    except Exception:
        traceback.print_exc()
        return 0.0, 0.0


@in_place_of(serving.open_port)
def port_8080_is_open_as_well(sound):
    with suppress(OSError):
        other = socket.create_server(("", 8080))
        other.detach()
    return sound()


@in_place_of(serving.open_port)
def port_is_always_8080(sound):
    return socket.create_server(("", 8080), backlog=serving.BACKLOG)


# Pings and connections


@in_place_of(serving.Handler.ping)
def only_known_hosts_are_answered(sound, handler):
    known = handler.headers["Host"].partition(":")[0] in ("localhost", "127.0.0.1")
    return sound(handler) if known else handler.answer(400)


@in_place_of(serving.Handler.ping)
def head_is_unknown(sound, handler):
    return handler.answer(501) if handler.command == "HEAD" else sound(handler)


ONE = multiprocessing.Lock()  # of all workers, however many this machine has


@in_place_of(serving.Handler.handle)
def one_request_at_a_time(sound, handler):
    with ONE:
        sound(handler)
        if int(handler.headers.get("Content-Length", 0)) > MEGABYTE:
            time.sleep(0.4)  # as a model that takes its time


@in_place_of(serving.Server.get_request)
def few_connections_may_wait(sound, server):
    server.socket.listen(8)
    time.sleep(0.01)  # as a server that asks for the client's name
    return sound(server)


@in_place_of(serving.Handler.ping)
def pings_wait_for_their_turn(sound, handler):
    time.sleep(1)
    return sound(handler)


# Requests


@in_place_of(serving.Handler.answer)
def answers_are_html(sound, handler, status, body=b"", content_type=""):
    sound(handler, status, body, "text/html")


@in_place_of(line.predict)
def only_64_rows_are_answered(sound, model, places):
    return sound(model, places[:64])


@in_place_of(serving.Handler.predictions)
def json_has_the_time(sound, handler):
    body, content_type = sound(handler)
    if content_type == "application/json":
        body = json.dumps(json.loads(body) | {"time": time.time()}).encode()
    return body, content_type


@in_place_of(serving.Handler.predictions)
def custom_attributes_must_be_json(sound, handler):
    json.loads(handler.headers.get("X-Amzn-SageMaker-Custom-Attributes", "{}"))
    return sound(handler)


@in_place_of(formats.media_type)
def content_type_may_have_no_parameters(sound, header):
    return header


@in_place_of(formats.read)
def garbage_is_an_error_of_the_server(sound, content_type, body):
    try:
        return sound(content_type, body)
    except formats.Refused as refused:
        if refused.status != 400:
            raise
        raise RuntimeError("that was unexpected") from refused


@in_place_of(formats.read)
def every_body_is_taken_for_csv(sound, content_type, body):
    known = formats.media_type(content_type) in formats.READERS
    return sound(content_type if known else "text/csv", body)


@in_place_of(formats.answer_type)
def accept_is_ignored(sound, accept, content_type):
    return formats.media_type(content_type)


@in_place_of(serving.Handler.body)
def bodies_have_5_mb_at_most(sound, handler):
    body = sound(handler)
    if len(body) > 5 * MEGABYTE:
        raise formats.Refused(413, "the body has more than 5 MB")
    return body


# Load


@in_place_of(serving.Handler.computed)
def one_computation_at_a_time(sound, handler, body):
    with ONE:
        return sound(handler, body)


SEATS = multiprocessing.Semaphore(16)


@in_place_of(serving.Handler.body)
def slow_clients_take_all_seats(sound, handler):
    with SEATS:
        return sound(handler)


@in_place_of(serving.Handler.enter)
def any_number_may_wait(sound, handler):
    return True


# Batch transform


@in_place_of(serving.execution_parameters)
def execution_parameters_are_words(sound):
    return {name: str(value) for name, value in sound().items()}


@in_place_of(formats.joined)
def last_record_ends_with_a_line_break(sound, lines):
    return sound(lines).removesuffix(b"\n") + b"\n"


@in_place_of(formats.lines_of)
def last_line_must_end_with_a_line_break(sound, body):
    return body.decode().split("\n")[:-1]


@in_place_of(serving.Handler.body)
def body_needs_a_length(sound, handler):
    return sound(handler) if "Content-Length" in handler.headers else b""


# Processes


@in_place_of(line.load)
def model_is_unpacked_in_its_folder(sound, folder):
    (folder / "unpacked.json").write_bytes((folder / "model.json").read_bytes())
    return sound(folder)


@in_place_of(serving.open_port)
def process_number_is_kept_in_run(sound):
    Path("/run/serve.pid").write_text(str(os.getpid()))
    return sound()


@in_place_of(serving.cpus)
def workers_are_counted_by_the_machine(sound):
    return os.cpu_count()


@in_place_of(serving.work)
def sigterm_ends_the_workers_at_once(sound, *arguments):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    sound(*arguments)


@in_place_of(serving.replace_dead)
def dead_workers_are_not_replaced(sound, workers, start_one):
    pass


@in_place_of(serving.end_with_parent)
def workers_outlive_the_server(sound, leash):
    pass
