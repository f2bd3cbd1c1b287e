// SPDX-License-Identifier: Apache-2.0

// Command csi stands in for a cluster's network storage: a CSI driver whose volumes are folders of this
// machine, with its provisioner and its snapshot controller in one process.
//
// A claim whose class names the driver gets a folder and a PersistentVolume that tells podlet where it
// is; a VolumeSnapshot is a copy of the folder, a claim made from one a copy of that. Every node reaches
// every volume, and nothing is attached (the CSIDriver says so). Claims with a selector are refused by a
// real provisioner and left alone here: Velero's data mover binds those itself.
//
// Not there: a snapshot is no point in time (files that change during the copy may be of different
// moments), block devices, clones of claims, expansion, topology.
//
// Files: claims (volumes for claims, their end), snapshots, folders (copying).
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	driverName = "csi.lab.crossfade.dev"
	callLimit  = 10 * time.Second // of one API call
	resync     = 2 * time.Second  // what failed, or waited for something else, is looked at again
)

// driver is the whole program. reconcile() runs in one goroutine; work on a folder in one of its own for
// each object, known in busy by the object's uid.
type driver struct {
	dir       string
	client    kubernetes.Interface
	snapshots dynamic.Interface
	core      informers.SharedInformerFactory
	custom    dynamicinformer.DynamicSharedInformerFactory
	wake      chan struct{}

	mu   sync.Mutex
	busy map[types.UID]bool
	said map[types.UID]string // the last complaint about an object, so that it is made once
}

func call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), callLimit)
}

// once runs f for the object unless it is being worked on already.
func (d *driver) once(uid types.UID, what string, f func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[uid] {
		return
	}
	d.busy[uid] = true
	go func() {
		err := f()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.busy, uid)
		if err == nil {
			delete(d.said, uid)
		} else if d.said[uid] != err.Error() {
			d.said[uid] = err.Error()
			log.Printf("%s: %v", what, err)
		}
	}()
}

func (d *driver) changed() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// watch has everything that changes looked at, and tells of what is deleted.
func (d *driver) watch(ctx context.Context) {
	handler := func(deleted func(any)) cache.ResourceEventHandlerFuncs {
		return cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { d.changed() },
			UpdateFunc: func(any, any) { d.changed() },
			DeleteFunc: deleted,
		}
	}
	nothing := func(any) {}
	for informer, deleted := range map[cache.SharedIndexInformer]func(any){
		d.core.Core().V1().PersistentVolumeClaims().Informer(): nothing,
		d.core.Core().V1().PersistentVolumes().Informer():      nothing,
		d.core.Storage().V1().StorageClasses().Informer():      nothing,
		d.custom.ForResource(snapshotResource).Informer():      d.snapshotDeleted,
		d.custom.ForResource(contentResource).Informer():       d.contentDeleted,
		d.custom.ForResource(classResource).Informer():         nothing,
	} {
		if _, err := informer.AddEventHandler(handler(deleted)); err != nil {
			log.Fatal(err)
		}
	}
	d.core.Start(ctx.Done())
	d.custom.Start(ctx.Done())
	d.core.WaitForCacheSync(ctx.Done())
	d.custom.WaitForCacheSync(ctx.Done())
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the user lab:csi")
	d := &driver{wake: make(chan struct{}, 1), busy: map[types.UID]bool{}, said: map[types.UID]string{}}
	flag.StringVar(&d.dir, "dir", "", "folder of the volumes and snapshots")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 200, 400
	d.client = kubernetes.NewForConfigOrDie(config)
	d.snapshots = dynamic.NewForConfigOrDie(config)
	d.core = informers.NewSharedInformerFactory(d.client, 0)
	d.custom = dynamicinformer.NewDynamicSharedInformerFactory(d.snapshots, 0)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	d.watch(ctx)
	if err := os.WriteFile(d.dir+"/ready", nil, 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("csi: volumes in %s", d.dir)
	tick := time.NewTicker(resync)
	defer tick.Stop()
	for {
		d.reconcileClaims()
		d.reconcileSnapshots()
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-tick.C:
		}
	}
}
