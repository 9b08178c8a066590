"""How OpenMP's threads wait: asleep, which must be said before XGBoost is loaded.

Threads that spin hold up whatever shares their CPUs: a round on two hosts of one machine took 180 ms, and takes 0.7 ms.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
