# SPDX-License-Identifier: Apache-2.0
"""The whole job with nothing but curl: HTTP/1.1, HTTP/2 over TLS, and clear-text HTTP/2."""
import json
import subprocess

from tests.stories.registry import story


def curl(tale, *arguments, protocol):
    command = ["curl", "-sS", "--fail-with-body", protocol, "-H",
               f"Authorization: Bearer {open(tale.service.token_file).read().strip()}", *arguments]
    done = subprocess.run(tale.stage.wrap(command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if done.stdout.strip() else None


@story("virtualservice", worlds=("sandbox",))
def curl_drives_the_whole_job(tale):
    url = tale.service.url
    for number, protocol in enumerate(("--http1.1", "--http2-prior-knowledge")):
        name = f"curl-{number}"
        with tale.stage.witness("virtualservice", 100):
            text = json.dumps({
                "apiVersion": "crossfade.dev/v1alpha1", "kind": "MigrationPlan", "metadata": {"name": name},
                "spec": {"source": {"cluster": "east", "namespace": tale.stage.namespace}, "target": {"cluster": "west"},
                         "traffic": {"router": {"type": "virtualService", "name": "echo"}, "steps": [50, 100], "hold": "60s"},
                         "gates": [{"successRate": ">= 99.5%"}]}})
            curl(tale, "-X", "PUT", "-H", "If-None-Match: *", "-H", "Content-Type: application/json", "-d", text,
                 f"{url}/api/v1/plans/{name}", protocol=protocol)
            run = curl(tale, "-X", "POST", "-H", "Content-Type: application/json", "-d", "{}", f"{url}/api/v1/plans/{name}/runs",
                       protocol=protocol)["id"]
            tale.run = run
            tale.until_weight(50)
            curl(tale, "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"action": "rollback", "reason": "seen enough"}',
                 f"{url}/api/v1/runs/{run}/actions", protocol=protocol)
            tale.until_state("rolled-back")
