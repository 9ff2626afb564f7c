"""The boot self-test: one real job through the Gradio queue of each playground, and every option read back.

It talks to our own socket as a browser would. A lifespan that was not entered leaves every Gradio job queued for ever
while all pages answer 200; nothing but a real job shows that.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from app.options import not_in_force
from backends.runtime.lab import Lab

JOB_WITHIN = 10.0  # seconds that a job which only describes the playground may take while the machine is busy starting


@dataclass(frozen=True)
class Address:
    """Where the server listens. host: the Host header to send, one that the server answers to."""

    connect: str
    port: int
    host: str

    @contextmanager
    def ask(self, method: str, path: str, body: Any = None) -> Iterator[http.client.HTTPResponse]:
        """One request on a connection of its own. Raises OSError when there is no answer in time."""
        headers = {"Host": self.host, "Origin": f"http://{self.host}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(self.connect, self.port, timeout=JOB_WITHIN)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as response:
                yield response


def find_problems(lab: Lab, address: Address) -> list[str]:
    """Everything that keeps the server from being ready, one sentence each; empty when all is well."""
    problems = not_in_force()
    if not lab.runtime.ping(JOB_WITHIN):
        problems.append("No run comes through the runtime's queue.")
    for playground in lab.actions.playgrounds:
        problems += _try_playground(playground.name, address)
    problems += _try_shell(address)
    return problems


def _try_playground(name: str, address: Address) -> list[str]:
    try:
        run_job(name, address)
    except (OSError, http.client.HTTPException, ValueError, LookupError) as err:
        return [f"A job in the queue of the playground '{name}' did not come back ({type(err).__name__}: {err})."]
    return []


def run_job(name: str, address: Address) -> None:
    """Join the queue of a playground with its 'describe' job, and wait for the answer.

    Raises OSError when it does not come in time, ValueError when it failed.
    """
    session = secrets.token_hex(8)
    with address.ask("GET", f"/play/{name}/config") as response:
        config = json.loads(response.read())
    job = next((item for item in config["dependencies"] if item.get("api_name") == "describe"), None)
    if job is None:
        raise ValueError("the playground has no 'describe' job")
    told = {"data": [], "fn_index": job["id"], "session_hash": session}
    with address.ask("POST", f"/play/{name}/gradio_api/queue/join", told) as response:
        if response.status != 200:
            raise ValueError(f"joining the queue was answered {response.status}")
    with address.ask("GET", f"/play/{name}/gradio_api/queue/data?session_hash={session}") as response:
        _wait_for_answer(response)


def _wait_for_answer(stream: http.client.HTTPResponse) -> None:
    deadline = time.monotonic() + JOB_WITHIN
    while time.monotonic() < deadline:
        line = stream.readline().decode()
        if not line:
            break
        if line.startswith("data:"):
            message = json.loads(line[5:])
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise ValueError("the job failed")
                return
    raise TimeoutError("the job was not done in time")


def _try_shell(address: Address) -> list[str]:
    try:
        with address.ask("GET", "/") as page, address.ask("GET", "/_stcore/health") as health:
            if page.status == health.status == 200 and b"<script" in page.read():
                return []
            return [f"The shell answers {page.status}, and its runtime {health.status}."]
    except (OSError, http.client.HTTPException) as err:
        return [f"The shell does not answer ({type(err).__name__})."]
