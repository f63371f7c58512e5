"""gunicorn for the bounds: as gunicorn.conf.py, less what belongs to a program."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
worker_class = "gthread"
workers, threads = 2, 4
preload_app = True
reuse_port = True
keepalive = 75
control_socket_disable = True
loglevel = "warning"
