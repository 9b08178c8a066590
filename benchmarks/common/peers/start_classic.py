"""Starts nginx and, by the rest of the command line, gunicorn; ends both on SIGTERM or with either of them."""

import os
import signal
import subprocess
import sys

folder, *gunicorn = sys.argv[1:]
# nginx answers 502 until gunicorn listens.
front = subprocess.Popen(["nginx", "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"])
server = subprocess.Popen(gunicorn)
signal.signal(signal.SIGTERM, lambda *_: (front.send_signal(signal.SIGQUIT), server.terminate()))
os.wait()
front.terminate()
server.terminate()
front.wait()
server.wait()
