# SPDX-License-Identifier: Apache-2.0
"""The REST API as a program sees it: one request, one answer; problems become exceptions."""
import http.client
import json
import urllib.parse
import uuid


class Problem(Exception):
    def __init__(self, status, body):
        self.status, self.body = status, body
        super().__init__(f"{status} {json.dumps(body)[:600]}")


class Rest:
    def __init__(self, url, token, inside):
        self.address = urllib.parse.urlsplit(url)
        self.token = token
        self.inside = inside  # a context manager factory: where sockets are made

    def raw(self, method, path, body=None, content_type="application/json", headers=None, timeout=60):
        """(status, headers, text)"""
        with self.inside():
            link = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=timeout)
            try:
                all_headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
                if body is not None:
                    all_headers["Content-Type"] = content_type
                    if not isinstance(body, (str, bytes)):
                        body = json.dumps(body)
                link.request(method, path, body=body, headers={**all_headers, **(headers or {})})
                answer = link.getresponse()
                return answer.status, answer.headers, answer.read().decode()
            finally:
                link.close()

    def call(self, method, path, body=None, **more):
        status, _, text = self.raw(method, path, body, **more)
        parsed = json.loads(text) if text else None
        if status >= 300:
            raise Problem(status, parsed)
        return parsed

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, headers={"Idempotency-Key": str(uuid.uuid4())}, **more)
