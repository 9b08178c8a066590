"""The sample's job in the other forms that SageMaker gives a job."""

import pytest

from .job import ODD_CHANNEL, ODD_HOST, SAGEMAKERS_OWN
from .training_runs import expect_success

DECODE = "Read each value with json.loads first, and take it as it is when that fails."


@pytest.mark.clause("T13")
def test_json_hyperparameters(cloud):
    """Hyperparameters may come as JSON with quoted strings (SDK v2 framework estimators)."""
    expect_success(
        cloud.try_alone("encoding"),
        'Training fails when hyperparameters are encoded by json.dumps: true, 0.1, "abc" with its quotes.',
        DECODE,
    )


@pytest.mark.clause("T13")
def test_bare_json_hyperparameters(local_mode):
    """Hyperparameters may come as JSON with bare strings (SDK v3 ModelTrainer)."""
    expect_success(
        local_mode.try_alone("encoding"),
        "Training fails when hyperparameters are encoded as SDK v3 does: true, 0.1, abc without quotes.",
        DECODE,
    )


@pytest.mark.clause("T39", "T49")
def test_sagemakers_own_hyperparameters(cloud):
    """Hyperparameters that SageMaker adds by itself do no harm, as in tuning jobs."""
    expect_success(
        cloud.try_alone("extra_hyperparameters"),
        "Training fails when the job has hyperparameters of SageMaker's own.",
        f"Ignore names that start with sagemaker_ or _, here {', '.join(SAGEMAKERS_OWN)}.",
    )


@pytest.mark.clause("T16")
def test_newest_resourceconfig(cloud):
    """resourceconfig.json may have today's form, with instance groups and topology null."""
    expect_success(
        cloud.try_alone("newest_resourceconfig"),
        "Training fails with the resourceconfig.json that SageMaker writes today.",
        "Read current_host, hosts and network_interface_name, and ignore keys you do not know.",
    )


@pytest.mark.clause("L6")
def test_local_mode_config(local_mode):
    """The config files may have the short form that the SDK's local mode writes."""
    expect_success(
        local_mode.try_alone("local_mode_config"),
        "Training fails with the config files of the SDK's local mode.",
        "Take S3DistributionType, RecordWrapperType and instance groups as optional.",
    )


@pytest.mark.clause("T17")
def test_host_name(cloud):
    """The host need not be called algo-1."""
    expect_success(
        cloud.try_alone("host"),
        f"Training fails on a host with the name {ODD_HOST}.",
        "Take the name from current_host in resourceconfig.json.",
    )


@pytest.mark.clause("T18")
def test_unknown_config_files(cloud):
    """More files in /opt/ml/input/config do no harm."""
    expect_success(
        cloud.try_alone("extra_config_files"),
        "Training fails when /opt/ml/input/config has the further files that SageMaker puts there.",
        "Open the files you need by name, and leave the others alone.",
    )


@pytest.mark.clause("T14")
def test_channel_without_content_type(cloud):
    """A channel need not have a ContentType."""
    expect_success(
        cloud.try_alone("content_types"),
        "Training fails when inputdataconfig.json has no ContentType.",
        "Fall back to a format of your own: ContentType is absent unless the caller sets it.",
    )


@pytest.mark.clause("T25")
def test_manifest_files(cloud):
    """Files beside the channels' folders, <channel>-manifest, do no harm."""
    expect_success(
        cloud.try_alone("manifest_files"),
        "Training fails when there is a file <channel>-manifest in /opt/ml/input/data.",
        "Take the channels' names from inputdataconfig.json instead of listing /opt/ml/input/data.",
    )


@pytest.mark.clause("T24")
def test_odd_channel_name(cloud):
    """One more channel with an odd but legal name does no harm."""
    expect_success(
        cloud.try_alone("channels"),
        f"Training fails when there is one more channel, empty and with the name {ODD_CHANNEL}.",
        "Read the channels you need by name. Names may have dots, hyphens and underscores.",
    )


@pytest.mark.clause("T12", "T14", "T16")
def test_all_variations_together(cloud, local_mode):
    """All of the variations above work together, as in a real job."""
    for variations in (cloud, local_mode):
        if variations.culprits:
            pytest.skip("because one of the variations fails by itself (T12 to T25)")
        expect_success(
            variations.together,
            "Training fails when these variations come together, though each of them works alone.",
            "Read the log above; the config files are shown as they were sent.",
        )
