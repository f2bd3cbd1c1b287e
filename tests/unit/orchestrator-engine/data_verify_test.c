/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that a proof of files that has failed can be tried again, there and back: what was restored wrong
 * is restored again, once a person has mended the cause and says so. */
#include "tests/unit/orchestrator-engine/data.h"

#define PLAN DATA_PLAN AUTO DATA_VOLUMES(", maxPause: 1d") REVERSE

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct disks {
    const char *west; /* what is read there; in the east it is A64 */
    bool evicts;      /* no pod comes to an end */
};

static void end_pod(struct side *s, json_t *pod, const char *content, bool evicted)
{
    char message[512];
    (void)snprintf(message, sizeof message,
                   "{\"files\":2,\"directories\":0,\"links\":0,\"others\":0,\"bytes\":100,"
                   "\"unreadable\":0,\"content\":\"%s\",\"all\":\"%s\",\"seconds\":4}",
                   content, content);
    cf_json_put_take(pod,
                     json_pack("[{s:{s:{s:i, s:s, s:s}}}]", "state", "terminated", "exitCode",
                               evicted ? 137 : 0, "reason", evicted ? "Evicted" : "Completed",
                               "message", evicted ? "" : message),
                     "status", "containerStatuses", NULL);
    set_phase(s, pod, evicted ? "Failed" : "Succeeded");
}

static void pass(struct data *d, const struct disks *disks)
{
    struct side *sides[] = { &d->velero.east, &d->velero.west };
    data_pass(d);
    for (size_t s = 0; s < CF_ARRAY_LEN(sides); s++) {
        cf_autojson json_t *pods = all(&d->velero, sides[s], "v1", "Pod", "web");
        size_t i;
        json_t *pod;
        json_array_foreach(pods, i, pod)
        {
            if (strcmp(label_of(pod, CF_VELERO_LABEL_STAGE), "verify") == 0 && !*phase_of(pod))
                end_pod(sides[s], pod, s == 0 ? A64 : disks->west, disks->evicts);
        }
    }
}

static void pass_until(struct data *d, const struct disks *disks, const char *until)
{
    for (int i = 0; i < 300 && !reached(d->w, until); i++)
        pass(d, disks);
    if (reached(d->w, until))
        return;
    dump_run(d->w);
    fail_msg("not %s but %s, hold %s: %s", until, state_of(d->w), hold_of(d->w),
             hold_message(d->w));
}

static struct data *verified(void)
{
    struct data *d = data_new(PLAN);
    json_t *sync = cf_json_unconst(step_at(d->w, "volume.sync", 0));
    cf_autojson json_t *intent = cf_json_copy(json_object_get(sync, "intent"));
    json_object_set_new(json_array_get(json_object_get(intent, "claims"), 0), "verify",
                        json_string("checksum"));
    json_object_set(sync, "intent", intent);
    d->moves_back = true;
    bind_source(d);
    return d;
}

static int restores(const struct data *d, const char *way, const char *pass_number)
{
    return (int)cf_json_int(step_at(d->w, "volume.sync", 0), 0, "observation", way, "ways", way,
                            "passes", pass_number, "restore", "attempt", NULL);
}

static const struct {
    const char *what;
    struct disks disks;
    int restores; /* in the end */
} causes[] = {
    { "differs", { B64, false }, 2 },
    { "in the way", { A64, true }, 1 },
};

static void on_the_way_there_it_is_made_again(void **state)
{
    (void)state;
    static const struct disks good = { A64, false };
    for (size_t i = 0; i < CF_ARRAY_LEN(causes); i++) {
        struct data *d = verified();
        pass_until(d, &causes[i].disks, "step-failed");
        assert_non_null(strstr(hold_message(d->w), "the proof of its files"));
        act(d->w, "resume");
        pass_until(d, &good, "completed");
        assert_int_equal(restores(d, "there", "2"), causes[i].restores);
        data_free(d);
    }
}

static void on_the_way_back_it_is_made_again(void **state)
{
    (void)state;
    static const struct disks good = { A64, false };
    for (size_t i = 0; i < CF_ARRAY_LEN(causes); i++) {
        struct data *d = verified();
        for (int k = 0; k < 300 && strcmp(step_state(d->w, "traffic.soak", 0), "applied") != 0; k++)
            pass(d, &good);
        act(d->w, "rollback");
        pass_until(d, &causes[i].disks, "data-loss");
        for (int k = 0; k < 10; k++)
            pass(d, &causes[i].disks);
        assert_non_null(strstr(hold_message(d->w), "resume tries again"));
        assert_int_equal(replicas(d->w->dc1), 0);
        act(d->w, "resume");
        pass_until(d, &good, "rolled-back");
        assert_int_equal(replicas(d->w->dc1), 1);
        assert_int_equal(restores(d, "back", "2"), causes[i].restores);
        data_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_the_way_there_it_is_made_again),
        cmocka_unit_test(on_the_way_back_it_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
