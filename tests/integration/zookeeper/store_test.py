"""Runs a test program against one real ZooKeeper: store_test.py PROGRAM [arguments of gtest]."""

import os
import subprocess
import sys

from lib import brokers, zookeeper

with brokers.scratch() as folder, zookeeper.Server(folder) as server:
    done = subprocess.run(sys.argv[1:], check=False,
                          env={**os.environ, "BARNABAS_ZOOKEEPER": server.address})
sys.exit(done.returncode)
