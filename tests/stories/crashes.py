# SPDX-License-Identifier: Apache-2.0
"""The service is killed in the middle: a run goes on by itself from what the world looks like."""
import time

from tests.stories.breaks import check_restored, router
from tests.stories.registry import story

RATE = 100


def die(tale):
    tale.service.kill()
    time.sleep(0.5)
    tale.service.start()


@story("virtualservice")
def killed_in_the_middle_of_a_shift(tale):
    """With the intent recorded and the patch on its way: what became of it, only the router knows. And once more in the soak."""
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[25, 50, 75, 100]", hold="3s")  # time to make the router slow
        tale.start()
        tale.until_weight(25)
        for weight in (50, 75):
            with tale.stage.slow_routers():
                state = tale.until_step("traffic.shift", ("intent", "applied"), weight)
                die(tale)
            tale.note(f"killed while the shift to {weight} % was {state}")
            tale.until_weight(weight)
            tale.expect_split("virtualservice", weight)
        die(tale)
        tale.until_state("completed", 180)
        tale.no_failures(witness.stop())


@story("virtualservice")
def killed_while_it_rolls_back(tale):
    baseline = {"virtualservice": router(tale, "virtualservice")}
    with tale.stage.witness("virtualservice", RATE) as witness:
        tale.plan(steps="[50, 100]", hold="60s")
        tale.start()
        tale.until_weight(50)
        tale.act("rollback", "and then the machine dies")
        time.sleep(0.15)
        tale.service.kill()
        tale.service.start()
        tale.until_state("rolled-back")
        tale.no_failures(witness.stop())
    check_restored(tale, baseline)
