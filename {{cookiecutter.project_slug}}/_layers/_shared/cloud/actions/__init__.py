"""What a user can do, a module for each topic; ACTIONS has the functions by the words of the cloud-… targets."""

from .account import delete, logs, status
from .batch import transform
from .hosting import deploy, invoke
from .permissions import policy
from .preflight import check
from .registry import push, register
from .training import train
from .tuning import tune

ACTIONS = {
    one.__name__: one
    for one in (check, push, train, tune, deploy, invoke, transform, register, status, logs, delete, policy)
}
