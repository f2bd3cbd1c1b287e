// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
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

// makeVolumes prepares every volume of the pod: a folder of this machine each. Files of ConfigMaps and
// Secrets are as they were when the pod started.
func (p *pod) makeVolumes() error {
	for _, v := range p.latest().Spec.Volumes {
		dir := filepath.Join(p.dir, "volumes", v.Name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := os.Chmod(dir, 0o777); err != nil { // the mask took bits away
			return err
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
	switch {
	case volume.Spec.HostPath != nil:
		return volume.Spec.HostPath.Path, os.MkdirAll(volume.Spec.HostPath.Path, 0o777)
	case volume.Spec.Local != nil:
		return volume.Spec.Local.Path, os.MkdirAll(volume.Spec.Local.Path, 0o777)
	}
	return "", fmt.Errorf("persistent volume %s is no folder", volume.Name)
}
