// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

var (
	snapshotGroup    = schema.GroupVersion{Group: "snapshot.storage.k8s.io", Version: "v1"}
	snapshotResource = snapshotGroup.WithResource("volumesnapshots")
	contentResource  = snapshotGroup.WithResource("volumesnapshotcontents")
	classResource    = snapshotGroup.WithResource("volumesnapshotclasses")
)

var errNotYet = errors.New("the snapshot is not ready yet")

type object = unstructured.Unstructured

func text(o *object, path ...string) string {
	value, _, _ := unstructured.NestedString(o.Object, path...)
	return value
}

func isReady(o *object) bool {
	ready, _, _ := unstructured.NestedBool(o.Object, "status", "readyToUse")
	return ready
}

func (d *driver) list(resource schema.GroupVersionResource) []*object {
	found, err := d.custom.ForResource(resource).Lister().List(labels.Everything())
	if err != nil {
		return nil // the cache cannot fail
	}
	all := make([]*object, 0, len(found))
	for _, o := range found {
		all = append(all, o.(*object))
	}
	return all
}

func (d *driver) find(resource schema.GroupVersionResource, namespace, name string) (*object, error) {
	lister := d.custom.ForResource(resource).Lister()
	var found runtime.Object
	var err error
	if namespace == "" {
		found, err = lister.Get(name)
	} else {
		found, err = lister.ByNamespace(namespace).Get(name)
	}
	if err != nil {
		return nil, err
	}
	return found.(*object), nil
}

func (d *driver) patch(resource schema.GroupVersionResource, o *object, body map[string]any, below ...string) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := call()
	defer cancel()
	_, err = d.snapshots.Resource(resource).Namespace(o.GetNamespace()).
		Patch(ctx, o.GetName(), types.MergePatchType, data, meta.PatchOptions{}, below...)
	return err
}

func (d *driver) reconcileSnapshots() {
	for _, c := range d.list(contentResource) {
		if text(c, "spec", "driver") == driverName && !isReady(c) && c.GetDeletionTimestamp() == nil {
			d.once(c.GetUID(), "content "+c.GetName(), func() error { return d.take(c) })
		}
	}
	for _, s := range d.list(snapshotResource) {
		if !isReady(s) && s.GetDeletionTimestamp() == nil {
			d.once(s.GetUID(), "snapshot "+s.GetNamespace()+"/"+s.GetName(), func() error { return d.bind(s) })
		}
	}
}

// bind finds or makes the content of a snapshot, and tells the snapshot when it is ready.
func (d *driver) bind(s *object) error {
	name := text(s, "spec", "source", "volumeSnapshotContentName")
	if name == "" {
		name = "snapcontent-" + string(s.GetUID())
	}
	content, err := d.find(contentResource, "", name)
	if apierrors.IsNotFound(err) && text(s, "spec", "source", "persistentVolumeClaimName") != "" {
		return d.makeContent(s, name)
	}
	if err != nil || text(content, "spec", "driver") != driverName {
		return err // another driver's, or not there yet
	}
	if text(content, "spec", "volumeSnapshotRef", "uid") == "" { // made by hand, for this snapshot
		return d.patch(contentResource, content, map[string]any{"spec": map[string]any{
			"volumeSnapshotRef": map[string]any{"uid": string(s.GetUID())}}})
	}
	if !isReady(content) {
		return nil // its change wakes us
	}
	size, _, _ := unstructured.NestedInt64(content.Object, "status", "restoreSize")
	return d.patch(snapshotResource, s, map[string]any{"status": map[string]any{
		"boundVolumeSnapshotContentName": name, "readyToUse": true, "restoreSize": fmt.Sprint(size),
		"creationTime": time.Now().UTC().Format(time.RFC3339)}}, "status")
}

// class is the named class, or the default one of our driver.
func (d *driver) class(name string) (*object, error) {
	if name != "" {
		return d.find(classResource, "", name)
	}
	for _, c := range d.list(classResource) {
		if text(c, "driver") == driverName && c.GetAnnotations()["snapshot.storage.kubernetes.io/is-default-class"] == "true" {
			return c, nil
		}
	}
	return nil, errors.New("it names no class, and none is the default")
}

func (d *driver) makeContent(s *object, name string) error {
	class, err := d.class(text(s, "spec", "volumeSnapshotClassName"))
	if err != nil || text(class, "driver") != driverName {
		return err
	}
	claim, err := d.core.Core().V1().PersistentVolumeClaims().Lister().PersistentVolumeClaims(s.GetNamespace()).
		Get(text(s, "spec", "source", "persistentVolumeClaimName"))
	if err != nil {
		return err
	}
	volume, err := d.core.Core().V1().PersistentVolumes().Lister().Get(claim.Spec.VolumeName)
	if err != nil {
		return err
	}
	if volume.Spec.CSI == nil || volume.Spec.CSI.Driver != driverName {
		return fmt.Errorf("claim %s is not on a volume of %s", claim.Name, driverName)
	}
	content := &object{Object: map[string]any{
		"apiVersion": snapshotGroup.String(), "kind": "VolumeSnapshotContent",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"driver": driverName, "deletionPolicy": text(class, "deletionPolicy"),
			"volumeSnapshotClassName": class.GetName(),
			"source":                  map[string]any{"volumeHandle": volume.Spec.CSI.VolumeHandle},
			"volumeSnapshotRef": map[string]any{"apiVersion": snapshotGroup.String(), "kind": "VolumeSnapshot",
				"namespace": s.GetNamespace(), "name": s.GetName(), "uid": string(s.GetUID())},
		}}}
	ctx, cancel := call()
	defer cancel()
	_, err = d.snapshots.Resource(contentResource).Create(ctx, content, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// take makes a content's copy of its volume, or finds the copy that its handle names.
func (d *driver) take(c *object) error {
	handle := text(c, "spec", "source", "snapshotHandle")
	if handle == "" {
		handle = "snap-" + string(c.GetUID())
		from := d.volumeFolder(text(c, "spec", "source", "volumeHandle"))
		if err := makeFolder(d.snapshotFolder(handle), from); err != nil {
			return err
		}
	} else if _, err := os.Stat(d.snapshotFolder(handle)); err != nil {
		return err
	}
	return d.patch(contentResource, c, map[string]any{"status": map[string]any{
		"snapshotHandle": handle, "readyToUse": true, "restoreSize": d.restoreSize(c),
		"creationTime": time.Now().UnixNano()}}, "status")
}

// restoreSize is the size of the volume that a content was taken from; 0 when nobody knows any more.
func (d *driver) restoreSize(c *object) int64 {
	volumes, err := d.core.Core().V1().PersistentVolumes().Lister().List(labels.Everything())
	if err != nil {
		return 0
	}
	for _, v := range volumes {
		if v.Spec.CSI != nil && v.Spec.CSI.VolumeHandle == text(c, "spec", "source", "volumeHandle") {
			return v.Spec.Capacity.Storage().Value()
		}
	}
	return 0
}

// readySnapshot is the handle of a snapshot that a claim may be made from.
func (d *driver) readySnapshot(namespace, name string) (string, error) {
	s, err := d.find(snapshotResource, namespace, name)
	if err != nil {
		return "", err
	}
	if !isReady(s) {
		return "", errNotYet
	}
	content, err := d.find(contentResource, "", text(s, "status", "boundVolumeSnapshotContentName"))
	if err != nil {
		return "", err
	}
	return text(content, "status", "snapshotHandle"), nil
}

func deletedObject(thing any) *object {
	if unknown, ok := thing.(cache.DeletedFinalStateUnknown); ok {
		thing = unknown.Obj
	}
	o, _ := thing.(*object)
	return o
}

// snapshotDeleted takes the content along when it says so.
func (d *driver) snapshotDeleted(thing any) {
	s := deletedObject(thing)
	if s == nil {
		return
	}
	content, err := d.find(contentResource, "", text(s, "status", "boundVolumeSnapshotContentName"))
	if err != nil || text(content, "spec", "deletionPolicy") != "Delete" ||
		text(content, "spec", "volumeSnapshotRef", "uid") != string(s.GetUID()) {
		return
	}
	ctx, cancel := call()
	defer cancel()
	err = d.snapshots.Resource(contentResource).Delete(ctx, content.GetName(), meta.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		log.Printf("content %s: %v", content.GetName(), err)
	}
}

// contentDeleted removes the copy, unless it is to be kept or another content names it.
func (d *driver) contentDeleted(thing any) {
	c := deletedObject(thing)
	if c == nil || text(c, "spec", "driver") != driverName || text(c, "spec", "deletionPolicy") != "Delete" {
		return
	}
	handle := text(c, "status", "snapshotHandle")
	if handle == "" {
		return
	}
	for _, other := range d.list(contentResource) {
		if text(other, "spec", "source", "snapshotHandle") == handle {
			return
		}
	}
	if err := os.RemoveAll(d.snapshotFolder(handle)); err != nil {
		log.Printf("snapshot %s: %v", handle, err)
	}
}
