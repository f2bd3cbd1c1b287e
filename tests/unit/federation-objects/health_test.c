/* SPDX-License-Identifier: Apache-2.0 */
/* Proves the health rules: a table of objects and what is said of them. */
#include "tests/support/test.h"

#include "federation/objects/health.h"
#include "tests/support/quick_json.h"

/* clang-format off */
#define DEPLOYMENT(spec, status) "{'apiVersion':'apps/v1','kind':'Deployment','metadata':{'generation':2},'spec':" spec ",'status':" status "}"
#define SET(spec, status) "{'apiVersion':'apps/v1','kind':'StatefulSet','metadata':{'generation':1},'spec':" spec ",'status':" status "}"
#define JOB(spec, status) "{'apiVersion':'batch/v1','kind':'Job','metadata':{},'spec':" spec ",'status':" status "}"
#define CLAIM(status) "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{},'status':" status "}"
#define DAEMONS(status) "{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'generation':1},'status':" status "}"

#define BUDGET(status) "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'generation':1},'status':" status "}"
#define DEFINITION(conditions) "{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{},'status':{'conditions':" conditions "}}"
#define WIDGET(status) "{'apiVersion':'example.org/v1','kind':'Widget','metadata':{'generation':2},'status':" status "}"

static const struct {
    const char *object;
    enum cf_health want;
    const char *text;
} table[] = {
    { DEPLOYMENT("{'replicas':3}", "{'observedGeneration':2,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':3}"),
      CF_HEALTH_READY, "3 of 3 pods ready" },
    { DEPLOYMENT("{'replicas':3}", "{'observedGeneration':2,'updatedReplicas':3,'readyReplicas':1,'availableReplicas':1}"),
      CF_HEALTH_WAITING, "1 of 3 pods ready" },
    { DEPLOYMENT("{'replicas':3}", "{'observedGeneration':1,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':3}"),
      CF_HEALTH_WAITING, "has not seen it" },
    { DEPLOYMENT("{'replicas':3}", "{'observedGeneration':2,'updatedReplicas':1,'readyReplicas':3,'availableReplicas':3}"),
      CF_HEALTH_WAITING, "newest revision" },
    { DEPLOYMENT("{'replicas':3}", "{'observedGeneration':2,'updatedReplicas':3,'readyReplicas':3,'availableReplicas':2}"),
      CF_HEALTH_WAITING, "pods ready" },
    { DEPLOYMENT("{'replicas':0}", "{'observedGeneration':2}"), CF_HEALTH_WAITING, "no replicas" },
    { DEPLOYMENT("{'replicas':1}", "{'observedGeneration':2,'conditions':[{'type':'Progressing','status':'False','reason':"
                                   "'ProgressDeadlineExceeded','message':'too slow'}]}"),
      CF_HEALTH_FAILED, "ProgressDeadlineExceeded: too slow" },
    { DEPLOYMENT("{}", "{'observedGeneration':2,'updatedReplicas':1,'readyReplicas':1,'availableReplicas':1}"), CF_HEALTH_READY,
      "1 of 1" },
    { SET("{'replicas':2}", "{'observedGeneration':1,'readyReplicas':2,'currentRevision':'a','updateRevision':'a'}"), CF_HEALTH_READY,
      "2 of 2" },
    { SET("{'replicas':2}", "{'observedGeneration':1,'readyReplicas':2,'currentRevision':'a','updateRevision':'b','updatedReplicas':1}"),
      CF_HEALTH_WAITING, "newest revision" },
    { SET("{'replicas':2}", "{'observedGeneration':1,'readyReplicas':1}"), CF_HEALTH_WAITING, "1 of 2" },
    { DAEMONS("{'observedGeneration':1,'desiredNumberScheduled':2,'updatedNumberScheduled':2,'numberAvailable':2}"), CF_HEALTH_READY,
      "2 of 2" },
    { DAEMONS("{'observedGeneration':1,'desiredNumberScheduled':2,'updatedNumberScheduled':2,'numberAvailable':1}"),
      CF_HEALTH_WAITING, "1 of 2" },
    { DAEMONS("{'observedGeneration':1,'desiredNumberScheduled':0}"), CF_HEALTH_READY, "no node" },
    { JOB("{}", "{'conditions':[{'type':'Complete','status':'True'}]}"), CF_HEALTH_READY, "complete" },
    { JOB("{}", "{'conditions':[{'type':'Failed','status':'True','message':'backoff'}]}"), CF_HEALTH_FAILED, "backoff" },
    { JOB("{'suspend':true}", "{}"), CF_HEALTH_READY, "suspended" },
    { JOB("{}", "{'active':1}"), CF_HEALTH_WAITING, "running" },
    { CLAIM("{'phase':'Bound'}"), CF_HEALTH_READY, "bound" },
    { CLAIM("{'phase':'Lost'}"), CF_HEALTH_FAILED, "lost" },
    { CLAIM("{'phase':'Pending'}"), CF_HEALTH_READY, "pending" },
    { "{'apiVersion':'v1','kind':'Namespace','metadata':{},'status':{'phase':'Terminating'}}", CF_HEALTH_FAILED, "Terminating" },
    { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{}}", CF_HEALTH_READY, "there" },
    { "{'apiVersion':'v1','kind':'Service','metadata':{},'spec':{}}", CF_HEALTH_READY, "there" },
    { "{'apiVersion':'v1','kind':'Service','metadata':{},'spec':{'type':'LoadBalancer'}}", CF_HEALTH_WAITING, "no address" },
    { "{'apiVersion':'v1','kind':'Service','metadata':{},'spec':{'type':'LoadBalancer'},'status':{'loadBalancer':{'ingress':[{'ip':'1'}]}}}",
      CF_HEALTH_READY, "an address" },
    { "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{},'spec':{}}", CF_HEALTH_READY, "without an address" },
    { "{'apiVersion':'networking.k8s.io/v1','kind':'Ingress','metadata':{},'status':{'loadBalancer':{'ingress':[{'ip':'1'}]}}}",
      CF_HEALTH_READY, "has an address" },
    { BUDGET("{'observedGeneration':1,'expectedPods':3,'desiredHealthy':2,'currentHealthy':2}"), CF_HEALTH_READY, "2 of 2" },
    { BUDGET("{'observedGeneration':1,'expectedPods':3,'desiredHealthy':2,'currentHealthy':1}"), CF_HEALTH_WAITING, "1 of 2" },
    { BUDGET("{'observedGeneration':1,'expectedPods':0,'desiredHealthy':1,'currentHealthy':0}"), CF_HEALTH_READY, "no pods" },
    { BUDGET("{'expectedPods':3}"), CF_HEALTH_WAITING, "has not seen it" },
    { DEFINITION("[{'type':'Established','status':'True'},{'type':'NamesAccepted','status':'True'}]"), CF_HEALTH_READY, "established" },
    { DEFINITION("[{'type':'Established','status':'True'}]"), CF_HEALTH_WAITING, "not established" },
    { DEFINITION("[]"), CF_HEALTH_WAITING, "not established" },
    { DEFINITION("[{'type':'NamesAccepted','status':'False','message':'plural is taken'}]"), CF_HEALTH_FAILED, "plural is taken" },
    { WIDGET("{}"), CF_HEALTH_READY, "there" },
    { WIDGET("{'conditions':[{'type':'Ready','status':'True','message':'fine'}]}"), CF_HEALTH_READY, "fine" },
    { WIDGET("{'conditions':[{'type':'Ready','status':'False','message':'no disk'}]}"), CF_HEALTH_WAITING, "no disk" },
    { WIDGET("{'conditions':[{'type':'Available','status':'Unknown'}]}"), CF_HEALTH_WAITING, "Unknown" },
    { WIDGET("{'observedGeneration':1,'conditions':[{'type':'Ready','status':'True'}]}"), CF_HEALTH_WAITING, "operator" },
    { "{'apiVersion':'autoscaling/v2','kind':'HorizontalPodAutoscaler','metadata':{},'status':{'conditions':[{'type':'ScalingActive','status':'False'}]}}",
      CF_HEALTH_READY, "there" },
    { "{'apiVersion':'v1','kind':'ConfigMap','metadata':{'deletionTimestamp':'t'}}", CF_HEALTH_FAILED, "being deleted" },
};
/* clang-format on */

static void objects_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < CF_ARRAY_LEN(table); i++) {
        cf_autojson json_t *o = cf_test_json(table[i].object);
        char text[CF_HEALTH_TEXT_MAX];
        enum cf_health got = cf_object_health(o, text);
        if (got != table[i].want || !strstr(text, table[i].text))
            fail_msg("%s: %d \"%s\"", table[i].object, got, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(objects_are_judged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
