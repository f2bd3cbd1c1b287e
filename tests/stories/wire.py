# SPDX-License-Identifier: Apache-2.0
"""The whole job with nothing but curl: HTTP/1.1, HTTP/2 over TLS, and clear-text HTTP/2."""
import json
import os
import subprocess
import time

from tests.stories.registry import story


def curl(tale, *arguments):
    command = ["curl", "-sS", "--fail-with-body", "-H",
               f"Authorization: Bearer {open(tale.service.token_file).read().strip()}", *arguments]
    done = subprocess.run(tale.stage.wrap(command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    if "--http2" in arguments:
        assert done.stderr.strip() == "2", f"HTTP version {done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else None


def plan_text(tale, name):
    return json.dumps({
        "apiVersion": "crossfade.dev/v1alpha1", "kind": "MigrationPlan", "metadata": {"name": name},
        "spec": {"source": {"cluster": "east", "namespace": tale.stage.namespace}, "target": {"cluster": "west"},
                 "traffic": {"router": {"type": "virtualService", "name": "echo"}, "steps": [50, 100], "hold": "60s"},
                 "gates": [{"successRate": ">= 99.5%"}]}})


def drive(tale, name, url, *protocol):
    """Plan, run, look, roll back, look: every request is a curl."""
    def ask(*arguments):
        return curl(tale, *protocol, *arguments)

    as_json = ["-H", "Content-Type: application/json", "-d"]
    with tale.stage.witness("virtualservice", 100):
        ask("-X", "PUT", "-H", "If-None-Match: *", *as_json, plan_text(tale, name), f"{url}/api/v1/plans/{name}")
        run = ask("-X", "POST", *as_json, "{}", f"{url}/api/v1/plans/{name}/runs")["id"]
        wait(lambda: ask(f"{url}/api/v1/runs/{run}")["weight"]["applied"] == 50, "weight 50")
        ask("-X", "POST", *as_json, '{"action": "rollback", "reason": "seen enough"}', f"{url}/api/v1/runs/{run}/actions")
        wait(lambda: ask(f"{url}/api/v1/runs/{run}")["state"] == "rolled-back", "the rollback")


def wait(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.3)


@story("virtualservice", worlds=("sandbox",))
def curl_drives_the_whole_job(tale):
    """HTTP/1.1, clear-text HTTP/2, and HTTP/2 over TLS."""
    for number, protocol in enumerate(("--http1.1", "--http2-prior-knowledge")):
        drive(tale, f"clear-{number}", tale.service.url, protocol)
    certificate, key = (os.path.join(tale.folder, name) for name in ("tls.crt", "tls.key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=crossfade", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    tale.service.stop()
    tale.service.more = ["--tls-cert-file", certificate, "--tls-key-file", key]
    tale.service.start()
    drive(tale, "tls", tale.service.url, "--http2", "--cacert", certificate, "-w", "%{stderr}%{http_version}\n")
