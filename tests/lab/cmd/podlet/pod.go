// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	retryPause     = 300 * time.Millisecond // of making the sandbox, of fetching volumes
	defaultGrace   = 30 * time.Second
	deleteRetry    = 500 * time.Millisecond
	deleteAttempts = 240
)

// pod is one pod on one of our nodes. live() is its goroutine; the informer calls update and stop.
type pod struct {
	agent           *agent
	namespace, name string
	uid             types.UID
	node            int
	dir             string
	containers      []*container // init containers first
	stopping        chan struct{}
	stopOnce        sync.Once
	dirty           chan struct{} // something in the status may have changed
	finished        chan struct{} // closed when the pod has left this machine

	mu      sync.Mutex // guards what follows
	object  *core.Pod  // as last seen in the API; never modified
	ip      string
	netns   string            // "" when on the node's network
	volumes map[string]string // volume name to folder on this machine
	inited  bool              // all init containers succeeded
	grace   time.Duration     // valid once stopping is closed
	gone    bool              // the object is no longer in the API

	reportMu sync.Mutex // serializes status reports
	reported string     // the last accepted one
}

func newPod(a *agent, object *core.Pod, node int) *pod {
	p := &pod{
		agent: a, namespace: object.Namespace, name: object.Name, uid: object.UID, node: node,
		dir:      filepath.Join(a.dir, "pods", string(object.UID)),
		stopping: make(chan struct{}), dirty: make(chan struct{}, 1), finished: make(chan struct{}),
		object: object, volumes: map[string]string{},
	}
	if !object.Spec.HostNetwork {
		// The API merges status.podIPs by address: after a restart of podlet a second address would be
		// refused, so the first is kept.
		p.ip = object.Status.PodIP
	}
	restarts := map[string]int32{}
	for _, s := range object.Status.ContainerStatuses {
		if s.State.Running != nil || s.State.Terminated != nil { // it died with the former podlet
			restarts[s.Name] = s.RestartCount + 1
		}
	}
	for i := range object.Spec.InitContainers {
		p.containers = append(p.containers, newContainer(&object.Spec.InitContainers[i], true, 0))
	}
	for i := range object.Spec.Containers {
		c := &object.Spec.Containers[i]
		p.containers = append(p.containers, newContainer(c, false, restarts[c.Name]))
	}
	return p
}

// latest is the object as last seen.
func (p *pod) latest() *core.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.object
}

func (p *pod) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ip
}

func (p *pod) volume(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.volumes[name]
}

// container finds one by name; "" is the first.
func (p *pod) container(name string) *container {
	for _, c := range p.containers {
		if c.spec.Name == name || name == "" {
			return c
		}
	}
	return nil
}

// update takes a newer object. It always compares the status anew: somebody else may have written it
// (the node controller sets Ready to False on the pods of a silent node).
func (p *pod) update(object *core.Pod) {
	p.mu.Lock()
	p.object = object
	p.mu.Unlock()
	p.changed()
	if object.DeletionTimestamp != nil {
		grace := defaultGrace
		if object.DeletionGracePeriodSeconds != nil {
			grace = time.Duration(*object.DeletionGracePeriodSeconds) * time.Second
		}
		p.stop(grace, false)
	}
}

// stop begins the pod's end; gone: the object has left the API already.
func (p *pod) stop(grace time.Duration, gone bool) {
	p.mu.Lock()
	p.gone = p.gone || gone
	p.mu.Unlock()
	p.stopOnce.Do(func() {
		p.mu.Lock()
		p.grace = grace
		p.mu.Unlock()
		close(p.stopping)
	})
}

func (p *pod) isStopping() bool {
	select {
	case <-p.stopping:
		return true
	default:
		return false
	}
}

func (p *pod) isGone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// pause waits; false when the pod is stopping.
func (p *pod) pause(d time.Duration) bool {
	select {
	case <-p.stopping:
		return false
	case <-time.After(d):
		return true
	}
}

func (p *pod) changed() {
	select {
	case p.dirty <- struct{}{}:
	default:
	}
}

// live is the pod from its binding to its removal.
func (p *pod) live() {
	go p.reportLoop()
	p.changed()
	p.prepare()
	p.runContainers()
	p.changed()
	p.removeSandbox()
	<-p.stopping // a finished pod stays, with its logs, until it is deleted
	if !p.agent.silent(p.node) && !p.isGone() {
		if err := p.report(); err != nil {
			log.Printf("%s/%s: last report: %v", p.namespace, p.name, err)
		}
	}
	p.deleteObject()
	p.agent.pods.remove(p)
	close(p.finished)
	if err := os.RemoveAll(p.dir); err != nil {
		log.Printf("%s/%s: %v", p.namespace, p.name, err)
	}
}

// prepare makes the sandbox and the volumes, again and again until both are there or the pod stops.
func (p *pod) prepare() {
	said := ""
	for !p.isStopping() {
		err := os.MkdirAll(p.dir, 0o755)
		if err == nil {
			err = p.makeSandbox()
		}
		if err == nil {
			err = p.makeVolumes()
		}
		if err == nil {
			break
		}
		if err.Error() != said {
			said = err.Error()
			log.Printf("%s/%s waits: %v", p.namespace, p.name, err)
		}
		p.pause(retryPause)
	}
	p.changed()
}

func (p *pod) runContainers() {
	for _, c := range p.containers {
		if !c.init {
			continue
		}
		if p.isStopping() {
			return
		}
		p.supervise(c)
		if end := c.snapshot().State.Terminated; end == nil || end.ExitCode != 0 {
			return
		}
	}
	p.mu.Lock()
	p.inited = true
	p.mu.Unlock()
	var all sync.WaitGroup
	for _, c := range p.containers {
		if !c.init && !p.isStopping() {
			all.Go(func() { p.supervise(c) })
		}
	}
	all.Wait()
}

// ipBatch runs commands of ip(8), in a network namespace or here.
func ipBatch(netns string, commands ...string) error {
	words := []string{"-batch", "-"}
	if netns != "" {
		words = append([]string{"-n", netns}, words...)
	}
	ctx, cancel := call()
	defer cancel()
	c := exec.CommandContext(ctx, "ip", words...)
	c.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", words, err, out)
	}
	return nil
}

func deleteNetns(name string) error {
	ctx, cancel := call()
	defer cancel()
	return exec.CommandContext(ctx, "ip", "netns", "del", name).Run()
}

// makeSandbox gives the pod its address and its network namespace; done once, harmless again.
func (p *pod) makeSandbox() error {
	if p.latest().Spec.HostNetwork {
		p.mu.Lock()
		p.ip = p.agent.nodeIP(p.node)
		p.mu.Unlock()
		return nil
	}
	p.mu.Lock()
	ip, made := p.ip, p.netns != ""
	p.mu.Unlock()
	if made {
		return nil
	}
	if ip == "" {
		if ip = p.agent.pods.takeAddress(p.node); ip == "" {
			return errors.New("no pod address is left on this node")
		}
		p.mu.Lock()
		p.ip = ip
		p.mu.Unlock()
	}
	short := string(p.uid)[:8]
	netns, link := p.agent.netnsName(short), "pod"+short // at most 15 bytes
	_ = deleteNetns(netns)                               // left by a try that failed half-way
	err := ipBatch("",
		"netns add "+netns,
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", link, netns),
		"link set "+link+" up",
		fmt.Sprintf("route replace %s/32 dev %s", ip, link))
	if err != nil {
		return err
	}
	err = ipBatch(netns,
		"link set lo up",
		fmt.Sprintf("addr add %s/32 dev eth0", ip),
		"link set eth0 up",
		fmt.Sprintf("route add default via %s dev eth0 onlink", p.agent.podGateway()))
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.netns = netns
	p.mu.Unlock()
	return nil
}

func (p *pod) removeSandbox() {
	p.mu.Lock()
	ip, netns := p.ip, p.netns
	p.mu.Unlock()
	if p.latest().Spec.HostNetwork {
		return
	}
	if netns != "" {
		if err := deleteNetns(netns); err != nil {
			log.Printf("%s/%s: netns: %v", p.namespace, p.name, err)
		}
	}
	if ip != "" {
		p.agent.pods.giveBack(ip)
	}
}

// deleteObject takes the pod out of the API, as a kubelet does when the containers have ended.
func (p *pod) deleteObject() {
	zero := int64(0)
	options := meta.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: &meta.Preconditions{UID: &p.uid}}
	for range deleteAttempts {
		if p.isGone() {
			return
		}
		if !p.agent.silent(p.node) {
			ctx, cancel := call()
			err := p.agent.client.CoreV1().Pods(p.namespace).Delete(ctx, p.name, options)
			cancel()
			if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
				return
			}
		}
		time.Sleep(deleteRetry)
	}
	log.Printf("%s/%s: could not be deleted from the API", p.namespace, p.name)
}
