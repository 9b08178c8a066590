"""What instances cost, by AWS's Pricing API; a table of prices here would be out of date within a year."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from .aws import Aws

PRICING_REGION = "us-east-1"  # the Pricing API is not everywhere
UNKNOWN = "its price is not known here"


def hourly(aws: Aws, instance_type: str, component: str) -> float | None:
    """Return the price of an instance, in USD an hour; None where it cannot be known: no permission, no such entry.

    `component` is Training, Hosting or BatchTransform.
    """
    wanted = {"instanceName": instance_type, "regionCode": aws.region}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    try:
        pricing = aws.client("pricing", PRICING_REGION)
        found = pricing.get_products(ServiceCode="AmazonSageMaker", Filters=filters)["PriceList"]
    except (ClientError, BotoCoreError):
        return None
    prices = []
    for product in map(json.loads, found):
        if product["product"]["attributes"].get("component", "").replace(" ", "") != component:
            continue
        for term in product["terms"].get("OnDemand", {}).values():
            units = [one["pricePerUnit"] for one in term["priceDimensions"].values() if one["unit"].startswith("H")]
            prices += [float(one["USD"]) for one in units if "USD" in one]
    return max(prices, default=None)


def words(aws: Aws, instance_type: str, count: int, component: str, *, hours: float, time: str = "") -> str:
    """Return what instances cost in so many hours, at most, as a part of a sentence; `time` is what they are called."""
    if aws.local:
        return "free, for it runs on this machine"
    price = hourly(aws, instance_type, component)
    if price is None:
        return UNKNOWN
    return f"at most {price * count * hours:.2f} USD {time}".rstrip() + f" ({price:g} an hour for each instance)"
