# SPDX-License-Identifier: Apache-2.0
"""A client that appends to the ledger through the gateway and remembers every record that was acknowledged; and what of it is on a disk."""
import http.client
import json
import os
import threading
import time
from dataclasses import dataclass

from tests.stories.lab_world import demo

CLAIMS = ("data-ledger-0", "data-ledger-1")
BOOK = "ledger.jsonl"
PAUSE_S = 0.04  # between two records
ANSWER_S = 5


@dataclass(frozen=True)
class Acknowledged:
    at: float  # wall clock, seconds
    cluster: str
    claim: str
    seq: int
    body: str


class Appender:
    """Appends one record after the other until stop(); what fails is not sent again, and not remembered."""

    def __init__(self, stage):
        self.stage = stage
        self.acknowledged, self.failed = [], 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._end.set()
        self._thread.join()

    def _run(self):
        link, number = None, 0
        while not self._end.wait(PAUSE_S):
            number += 1
            try:
                link = link or self._connect()
                self._append(link, f"{self.stage.namespace} {number}")
            except (OSError, http.client.HTTPException):
                self.failed += 1
                if link:
                    link.close()
                link = None

    def _connect(self):
        address, port = demo.ROUTES["virtualservice"]
        link = http.client.HTTPConnection(address, port, timeout=ANSWER_S)
        with self.stage.inside():
            link.connect()
        return link

    def _append(self, link, body):
        link.request("POST", "/append", body, {"Host": demo.host("virtualservice", self.stage.namespace)})
        answer = link.getresponse()
        text = answer.read()
        if answer.status != 200:
            self.failed += 1
            return
        said = json.loads(text)
        self.acknowledged.append(Acknowledged(time.time(), answer.getheader("Lab-Cluster"), "data-" + said["pod"], said["seq"], body))

    def of(self, cluster):
        return [a for a in self.acknowledged if a.cluster == cluster]


def records(stage, cluster):
    """{(claim, number): body} of what is on the disks."""
    found = {}
    for claim in CLAIMS:
        with open(os.path.join(stage.folder_of(cluster, claim), BOOK), encoding="utf-8") as book:
            for line in book:
                if line.endswith("\n"):  # half a record was never acknowledged
                    record = json.loads(line)
                    found[claim, record["seq"]] = record["body"]
    return found


def check_nothing_is_lost(stage, cluster, acknowledged):
    """Every one of the records is on the cluster's disks."""
    kept = records(stage, cluster)
    lost = [a for a in acknowledged if kept.get((a.claim, a.seq)) != a.body]
    assert acknowledged, "no record was acknowledged"
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged records are not in {cluster}, the first: {lost[0]}"


def changes_of_side(appender):
    """The clusters that took records, in turn, after the first: one change per way that the writers went."""
    sides = [a.cluster for a in appender.acknowledged]
    return [b for a, b in zip(sides, sides[1:]) if a != b]
