# SPDX-License-Identifier: Apache-2.0
"""The wire: one API server and how we reach it, and one caller's connections to it.

A Target is shared by all threads and never changes; a Caller belongs to one case, hence to one thread.
"""
import base64
import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import tempfile
import urllib.parse
from dataclasses import dataclass, field
from typing import Callable

CALL_LIMIT_S = 20.0

CONTENT_TYPES = {
    "json": "application/json",
    "json-patch": "application/json-patch+json",
    "merge-patch": "application/merge-patch+json",
    "strategic-patch": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass
class Credentials:
    """How one role shows who it is: a bearer token, or files of a client certificate and its key."""

    token: str | None = None
    certificate: tuple[str, str] | None = None


@dataclass
class Target:
    """One API server. `inside` gives the context in which sockets are made (a network namespace)."""

    url: str
    ca: str | None
    roles: dict[str, Credentials]
    inside: Callable[[], contextlib.AbstractContextManager] = field(default=contextlib.nullcontext)

    def context(self, role):
        if not self.url.startswith("https:"):
            return None
        context = ssl.create_default_context(cafile=self.ca)
        credentials = self.roles.get(role)
        if credentials and credentials.certificate:
            context.load_cert_chain(*credentials.certificate)
        return context


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def body(self):
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Stream:
    """An answer that is still coming: lines until the server ends it or the deadline passes."""

    def __init__(self, link, response):
        self._link, self._response = link, response
        self.status, self.headers = response.status, response.headers

    def line(self, limit_s):
        """The next line, "" at the end; TimeoutError when none came in time."""
        if self._link.sock:
            self._link.sock.settimeout(max(limit_s, 0.01))
        return self._response.readline().decode()

    def stop(self):
        """From another thread: the reading ends at once, as if the server had ended the answer."""
        with contextlib.suppress(OSError):
            if self._link.sock:
                self._link.sock.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._response.close()
        self._link.close()


class Caller:
    """Connections to one server, one per role, kept open between calls."""

    def __init__(self, target):
        self._target, self._links, self._contexts = target, {}, {}

    def _connect(self, role):
        place = urllib.parse.urlsplit(self._target.url)
        if role not in self._contexts:
            self._contexts[role] = self._target.context(role)
        context = self._contexts[role]
        if context:
            link = http.client.HTTPSConnection(place.hostname, place.port or 443, timeout=CALL_LIMIT_S, context=context)
        else:
            link = http.client.HTTPConnection(place.hostname, place.port or 80, timeout=CALL_LIMIT_S)
        with self._target.inside():
            link.connect()
        return link

    def _send(self, link, role, method, path, data, headers):
        sent = {"Accept": "application/json", **headers}
        credentials = self._target.roles.get(role)
        if credentials and credentials.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {credentials.token}"
        link.request(method, path, data, {k: v for k, v in sent.items() if v is not None})
        return link.getresponse()

    def call(self, role, method, path, data=None, headers=None):
        """One request on the role's connection; a connection that the server has closed meanwhile is made anew."""
        for attempt in (0, 1):
            link = self._links.pop(role, None)
            was_open = link is not None
            link = link or self._connect(role)
            try:
                response = self._send(link, role, method, path, data, headers or {})
                answer = Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                link.close()
                if attempt or not was_open:
                    raise
                continue
            if response.will_close:
                link.close()
            else:
                self._links[role] = link
            return answer
        raise AssertionError("not reached")

    def stream(self, role, path, headers=None):
        """A GET whose answer is read line by line, on a connection of its own."""
        link = self._connect(role)
        try:
            return Stream(link, self._send(link, role, "GET", path, None, headers or {}))
        except BaseException:
            link.close()
            raise

    def close(self):
        for link in self._links.values():
            link.close()
        self._links.clear()


def _inline(text, key):
    """The value of a key of a kubeconfig with one user, or None: enough of YAML (or JSON) for files that programs write."""
    found = re.search(rf'"?\b{key}"?:\s*"?([^"\s,]+)', text)
    return found.group(1) if found else None


def _as_file(folder, name, data, path):
    if path or not data:
        return path
    whole = os.path.join(folder, name)
    with open(whole, "wb") as out:
        out.write(base64.b64decode(data))
    return whole


def read_kubeconfig(path, folder=None):
    """(url, file of the CA or None, Credentials) of a kubeconfig with a single cluster and user."""
    folder = folder or tempfile.mkdtemp(prefix="conformance-")
    with open(path) as source:
        text = source.read()
    ca = _as_file(folder, "ca.crt", _inline(text, "certificate-authority-data"), _inline(text, "certificate-authority"))
    certificate = _as_file(folder, "client.crt", _inline(text, "client-certificate-data"), _inline(text, "client-certificate"))
    key = _as_file(folder, "client.key", _inline(text, "client-key-data"), _inline(text, "client-key"))
    both = (certificate, key) if certificate and key else None
    return _inline(text, "server"), ca, Credentials(token=_inline(text, "token"), certificate=both)
