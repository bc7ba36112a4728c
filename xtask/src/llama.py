"""Serves a model on a port of this machine: MODEL PORT. Ends when its standard input does."""

import sys

import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[2])
params.n_ctx = 2048
params.n_parallel = 1
# One: its threads wait for each other by spinning, which beside other tests is many times slower than one alone.
params.cpuparams.n_threads = 1
params.use_jinja = True
params.ui = False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
