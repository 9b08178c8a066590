"""The SM_* variables of the SageMaker training toolkit, so that code written for it runs unchanged (contract T53).

The platform itself sets none of them (T23).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runtime.distributed.hosts import Hosts
from runtime.paths import Paths
from runtime.resources import cpu_count, gpu_count
from runtime.training.channels import Channels
from runtime.training.hyperparameters import decode, reserved


def variables(
    paths: Paths,
    model_folder: Path,
    hosts: Hosts,
    channels: Channels,
    strings: Mapping[str, object],
    config: Mapping[str, Any],
) -> dict[str, str]:
    """Return the variables of this job.

    `model_folder` is where this process leaves what belongs to the model; `config` holds the job's files by name
    without `.json`.
    """
    values = {name: _value(text) for name, text in strings.items() if not reserved(name)}
    resources = config["resourceconfig"] or {}
    result = {
        "SM_HOSTS": json.dumps(hosts.all),
        "SM_CURRENT_HOST": hosts.current,
        "SM_NETWORK_INTERFACE_NAME": hosts.network_interface,
        "SM_CURRENT_INSTANCE_TYPE": resources.get("current_instance_type", ""),
        "SM_CURRENT_INSTANCE_GROUP": resources.get("current_group_name", ""),
        "SM_INSTANCE_GROUPS": json.dumps(resources.get("instance_groups") or []),
        "SM_RESOURCE_CONFIG": json.dumps(resources),
        "SM_INPUT_DATA_CONFIG": json.dumps(config["inputdataconfig"] or {}),
        "SM_HPS": json.dumps(values),
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_INPUT_DIR": str(paths.base / "input"),
        "SM_INPUT_CONFIG_DIR": str(paths.config),
        "SM_MODEL_DIR": str(model_folder),
        "SM_OUTPUT_DIR": str(paths.base / "output"),
        "SM_OUTPUT_DATA_DIR": str(paths.output_data),
        "SM_NUM_CPUS": str(cpu_count()),
        "SM_NUM_GPUS": str(gpu_count()),
        "SM_LOG_LEVEL": "20",
    }
    result |= {f"SM_CHANNEL_{name.upper()}": str(channel.path) for name, channel in channels.items()}
    result |= {
        f"SM_HP_{name.upper()}": text if isinstance(text, str) else json.dumps(text) for name, text in values.items()
    }
    return result


def _value(text: object) -> object:
    """Return the value that the toolkit would show in SM_HPS: JSON decoded where it is JSON."""
    value = decode(text)
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
