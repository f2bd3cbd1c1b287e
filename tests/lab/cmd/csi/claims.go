// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	// Written by the controller of volumes when a claim is to be served, which for a class that waits for
	// the first consumer is when a node has been chosen.
	storageProvisioner = "volume.kubernetes.io/storage-provisioner"
	folderAttribute    = "lab.crossfade.dev/folder" // podlet looks for it
)

func (d *driver) reconcileClaims() {
	claims, err := d.core.Core().V1().PersistentVolumeClaims().Lister().List(labels.Everything())
	if err != nil {
		return // the cache cannot fail
	}
	for _, c := range claims {
		if c.Annotations[storageProvisioner] == driverName && c.Spec.VolumeName == "" && c.Spec.Selector == nil &&
			c.Spec.StorageClassName != nil && c.DeletionTimestamp == nil {
			d.once(c.UID, "claim "+c.Namespace+"/"+c.Name, func() error { return d.makeVolume(c) })
		}
	}
	volumes, err := d.core.Core().V1().PersistentVolumes().Lister().List(labels.Everything())
	if err != nil {
		return
	}
	for _, v := range volumes {
		if v.Spec.CSI != nil && v.Spec.CSI.Driver == driverName && v.Status.Phase == core.VolumeReleased &&
			v.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete && v.DeletionTimestamp == nil {
			d.once(v.UID, "volume "+v.Name, func() error { return d.removeVolume(v) })
		}
	}
}

// source is the folder that a claim is to be filled from, "" for an empty volume. An error: not yet.
func (d *driver) source(claim *core.PersistentVolumeClaim) (string, error) {
	from := claim.Spec.DataSource
	if from == nil {
		return "", nil
	}
	if from.Kind != "VolumeSnapshot" {
		return "", fmt.Errorf("a volume cannot be made from a %s here", from.Kind)
	}
	handle, err := d.readySnapshot(claim.Namespace, from.Name)
	if err != nil {
		return "", err
	}
	return d.snapshotFolder(handle), nil
}

func (d *driver) makeVolume(claim *core.PersistentVolumeClaim) error {
	if claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == core.PersistentVolumeBlock {
		return fmt.Errorf("volume mode Block is not supported: volumes are folders")
	}
	class, err := d.core.Storage().V1().StorageClasses().Lister().Get(*claim.Spec.StorageClassName)
	if err != nil {
		return err
	}
	from, err := d.source(claim)
	if err != nil {
		return err
	}
	handle := "vol-" + string(claim.UID)
	folder := d.volumeFolder(handle)
	if err := makeFolder(folder, from); err != nil {
		return err
	}
	volume := &core.PersistentVolume{ObjectMeta: meta.ObjectMeta{
		Name: "pvc-" + string(claim.UID), Annotations: map[string]string{provisionedBy: driverName}}}
	s := &volume.Spec
	s.CSI = &core.CSIPersistentVolumeSource{Driver: driverName, VolumeHandle: handle,
		VolumeAttributes: map[string]string{folderAttribute: folder}}
	s.Capacity = core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]}
	s.AccessModes, s.VolumeMode, s.StorageClassName = claim.Spec.AccessModes, claim.Spec.VolumeMode, class.Name
	s.PersistentVolumeReclaimPolicy = core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		s.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
	}
	s.ClaimRef = &core.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1",
		Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
	ctx, cancel := call()
	defer cancel()
	_, err = d.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// removeVolume ends a volume that nobody claims any more, with what is in it.
func (d *driver) removeVolume(volume *core.PersistentVolume) error {
	if err := os.RemoveAll(d.volumeFolder(volume.Spec.CSI.VolumeHandle)); err != nil {
		return err
	}
	ctx, cancel := call()
	defer cancel()
	err := d.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
