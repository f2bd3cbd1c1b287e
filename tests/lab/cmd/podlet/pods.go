// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// podTable holds the pods that live here and the addresses they use.
type podTable struct {
	octet  int
	mu     sync.Mutex
	byUID  map[types.UID]*pod
	byName map[string]*pod // namespace/name, the youngest of that name
	used   map[string]bool // addresses
	next   map[int]int     // by node: where the search for a free address goes on
}

func newPodTable(octet int) *podTable {
	return &podTable{octet: octet, byUID: map[types.UID]*pod{}, byName: map[string]*pod{}, used: map[string]bool{}, next: map[int]int{}}
}

const addressesPerNode = 253 // .2 to .254

// takeAddress gives a free address of the node's range, or "" when all are in use. It goes round the
// range, so that an address rests a while before another pod answers at it.
func (t *podTable) takeAddress(node int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range addressesPerNode {
		address := fmt.Sprintf("198.18.%d.%d", t.octet+1+node, 2+t.next[node])
		t.next[node] = (t.next[node] + 1) % addressesPerNode
		if !t.used[address] {
			t.used[address] = true
			return address
		}
	}
	return ""
}

func (t *podTable) giveBack(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.used, address)
}

func (t *podTable) find(namespace, name string) *pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName[namespace+"/"+name]
}

func (t *podTable) findUID(uid types.UID) *pod {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byUID[uid]
}

func (t *podTable) add(p *pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byUID[p.uid] = p
	t.byName[p.namespace+"/"+p.name] = p
	if p.ip != "" {
		t.used[p.ip] = true
	}
}

func (t *podTable) remove(p *pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byUID, p.uid)
	if t.byName[p.namespace+"/"+p.name] == p {
		delete(t.byName, p.namespace+"/"+p.name)
	}
}

// reportAll makes every pod compare its status with the API's again.
func (t *podTable) reportAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.byUID {
		p.changed()
	}
}

// watch starts the informers: pods to run, claims to provision.
func (a *agent) watch(ctx context.Context) {
	drop := func(object any) (any, error) {
		if m, ok := object.(meta.Object); ok {
			m.SetManagedFields(nil)
		}
		return object, nil
	}
	factory := informers.NewSharedInformerFactoryWithOptions(a.client, 0, informers.WithTransform(drop))
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { a.podChanged(object.(*core.Pod)) },
		UpdateFunc: func(_, object any) { a.podChanged(object.(*core.Pod)) },
		DeleteFunc: a.podDeleted,
	})
	if err != nil {
		log.Fatal(err)
	}
	a.provision(factory)
	factory.Start(ctx.Done())
}

// podChanged is called by one goroutine, in the order of the watch.
func (a *agent) podChanged(object *core.Pod) {
	node := a.nodeIndex(object.Spec.NodeName)
	if node < 0 {
		return
	}
	p := a.pods.findUID(object.UID)
	if p == nil {
		finished := object.Status.Phase == core.PodSucceeded || object.Status.Phase == core.PodFailed
		if finished && object.DeletionTimestamp == nil {
			return
		}
		p = newPod(a, object, node)
		a.pods.add(p)
		go p.live()
	}
	p.update(object)
}

func (a *agent) podDeleted(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	if object, ok := object.(*core.Pod); ok {
		if p := a.pods.findUID(object.UID); p != nil {
			p.stop(0, true)
		}
	}
}

// removeNamespaces deletes the network namespaces of this cluster's pods.
func (a *agent) removeNamespaces() {
	names, _ := filepath.Glob("/run/netns/" + a.netnsName("*"))
	for _, name := range names {
		_ = deleteNetns(filepath.Base(name))
	}
}

// removeLeftovers clears what a former podlet left; its containers died with it.
func (a *agent) removeLeftovers() {
	a.removeNamespaces()
	if err := os.RemoveAll(filepath.Join(a.dir, "pods")); err != nil {
		log.Print(err)
	}
}

func (a *agent) netnsName(pod string) string {
	return fmt.Sprintf("%s-%s-pod-%s", a.prefix, a.cluster, pod)
}
