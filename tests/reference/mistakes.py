"""The checks of local_test that fail with each mistake of the reference, and words of their messages.

A new check of local_test needs a mistake that it catches: tests/test_defects.py sees to that.
"""

from dataclasses import dataclass, replace

ENGINES = ("process", "docker")


@dataclass(frozen=True)
class Mistake:
    """The checks that fail with a mistake, in their order; it is meant for the first, whose message has the `words`.

    It is a `defect` of runtime/*_defects.py, or a change of the programs' files (`shell`), of the image (`dockerfile`)
    or of what is expected of it (`options` of local_test).
    """

    checks: tuple[str, ...]
    words: str
    engines: tuple[str, ...] = ENGINES
    defect: str = ""
    shell: str = ""
    dockerfile: str = ""
    options: tuple[str, ...] = ()

    @property
    def instruction(self) -> str:
        """The line of a Dockerfile that brings it into the image."""
        if self.defect:
            return "COPY defect ./"
        return f"RUN {self.shell}" if self.shell else self.dockerfile


def mistake(*checks: str, words: str, **more) -> Mistake:
    """Return a mistake."""
    return Mistake(tuple(f"test_{check}" for check in checks), words, **more)


def of_image(*checks: str, words: str, **more) -> Mistake:
    """Return a mistake that shows in containers only."""
    return mistake(*checks, words=words, engines=("docker",), **more)


def of_process(*checks: str, words: str, **more) -> Mistake:
    """Return a mistake that shows in local processes only."""
    return mistake(*checks, words=words, engines=("process",), **more)


IMAGE = {
    "another platform": of_image("platform", words="exec format error", options=("--platform", "linux/arm64")),
    "a user without rights": of_image("user", words="runs as 'nobody'", dockerfile="USER nobody"),
    "a shell as entry point": of_image(
        "entrypoint", "becomes_healthy", words="does not pass SIGTERM on", dockerfile="ENTRYPOINT train"
    ),
    "train has Windows line ends": mistake(
        "train_can_be_started", words="Save it with LF", shell="sed -i 's/$/\\r/' train"
    ),
    "train is not on the path": of_image("train_can_be_started", words="on PATH", dockerfile="RUN mv train /opt/train"),
    "train has no interpreter": of_image(
        "train_can_be_started", words="interpreter that is not there", shell="sed -i '1s/python3/python9/' train"
    ),
    "train is not executable": of_image(
        "train_can_be_started", words="is not executable", dockerfile="RUN chmod a-x train"
    ),
    "serve has Windows line ends": mistake(
        "serve_can_be_started", words="Save it with LF", shell="sed -i 's/$/\\r/' serve"
    ),
    "code below /opt/ml": of_image(
        "nothing_under_opt_ml", words="ml/code/train", dockerfile="RUN mkdir -p /opt/ml/code && cp train /opt/ml/code"
    ),
    "credentials in the environment": of_image(
        "no_credentials_in_the_environment", words="AWS_SECRET", dockerfile="ENV AWS_SECRET_ACCESS_KEY=secret"
    ),
    "Python holds its output back": of_image(
        "python_is_unbuffered", words="PYTHONUNBUFFERED", dockerfile="ENV PYTHONUNBUFFERED="
    ),
    "what a script of Processing needs is not there": of_image(
        "processing_job", words="ModuleNotFoundError", dockerfile="ENV PYTHONPATH="
    ),
}

TRAINING = {
    "model_is_saved_elsewhere": mistake("trains_on_the_sample", words="left nothing in /opt/ml/model"),
    "channel_gets_a_cache": mistake("channels_are_read_only", words="channels"),
    "empty_channel_ends_without_a_word": mistake("empty_channel", words="fails without a message"),
    "own_address_is_looked_up": of_image("without_network", words="gaierror"),
    "a_call_home_may_time_out": of_image("without_network", words="waits for a time-out"),
    "validation_is_not_reported": mistake("metrics", words="validation:mse is not in the log"),
    "metrics_come_at_the_end": mistake("metrics_arrive_while_running", words="until it was stopped"),
    "strings_keep_their_quotes": mistake("json_hyperparameters", words='"abc" with its quotes'),
    "quotes_tell_json_from_python": mistake("bare_json_hyperparameters", words="as SDK v3 does"),
    "every_hyperparameter_must_be_known": mistake("sagemakers_own_hyperparameters", words="unknown hyperparameters"),
    "topology_is_counted": mistake("newest_resourceconfig", words="that SageMaker writes today"),
    "distribution_must_be_given": mistake("local_mode_config", words="KeyError: 'S3DistributionType'"),
    "host_must_be_algo_1": mistake("host_name", words="Take the name from current_host"),
    "all_config_files_are_read": mistake("unknown_config_files", words="further files"),
    "content_type_must_be_given": mistake("channel_without_content_type", words="KeyError: 'ContentType'"),
    "channels_are_found_by_listing": mistake("manifest_files", words="NotADirectoryError"),
    "channels_become_attributes": mistake("odd_channel_name", words="a.b-c_d"),
    "instance_group_is_that_of_algo_1": mistake("all_variations_together", words="though each of them works alone"),
    "failure_counts_as_success": mistake("mistakes_end_the_job", words="its exit code is 0"),
    "failure_is_only_printed": mistake("failure_file", words="/opt/ml/output/failure was not written"),
    "sigterm_is_not_handled_in_training": mistake("sigterm_ends_training", words="Handle SIGTERM"),
    "checkpoint_forgets_the_velocity": mistake("resumes_from_checkpoint", words="one that was not with"),
}

HOSTS = {
    "first_host_must_be_there": mistake("trains_on_several_hosts", words="retry for minutes"),
    "every_host_saves_the_model": mistake("one_host_writes_the_model", words="wrote to /opt/ml/model as well"),
    "sums_are_those_of_one_host": mistake("same_model_as_on_one_host", words="hosts_tolerance"),
    "other_hosts_leave_without_a_word": mistake("idle_hosts_say_so", words="does not say why"),
    "hosts_are_known_by_their_addresses": mistake("last_host_dies", words="does not mention"),
    "first_host_is_called_master": mistake("first_host_dies", words="does not mention"),
    "sigterm_is_ignored_on_several_hosts": mistake("sigterm_ends_all_hosts", words="did not end within"),
    "several_hosts_start_from_scratch": mistake("all_hosts_resume", words="started from scratch"),
    "host_without_data_leaves_without_a_word": mistake("host_without_data", words="so that the last host gets no file"),
    "hosts_meet_under_the_name_of_the_machine": of_image("network_interface", words="eth1"),
}

SERVING = {
    "model_is_a_link": mistake("model_survives_packing", "becomes_healthy", words="model.json -> model-1.json"),
    "model_is_looked_for_elsewhere": mistake("becomes_healthy", words="exited instead of answering"),
    "model_is_loaded_by_the_first_request": mistake("healthy_means_loaded", words="the model is being loaded"),
    "server_starts_without_a_model": mistake("broken_model_is_never_healthy", words="without a model"),
    "only_known_hosts_are_answered": mistake("ping_from_sagemaker", words="model.aws.local"),
    "head_is_unknown": mistake("ping_by_head", words="does not answer HEAD"),
    "one_request_at_a_time": mistake("ping_while_busy", words="must not queue behind"),
    "pings_wait_for_their_turn": mistake("ping_at_once", words="half of the pings"),
    "few_connections_may_wait": mistake("accepts_connections_quickly", words="longer backlog"),
    "port_8080_is_open_as_well": of_process("bind_to_port", words="as well as on the port"),
    "port_is_always_8080": of_image("bind_to_port", words="does not answer on the port"),
}

REQUESTS = {
    "answers_are_html": mistake("sample_requests", words="The answer is text/html"),
    "only_64_rows_are_answered": mistake("predictions_along_x", words="one number each"),
    "json_has_the_time": mistake("same_request_same_answer", words="two different answers"),
    "custom_attributes_must_be_json": mistake("unknown_headers", words="trace_id=local-test"),
    "content_type_may_have_no_parameters": mistake("content_type_with_parameters", words="charset=utf-8 is not"),
    "garbage_is_an_error_of_the_server": mistake("garbage", words="500 Internal"),
    "every_body_is_taken_for_csv": mistake("unsupported_content_type", words="not refused with 415"),
    "accept_is_ignored": mistake("unsupported_accept", words="not refused with 406"),
    "bodies_have_5_mb_at_most": mistake("large_bodies", words="client_max_body_size"),
    "one_computation_at_a_time": mistake("long_request_holds_nobody", words="Small requests wait for a long one"),
    "slow_clients_take_all_seats": mistake("slow_clients_hold_nobody", words="have sent only half of their requests"),
    "any_number_may_wait": mistake("full_queue", words="the queue has no limit"),
    "execution_parameters_are_words": mistake("execution_parameters", words="its three values"),
    "last_record_ends_with_a_line_break": mistake("multi_record", "single_record", words="2 of them empty"),
    "last_line_must_end_with_a_line_break": mistake("single_record", words="without a newline at its end"),
    "body_needs_a_length": mistake("chunked_body", words="body in HTTP chunks"),
}

ROBUSTNESS = {
    "model_is_unpacked_in_its_folder": mistake("model_folder_is_left_alone", words="Write caches and unpacked files"),
    "process_number_is_kept_in_run": of_image("serverless", words="Read-only file system"),
    "workers_are_counted_by_the_machine": of_image("small_machine", words="cpu.max"),
    "sigterm_ends_the_workers_at_once": mistake("sigterm_drains", words="is not answered"),
    "dead_workers_are_not_replaced": mistake("killed_workers", words="neither answers nor has exited"),
    "workers_outlive_the_server": of_process("killed_server", words="still answers /ping"),
}

DEFECTS = TRAINING | HOSTS | SERVING | REQUESTS | ROBUSTNESS
MISTAKES = IMAGE | {name: replace(one, defect=name) for name, one in DEFECTS.items()}
# The checks that no mistake can make fail.
IMPOSSIBLE = {("docker", "test_killed_server")}  # a container ends with its first process, whatever that has started
