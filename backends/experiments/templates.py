"""The exported scripts, as text with places to fill in. Each is short enough to be read before it is run.

What is filled in is a Python literal made by `repr`, or a declared name; see code.py.
"""

from __future__ import annotations

from string import Template

HTTP = Template("""\
# $title ($action): asks a Vitrine server by plain HTTP.
# Needs Python 3.9 or newer and nothing else:  python run_http.py [address]
import hashlib, json, mimetypes, sys, urllib.error, urllib.request
from pathlib import Path

SERVER = sys.argv[1] if len(sys.argv) > 1 else $address
ACTION = $action_literal
INPUTS = $files
PARAMETERS = $parameters
SEED = $seed
$expected
here = Path(__file__).resolve().parent
visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())  # the cookie says who you are


def ask(path, data=None, kind="application/json"):
    try:
        with visitor.open(urllib.request.Request(SERVER + path, data, {"Content-Type": kind})) as answer:
            return answer.read()
    except urllib.error.HTTPError as err:
        sys.exit("{message} {hint}".format(**json.load(err)["error"]))


for name, file in INPUTS.items():
    picture = (here / file).read_bytes()
    given = ask(f"/api/inputs?action={ACTION}&parameter={name}", picture, "application/octet-stream")
    PARAMETERS[name] = json.loads(given)["digest"]
run = json.loads(ask(f"/api/actions/{ACTION}", json.dumps({"parameters": PARAMETERS, "seed": SEED}).encode()))
while run["state"] in ("queued", "running"):
    run = json.loads(ask(f"/api/runs/{run['id']}?wait=10"))
    print(f"{run['fraction']:4.0%}  {run['sentence']}")
if run["state"] != "done":
    sys.exit("{message} {hint}".format(**run["error"]))

(here / "outputs").mkdir(exist_ok=True)
found = {}
for output in run["outputs"]:
    data = ask(output["url"])
    ending = mimetypes.guess_extension(output["media_type"]) or ".bin"
    (here / "outputs" / Path(output["meta"].get("name") or output["name"] + ending).name).write_bytes(data)
    found[output["name"]] = hashlib.sha256(data).hexdigest()
$verdict""")

GRADIO = Template("""\
# $title ($action): asks a Vitrine server by gradio_client.
# Needs it (pip install gradio_client):  python run_gradio.py [address]
import hashlib, json, os, sys
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # or the client reports to gradio.app
from gradio_client import Client, handle_file

SERVER = sys.argv[1] if len(sys.argv) > 1 else $address
INPUTS = $files
PARAMETERS = $parameters
$expected
here = Path(__file__).resolve().parent
files = {name: handle_file(here / file) for name, file in INPUTS.items()}
# token=False: a Hugging Face token that lies on this machine stays here
client = Client(f"{SERVER}/play/$playground", token=False, verbose=False, download_files=here / "outputs")
run, outputs = client.predict(**files, **PARAMETERS, api_name=$endpoint)

found = {}
for name, value in outputs.items():
    if name in run["files"]:  # where the client has put what it fetched
        data = Path(value).read_bytes()
    elif isinstance(value, str):
        data = value.encode()
    else:
        data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    found[name] = hashlib.sha256(data).hexdigest()
$verdict""")

LOCAL = Template("""\
# $title ($action): computed here, without a server.
# Run it with Vitrine's own Python:  PYTHONPATH=<its folder> <its folder>/.venv/bin/python run_local.py
import os, sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = $threads  # sums of floats depend on how many threads share them
from backends.core.digest import sha256
from backends.core.encoding import encode
from backends.core.errors import VitrineError
from backends.core.experiment import Experiment
from backends.runtime.direct import run_experiment

EXPERIMENT = Experiment(
    action=$action_literal,
    parameters=$parameters,
    inputs=$inputs,  # by sha256, in inputs/ beside this script
    models=$models,  # with the digest of the weights, which is checked
    seed=$seed,
)
$expected
here = Path(__file__).resolve().parent
try:
    results = run_experiment(EXPERIMENT, read=lambda digest: (here / "inputs" / digest).read_bytes())
except VitrineError as err:
    sys.exit(f"{err.sentence} {err.hint}")

(here / "outputs").mkdir(exist_ok=True)
found = {}
for name, result in results.items():
    encoded = encode(result)
    (here / "outputs" / name).write_bytes(encoded.data)
    found[name] = sha256(encoded.data)
$verdict""")

COMPARED = """\
for name in {**EXPECTED, **found}:
    print("same     " if found.get(name) == EXPECTED.get(name) else "different", name, found.get(name, "is missing"))
sys.exit(found != EXPECTED)
"""

PRINTED = """\
for name, digest in found.items():
    print(digest, name)
"""

README = Template("""\
$title: a run of $when as programs.
run_http.py    asks a Vitrine server; needs Python 3.9 or newer, nothing else.
run_gradio.py  asks a Vitrine server by gradio_client.
run_local.py   computes it here, with Vitrine's folder on PYTHONPATH.
inputs/        what it was given, named by sha256; the scripts write what they find to outputs/.
Each script ends with 'same' or 'different' for every result, and with 1 where anything differs.
""")
