// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log"
	"os"
	"path/filepath"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const (
	provisionerName    = "lab.crossfade.dev/directory"
	provisionedBy      = "pv.kubernetes.io/provisioned-by"
	storageProvisioner = "volume.kubernetes.io/storage-provisioner"
	selectedNode       = "volume.kubernetes.io/selected-node"
)

// provision makes a folder of this machine for each claim whose class names our provisioner, and
// removes it when the volume is released.
func (a *agent) provision(factory informers.SharedInformerFactory) {
	claim := func(object any) {
		c := object.(*core.PersistentVolumeClaim)
		if c.Annotations[storageProvisioner] == provisionerName && c.Spec.VolumeName == "" &&
			c.Spec.StorageClassName != nil && c.DeletionTimestamp == nil {
			go a.makeVolume(c)
		}
	}
	volume := func(object any) {
		v := object.(*core.PersistentVolume)
		if v.Annotations[provisionedBy] == provisionerName && v.Status.Phase == core.VolumeReleased &&
			v.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete && v.DeletionTimestamp == nil {
			go a.removeVolume(v.Name)
		}
	}
	for informer, changed := range map[cache.SharedIndexInformer]func(any){
		factory.Core().V1().PersistentVolumeClaims().Informer(): claim,
		factory.Core().V1().PersistentVolumes().Informer():      volume,
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: changed, UpdateFunc: func(_, object any) { changed(object) }})
		if err != nil {
			log.Fatal(err)
		}
	}
}

func (a *agent) volumeFolder(name string) string { return filepath.Join(a.dir, "pv", name) }

func (a *agent) makeVolume(claim *core.PersistentVolumeClaim) {
	ctx, cancel := call()
	defer cancel()
	class, err := a.client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, meta.GetOptions{})
	if err != nil {
		log.Printf("claim %s/%s: %v", claim.Namespace, claim.Name, err)
		return
	}
	volume := &core.PersistentVolume{ObjectMeta: meta.ObjectMeta{
		Name: "pvc-" + string(claim.UID), Annotations: map[string]string{provisionedBy: provisionerName}}}
	node := claim.Annotations[selectedNode]
	switch {
	case node != "":
		volume.Spec.NodeAffinity = &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
			MatchExpressions: []core.NodeSelectorRequirement{{Key: "kubernetes.io/hostname", Operator: core.NodeSelectorOpIn, Values: []string{node}}}}}}}
	case class.VolumeBindingMode != nil && *class.VolumeBindingMode == storage.VolumeBindingWaitForFirstConsumer:
		return
	}
	folder := a.volumeFolder(volume.Name)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		log.Print(err)
		return
	}
	volume.Spec.HostPath = &core.HostPathVolumeSource{Path: folder}
	volume.Spec.Capacity = core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]}
	volume.Spec.AccessModes, volume.Spec.VolumeMode = claim.Spec.AccessModes, claim.Spec.VolumeMode
	volume.Spec.StorageClassName = class.Name
	volume.Spec.PersistentVolumeReclaimPolicy = core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
	}
	volume.Spec.ClaimRef = &core.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1",
		Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
	_, err = a.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		log.Printf("volume %s: %v", volume.Name, err)
	}
}

func (a *agent) removeVolume(name string) {
	if err := os.RemoveAll(a.volumeFolder(name)); err != nil {
		log.Print(err)
	}
	ctx, cancel := call()
	defer cancel()
	err := a.client.CoreV1().PersistentVolumes().Delete(ctx, name, meta.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		log.Printf("volume %s: %v", name, err)
	}
}
