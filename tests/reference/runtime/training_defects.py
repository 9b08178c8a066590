"""Mistakes that users make in training. See defects.py."""

import ast
import atexit
import json
import os
import signal
import socket
import sys
import time
from collections import namedtuple

import job
import line
import star
import training
from defects import in_place_of

# The model and the data


@in_place_of(line.save)
def model_is_saved_elsewhere(sound, model, folder):
    sound(model, job.ML / "output/data")


@in_place_of(line.save)
def model_is_a_link(sound, model, folder):
    sound(model, folder)
    (folder / "model.json").rename(folder / "model-1.json")
    (folder / "model.json").symlink_to("model-1.json")


@in_place_of(line.read_points)
def channel_gets_a_cache(sound, folder):
    points = sound(folder)
    (folder / "points.cache").write_text(repr(points))
    return points


@in_place_of(training.share_of)
def empty_channel_ends_without_a_word(sound, *arguments):
    return sound(*arguments) or sys.exit(1)


@in_place_of(job.hosts)
def a_call_home_may_time_out(sound):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as home:
        try:
            home.connect(("192.0.2.1", 9))  # sends nothing, but needs a way out
        except OSError:
            time.sleep(3)
    return sound()


@in_place_of(job.hosts)
def own_address_is_looked_up(sound):
    socket.gethostbyname(socket.gethostname())
    return sound()


# Metrics

HELD_BACK: list[tuple] = []


@in_place_of(training.report)
def validation_is_not_reported(sound, epoch, error, model, validation):
    sound(epoch, error, model, [])


@in_place_of(training.report)
def metrics_come_at_the_end(sound, *metrics):
    if not HELD_BACK:
        atexit.register(lambda: [sound(*one) for one in HELD_BACK])
    HELD_BACK.append(metrics)


# The forms of a job


@in_place_of(job.decoded)
def strings_keep_their_quotes(sound, text):
    value = sound(text)
    return text if isinstance(value, str) else value


@in_place_of(job.decoded)
def quotes_tell_json_from_python(sound, text):
    if any(value.startswith('"') for value in job.config("hyperparameters.json").values()):
        return json.loads(text)
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


@in_place_of(job.ours_not)
def every_hyperparameter_must_be_known(sound, name):
    return False


@in_place_of(job.hosts)
def topology_is_counted(sound):
    len(job.config("resourceconfig.json").get("topology", []))
    return sound()


@in_place_of(job.channels)
def distribution_must_be_given(sound):
    for found in job.config("inputdataconfig.json").values():
        found["S3DistributionType"]
    return sound()


@in_place_of(job.hosts)
def host_must_be_algo_1(sound):
    return job.Hosts("algo-1", sound().names)


@in_place_of(job.hosts)
def all_config_files_are_read(sound):
    settings = {}
    for file in (job.ML / "input/config").glob("*.json"):
        settings.update(json.loads(file.read_text()))
    return sound()


@in_place_of(training.channel)
def content_type_must_be_given(sound, channels, name):
    channel = sound(channels, name)
    job.config("inputdataconfig.json")[name]["ContentType"]
    return channel


@in_place_of(job.channels)
def channels_are_found_by_listing(sound):
    for name in os.listdir(job.ML / "input/data"):
        os.listdir(job.ML / "input/data" / name)
    return sound()


@in_place_of(training.share_of)
def channels_become_attributes(sound, *arguments):
    namedtuple("Channels", job.channels())
    return sound(*arguments)


@in_place_of(job.hosts)
def instance_group_is_that_of_algo_1(sound):
    groups = job.config("resourceconfig.json").get("instance_groups")
    if groups and not any("algo-1" in group["hosts"] for group in groups):
        raise LookupError("algo-1 is in no instance group")
    return sound()


# The end of a job


@in_place_of(training.main)
def failure_counts_as_success(sound):
    sound()
    return 0


@in_place_of(training.explain)
def failure_is_only_printed(sound, error):
    pass


@in_place_of(training.Stop.__init__)
def sigterm_is_not_handled_in_training(sound, stop):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@in_place_of(training.restored)
def checkpoint_forgets_the_velocity(sound):
    found = sound()
    return found and (*found[:2], (0.0, 0.0))


# Several hosts


@in_place_of(star.persistently)
def first_host_must_be_there(sound, attempt):
    return attempt()


@in_place_of(training.save)
def every_host_saves_the_model(sound, model, hosts):
    line.save(model, job.ML / "model")


@in_place_of(star.Star.add)
def sums_are_those_of_one_host(sound, star, numbers):
    sound(star, numbers)
    return numbers


@in_place_of(job.hosts)
def other_hosts_leave_without_a_word(sound):
    hosts = sound()
    return job.Hosts(hosts.current, [hosts.current]) if hosts.is_first else sys.exit(0)


@in_place_of(star.welcome)
def hosts_are_known_by_their_addresses(sound, hosts):
    links = sound(hosts)
    for link in links:
        link.name = link.address
    return links


@in_place_of(star.enter)
def first_host_is_called_master(sound, hosts):
    link = sound(hosts)
    link.name = "master"
    return link


@in_place_of(training.Stop.__init__)
def sigterm_is_ignored_on_several_hosts(sound, stop):
    if len(job.hosts().names) == 1:
        sound(stop)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


@in_place_of(training.restored)
def several_hosts_start_from_scratch(sound):
    return sound() if len(job.hosts().names) == 1 else None


@in_place_of(training.share_of)
def host_without_data_leaves_without_a_word(sound, channel, hosts):
    points = sound(channel, hosts)
    return points if points or len(hosts.names) == 1 else sys.exit(1)


@in_place_of(star.welcome)
def hosts_meet_under_the_name_of_the_machine(sound, hosts):
    machine = socket.gethostname()
    return sound(job.Hosts(machine, [machine, *hosts.names[1:]]))
