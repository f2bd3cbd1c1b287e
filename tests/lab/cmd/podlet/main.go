// SPDX-License-Identifier: Apache-2.0

// Command podlet plays the kubelet for a whole lab cluster: it registers the cluster's nodes, renews
// their leases, and runs the containers of the pods bound to them as processes of this machine.
//
// A pod is a network namespace with one address; a container is a process in mount, pid, uts and ipc
// namespaces of its own (see podinit). The image name selects a local binary from a table. There are no
// cgroup limits, no cluster DNS and no image pulls.
//
// Files: node (registration, leases), pods (which pods there are), pod (one pod's life), container (one
// container's life), process (starting one), probe, status, env, volumes, server (logs, exec, port
// forwarding), provision (directories as persistent volumes).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// callLimit bounds one API call; watches are the informers' own.
const callLimit = 10 * time.Second

// image is one row of the image table.
type image struct {
	Binary string            `json:"binary"` // absolute, or a name in the folder of the lab's binaries
	Files  map[string]string `json:"files"`  // more binaries, by the path at which containers see them
	Args   []string          `json:"args"`
	Env    map[string]string `json:"env"`
}

// config is what the command line says; it does not change after start.
type config struct {
	cluster string        // name of the cluster
	octet   int           // its addresses are 198.18.<octet>.0/20
	prefix  string        // of the pods' network namespaces
	dir     string        // state: pods/, pv/, silent-<node>
	init    string        // the podinit binary
	bin     string        // folder of the lab's binaries
	pki     string        // folder with kubelet.crt, kubelet.key, ca.crt
	apiHost string        // host:port that pods see as KUBERNETES_SERVICE_HOST and _PORT
	nodes   []string      // names of the nodes
	lease   time.Duration // node lease; renewed at a quarter of it
	images  map[string]image
}

// agent is the whole program; its parts are safe for use from every goroutine.
type agent struct {
	config
	client  kubernetes.Interface
	pods    *podTable
	spawner *spawner
}

func (a *agent) nodeIndex(name string) int {
	for i, n := range a.nodes {
		if n == name {
			return i
		}
	}
	return -1
}

func (a *agent) nodeIP(i int) string { return fmt.Sprintf("198.18.%d.%d", a.octet, 11+i) }

func (a *agent) podGateway() string { return fmt.Sprintf("198.18.%d.1", a.octet) }

func (a *agent) podRange(node int) string { return fmt.Sprintf("198.18.%d.0/24", a.octet+1+node) }

// silent says that a node plays dead: it neither renews its lease nor reports on its pods. A test
// switches it by making and removing a file.
func (a *agent) silent(node int) bool {
	_, err := os.Stat(a.dir + "/silent-" + a.nodes[node])
	return err == nil
}

// call is the context of one API call.
func call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), callLimit)
}

func readImages(path string) (map[string]image, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	table := map[string]image{}
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return table, nil
}

func newClient(kubeconfig string) (kubernetes.Interface, error) {
	c, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	c.QPS, c.Burst = 500, 1000
	c.ContentType = "application/vnd.kubernetes.protobuf"
	c.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	return kubernetes.NewForConfig(c)
}

func main() {
	var a agent
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the user lab:podlet")
	images := flag.String("images", "", "JSON table: image name to binary, args, env")
	count := flag.Int("nodes", 3, "number of nodes")
	flag.StringVar(&a.cluster, "cluster", "", "name of the cluster")
	flag.IntVar(&a.octet, "octet", 0, "the cluster's addresses are 198.18.<octet>.0/20")
	flag.StringVar(&a.prefix, "prefix", "lab", "prefix of the pods' network namespaces")
	flag.StringVar(&a.dir, "dir", "", "state folder")
	flag.StringVar(&a.init, "init", "", "path of podinit")
	flag.StringVar(&a.bin, "bin", "", "folder of the binaries that the image table names")
	flag.StringVar(&a.pki, "pki", "", "folder with kubelet.crt, kubelet.key and ca.crt")
	flag.StringVar(&a.apiHost, "api", "", "host:port of the API server as pods see it")
	flag.DurationVar(&a.lease, "lease", 8*time.Second, "node lease")
	flag.Parse()

	var err error
	if a.images, err = readImages(*images); err != nil {
		log.Fatal(err)
	}
	if a.client, err = newClient(*kubeconfig); err != nil {
		log.Fatal(err)
	}
	for i := 1; i <= *count; i++ {
		a.nodes = append(a.nodes, fmt.Sprintf("%s-n%d", a.cluster, i))
	}
	a.pods = newPodTable(a.octet)
	a.spawner = newSpawner()
	a.removeLeftovers()

	// SIGTERM ends this program; its containers get SIGKILL with it (parent-death signal).
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	for i := range a.nodes {
		go a.keepNode(ctx, i)
		go a.serve(a.nodeIP(i) + ":10250")
	}
	a.watch(ctx)
	log.Printf("podlet %s: nodes %v", a.cluster, a.nodes)
	<-ctx.Done()
	a.removeNamespaces()
}
