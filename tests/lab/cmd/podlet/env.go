// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// field is the value of a downward API path; an unknown one is empty.
func (p *pod) field(path string) string {
	object := p.latest()
	pick := func(values map[string]string) string {
		if i := strings.Index(path, "['"); i > 0 {
			return values[strings.TrimSuffix(path[i+2:], "']")]
		}
		var lines []string
		for k, v := range values {
			lines = append(lines, fmt.Sprintf("%s=%q", k, v))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	switch {
	case path == "metadata.name":
		return object.Name
	case path == "metadata.namespace":
		return object.Namespace
	case path == "metadata.uid":
		return string(object.UID)
	case path == "spec.nodeName":
		return object.Spec.NodeName
	case path == "spec.serviceAccountName":
		return object.Spec.ServiceAccountName
	case path == "status.podIP":
		return p.address()
	case path == "status.hostIP":
		return p.agent.nodeIP(p.node)
	case strings.HasPrefix(path, "metadata.labels"):
		return pick(object.Labels)
	case strings.HasPrefix(path, "metadata.annotations"):
		return pick(object.Annotations)
	}
	return ""
}

// optional drops "not found" where the reference says optional.
func optional(flag *bool, err error) error {
	if flag != nil && *flag && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (p *pod) configMap(name string, missingOK *bool) (map[string][]byte, error) {
	ctx, cancel := call()
	defer cancel()
	object, err := p.agent.client.CoreV1().ConfigMaps(p.namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, optional(missingOK, err)
	}
	values := map[string][]byte{}
	for k, v := range object.Data {
		values[k] = []byte(v)
	}
	for k, v := range object.BinaryData {
		values[k] = v
	}
	return values, nil
}

func (p *pod) secret(name string, missingOK *bool) (map[string][]byte, error) {
	ctx, cancel := call()
	defer cancel()
	object, err := p.agent.client.CoreV1().Secrets(p.namespace).Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return nil, optional(missingOK, err)
	}
	return object.Data, nil
}

var reference = regexp.MustCompile(`\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)`)

// expand replaces $(NAME) by the variable's value; $$ is a dollar, an unknown name stays.
func expand(text string, env map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(match string) string {
		if match == "$$" {
			return "$"
		}
		if value, ok := env[match[2:len(match)-1]]; ok {
			return value
		}
		return match
	})
}

// environment is the container's: the image's, the platform's (with LAB_CLUSTER, which tells the
// program where it runs), then envFrom and env in order.
func (p *pod) environment(c *core.Container, img image) (map[string]string, error) {
	env := map[string]string{
		"PATH":        "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
		"HOSTNAME":    p.name,
		"LAB_CLUSTER": p.agent.cluster,
	}
	for k, v := range img.Env {
		env[k] = v
	}
	if host, port, ok := strings.Cut(p.agent.apiHost, ":"); ok {
		env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"] = host, port
	}
	for _, from := range c.EnvFrom {
		var values map[string][]byte
		var err error
		if from.ConfigMapRef != nil {
			values, err = p.configMap(from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
		} else if from.SecretRef != nil {
			values, err = p.secret(from.SecretRef.Name, from.SecretRef.Optional)
		}
		if err != nil {
			return nil, err
		}
		for k, v := range values {
			env[from.Prefix+k] = string(v)
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			env[v.Name] = expand(v.Value, env)
		} else if err := p.addFrom(env, v); err != nil {
			return nil, fmt.Errorf("env %s: %w", v.Name, err)
		}
	}
	return env, nil
}

func (p *pod) addFrom(env map[string]string, v core.EnvVar) error {
	var values map[string][]byte
	var err error
	var key string
	var missingOK *bool
	switch from := v.ValueFrom; {
	case from.FieldRef != nil:
		env[v.Name] = p.field(from.FieldRef.FieldPath)
		return nil
	case from.ConfigMapKeyRef != nil:
		key, missingOK = from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Optional
		values, err = p.configMap(from.ConfigMapKeyRef.Name, missingOK)
	case from.SecretKeyRef != nil:
		key, missingOK = from.SecretKeyRef.Key, from.SecretKeyRef.Optional
		values, err = p.secret(from.SecretKeyRef.Name, missingOK)
	default:
		return nil // resourceFieldRef: there are no limits
	}
	if err != nil {
		return err
	}
	if value, ok := values[key]; ok {
		env[v.Name] = string(value)
	} else if missingOK == nil || !*missingOK {
		return fmt.Errorf("key %s is missing", key)
	}
	return nil
}
