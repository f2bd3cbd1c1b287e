// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writeFiles writes the values (or those that items select, under the paths they say) below dir.
func writeFiles(dir string, values map[string][]byte, items []core.KeyToPath) error {
	if len(items) > 0 {
		selected := map[string][]byte{}
		for _, item := range items {
			if value, ok := values[item.Key]; ok {
				selected[item.Path] = value
			}
		}
		values = selected
	}
	for name, value := range values {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("path %q leaves its volume", name)
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file+".tmp", value, 0o644); err != nil {
			return err
		}
		if err := os.Rename(file+".tmp", file); err != nil {
			return err
		}
	}
	return nil
}

// plugin is the kubelet's name for a kind of volume that is a folder of the pod's own. Others (a claim's
// folder, a path of the node) exist elsewhere.
func plugin(v *core.Volume) string {
	switch {
	case v.EmptyDir != nil:
		return "kubernetes.io~empty-dir"
	case v.ConfigMap != nil:
		return "kubernetes.io~configmap"
	case v.Secret != nil:
		return "kubernetes.io~secret"
	case v.DownwardAPI != nil:
		return "kubernetes.io~downward-api"
	case v.Projected != nil:
		return "kubernetes.io~projected"
	}
	return ""
}

// makeVolumes prepares every volume of the pod: a folder of this machine each. Files of ConfigMaps and
// Secrets are as they were when the pod started. Folders lie as a kubelet has them,
// pods/<uid>/volumes/<plugin>/<name>: who backs up volumes looks for them there.
func (p *pod) makeVolumes() error {
	if err := os.MkdirAll(filepath.Join(p.dir, "volumes"), 0o755); err != nil {
		return err
	}
	for _, v := range p.latest().Spec.Volumes {
		dir := ""
		if kind := plugin(&v); kind != "" {
			dir = filepath.Join(p.dir, "volumes", kind, v.Name)
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return err
			}
			if err := os.Chmod(dir, 0o777); err != nil { // the mask took bits away
				return err
			}
		}
		dir, err := p.fillVolume(&v, dir)
		if err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
		p.mu.Lock()
		p.volumes[v.Name] = dir
		p.mu.Unlock()
	}
	return nil
}

// fillVolume gives the folder that the volume is: dir, filled, or one that exists elsewhere.
func (p *pod) fillVolume(v *core.Volume, dir string) (string, error) {
	switch {
	case v.EmptyDir != nil:
		return dir, nil
	case v.HostPath != nil:
		if t := v.HostPath.Type; t != nil && *t == core.HostPathDirectoryOrCreate {
			return v.HostPath.Path, os.MkdirAll(v.HostPath.Path, 0o755)
		}
		return v.HostPath.Path, nil
	case v.ConfigMap != nil:
		values, err := p.configMap(v.ConfigMap.Name, v.ConfigMap.Optional)
		if err != nil {
			return "", err
		}
		return dir, writeFiles(dir, values, v.ConfigMap.Items)
	case v.Secret != nil:
		values, err := p.secret(v.Secret.SecretName, v.Secret.Optional)
		if err != nil {
			return "", err
		}
		return dir, writeFiles(dir, values, v.Secret.Items)
	case v.DownwardAPI != nil:
		return dir, p.writeFields(dir, v.DownwardAPI.Items)
	case v.Projected != nil:
		for _, source := range v.Projected.Sources {
			if err := p.project(&source, dir); err != nil {
				return "", err
			}
		}
		return dir, nil
	case v.PersistentVolumeClaim != nil:
		return p.claimed(v.PersistentVolumeClaim.ClaimName)
	}
	return "", errors.New("this kind of volume is not supported")
}

func (p *pod) writeFields(dir string, items []core.DownwardAPIVolumeFile) error {
	values := map[string][]byte{}
	for _, item := range items {
		if item.FieldRef != nil {
			values[item.Path] = []byte(p.field(item.FieldRef.FieldPath))
		}
	}
	return writeFiles(dir, values, nil)
}

func (p *pod) project(source *core.VolumeProjection, dir string) error {
	switch {
	case source.ServiceAccountToken != nil:
		token, err := p.token(source.ServiceAccountToken)
		if err != nil {
			return err
		}
		return writeFiles(dir, map[string][]byte{source.ServiceAccountToken.Path: []byte(token)}, nil)
	case source.ConfigMap != nil:
		values, err := p.configMap(source.ConfigMap.Name, source.ConfigMap.Optional)
		if err != nil {
			return err
		}
		return writeFiles(dir, values, source.ConfigMap.Items)
	case source.Secret != nil:
		values, err := p.secret(source.Secret.Name, source.Secret.Optional)
		if err != nil {
			return err
		}
		return writeFiles(dir, values, source.Secret.Items)
	case source.DownwardAPI != nil:
		return p.writeFields(dir, source.DownwardAPI.Items)
	}
	return errors.New("this kind of projection is not supported")
}

// token asks for a service account token bound to this pod.
func (p *pod) token(want *core.ServiceAccountTokenProjection) (string, error) {
	ctx, cancel := call()
	defer cancel()
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		ExpirationSeconds: want.ExpirationSeconds,
		BoundObjectRef:    &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: p.name, UID: p.uid},
	}}
	if want.Audience != "" {
		request.Spec.Audiences = []string{want.Audience}
	}
	account := p.latest().Spec.ServiceAccountName
	answer, err := p.agent.client.CoreV1().ServiceAccounts(p.namespace).CreateToken(ctx, account, request, meta.CreateOptions{})
	if err != nil {
		return "", err
	}
	return answer.Status.Token, nil
}

// claimed is the folder behind a bound claim.
func (p *pod) claimed(name string) (string, error) {
	ctx, cancel := call()
	defer cancel()
	claim, err := p.agent.client.CoreV1().PersistentVolumeClaims(p.namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	if claim.Status.Phase != core.ClaimBound {
		return "", fmt.Errorf("claim %s is not bound", name)
	}
	volume, err := p.agent.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	switch source := volume.Spec.PersistentVolumeSource; {
	case source.HostPath != nil:
		return source.HostPath.Path, os.MkdirAll(source.HostPath.Path, 0o777)
	case source.Local != nil:
		if err := os.MkdirAll(source.Local.Path, 0o777); err != nil {
			return "", err
		}
		return source.Local.Path, p.show(source.Local.Path, "kubernetes.io~local-volume", volume.Name)
	case source.CSI != nil && source.CSI.VolumeAttributes[csiFolder] != "":
		folder := source.CSI.VolumeAttributes[csiFolder]
		if _, err := os.Stat(folder); err != nil { // it is the driver's to make
			return "", err
		}
		return folder, p.show(folder, "kubernetes.io~csi", volume.Name, "mount")
	}
	return "", fmt.Errorf("persistent volume %s is no folder", volume.Name)
}

// csiFolder is the attribute by which the lab's CSI stand-in says where a volume is.
const csiFolder = "lab.crossfade.dev/folder"

// show lays a link to the folder where a kubelet would have mounted it.
func (p *pod) show(folder string, place ...string) error {
	link := filepath.Join(append([]string{p.dir, "volumes"}, place...)...)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(folder, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
