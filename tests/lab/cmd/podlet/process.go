// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	core "k8s.io/api/core/v1"
)

// containerBin is where the image's binary is found inside a container.
const containerBin = "/lab/bin"

// The kubelet's limits of a termination message, and of one that is the end of the log.
const (
	messageMax  = 4096
	fallbackMax = 2048
)

// spawner starts children from one operating system thread that never ends: the parent-death signal is
// tied to the thread that forked, not to the program.
type spawner struct {
	work chan func()
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) start(command *exec.Cmd) error {
	result := make(chan error, 1)
	s.work <- func() { result <- command.Start() }
	return <-result
}

// mountSpec and initSpec are read by podinit from file descriptor 3.
type mountSpec struct {
	Source, Target string
	ReadOnly       bool
}

type initSpec struct {
	Netns, Root, Hostname, Dir string
	Argv, Env                  []string
	Mounts                     []mountSpec
	UID, GID                   int
	Files                      map[string]string
}

func (p *pod) logPath(container string, previous bool) string {
	if previous {
		return filepath.Join(p.dir, container+".previous.log")
	}
	return filepath.Join(p.dir, container+".log")
}

// startProcess starts the container's program. The error begins with the reason that a kubelet would
// give, then a colon.
func (p *pod) startProcess(c *container) (*exec.Cmd, error) {
	img, ok := p.agent.images[c.spec.Image]
	if !ok {
		return nil, fmt.Errorf("ErrImagePull: the image table has no %q", c.spec.Image)
	}
	env, err := p.environment(c.spec, img)
	if err != nil {
		return nil, fmt.Errorf("CreateContainerConfigError: %w", err)
	}
	spec, err := p.describe(c, img, env)
	if err != nil {
		return nil, fmt.Errorf("CreateContainerError: %w", err)
	}
	command, err := p.spawn(c, spec)
	if err != nil {
		return nil, fmt.Errorf("RunContainerError: %w", err)
	}
	c.mu.Lock()
	c.pid, c.env = command.Process.Pid, spec.Env
	c.mu.Unlock()
	return command, nil
}

// describe says what podinit has to make of the container.
func (p *pod) describe(c *container, img image, env map[string]string) (*initSpec, error) {
	inside := filepath.Join(containerBin, filepath.Base(img.Binary))
	mounts, err := p.agent.programs(img, inside)
	if err != nil {
		return nil, err
	}
	more, err := p.mounts(c, env)
	if err != nil {
		return nil, err
	}
	message, err := p.makeMessage(c)
	if err != nil {
		return nil, err
	}
	more = append(more, message)
	p.mu.Lock()
	ip, netns := p.ip, p.netns
	p.mu.Unlock()
	spec := &initSpec{
		Root: filepath.Join(p.dir, "root-"+c.spec.Name), Hostname: p.name, Dir: c.spec.WorkingDir,
		Argv: argv(c.spec, img, inside, env), Mounts: append(mounts, more...),
		Files: map[string]string{
			"/etc/hosts":         "127.0.0.1 localhost\n" + ip + " " + p.name + "\n",
			"/etc/passwd":        "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
			"/etc/group":         "root:x:0:\nnogroup:x:65534:\n",
			"/etc/resolv.conf":   "",
			"/etc/nsswitch.conf": "hosts: files\n",
		},
	}
	if netns != "" {
		spec.Netns = "/run/netns/" + netns
	}
	env["PATH"] = containerBin + ":" + env["PATH"]
	for k, v := range env {
		spec.Env = append(spec.Env, k+"="+v)
	}
	spec.UID, spec.GID = p.identity(c)
	return spec, nil
}

// programs are the image's binaries: its first at inside, others where the table says.
func (a *agent) programs(img image, inside string) ([]mountSpec, error) {
	var mounts []mountSpec
	add := func(name, target string) error {
		if !filepath.IsAbs(name) {
			name = filepath.Join(a.bin, name)
		}
		file, err := filepath.EvalSymlinks(name)
		mounts = append(mounts, mountSpec{Source: file, Target: target, ReadOnly: true})
		return err
	}
	err := add(img.Binary, inside)
	for target, name := range img.Files {
		err = errors.Join(err, add(name, target))
	}
	return mounts, err
}

// makeMessage makes the empty file in which the program may leave its last words.
func (p *pod) makeMessage(c *container) (mountSpec, error) {
	target := c.spec.TerminationMessagePath
	if target == "" {
		target = core.TerminationMessagePathDefault
	}
	file := p.messagePath(c.spec.Name)
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		return mountSpec{}, err
	}
	return mountSpec{Source: file, Target: target}, os.Chmod(file, 0o666)
}

func (p *pod) messagePath(container string) string {
	return filepath.Join(p.dir, container+".message")
}

// message is what the program left, or by the container's policy the end of the log of one that failed.
func (p *pod) message(c *container, code int) string {
	text, err := os.ReadFile(p.messagePath(c.spec.Name))
	if err == nil && len(text) == 0 && code != 0 && c.spec.TerminationMessagePolicy == core.TerminationMessageFallbackToLogsOnError {
		text, err = os.ReadFile(p.logPath(c.spec.Name, false))
		text = text[max(0, len(text)-fallbackMax):]
	}
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(text[:min(len(text), messageMax)]), "?")
}

func argv(c *core.Container, img image, binary string, env map[string]string) []string {
	words := append([]string{binary}, img.Args...)
	if len(c.Command) > 0 {
		words = nil
		for _, w := range c.Command {
			words = append(words, expand(w, env))
		}
	} else if len(c.Args) > 0 {
		words = words[:1]
	}
	for _, w := range c.Args {
		words = append(words, expand(w, env))
	}
	return words
}

// identity is the user and group that the program runs as.
func (p *pod) identity(c *container) (uid, gid int) {
	if s := p.latest().Spec.SecurityContext; s != nil && s.RunAsUser != nil {
		uid = int(*s.RunAsUser)
	}
	if s := c.spec.SecurityContext; s != nil && s.RunAsUser != nil {
		uid = int(*s.RunAsUser)
	}
	return uid, uid
}

// mounts are the container's volume mounts.
func (p *pod) mounts(c *container, env map[string]string) ([]mountSpec, error) {
	readOnly := map[string]bool{}
	for _, v := range p.latest().Spec.Volumes {
		readOnly[v.Name] = v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil
	}
	var all []mountSpec
	for _, m := range c.spec.VolumeMounts {
		below := m.SubPath
		if m.SubPathExpr != "" {
			below = expand(m.SubPathExpr, env)
		}
		if below != "" && !filepath.IsLocal(below) {
			return nil, fmt.Errorf("subPath %q leaves its volume", below)
		}
		source := filepath.Join(p.volume(m.Name), below)
		if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(source, 0o777); err != nil {
				return nil, err
			}
		}
		all = append(all, mountSpec{source, m.MountPath, m.ReadOnly || readOnly[m.Name]})
	}
	return all, nil
}

func (p *pod) spawn(c *container, spec *initSpec) (*exec.Cmd, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	current := p.logPath(c.spec.Name, false)
	_ = os.Rename(current, p.logPath(c.spec.Name, true)) // there is none at the first start
	out, err := os.OpenFile(current, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	command := exec.Command(p.agent.init)
	command.Stdout, command.Stderr, command.ExtraFiles = out, out, []*os.File{r}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	if err := p.agent.spawner.start(command); err != nil {
		w.Close()
		return nil, err
	}
	go func() { // ends when podinit has read it or is gone
		_, _ = w.Write(text)
		w.Close()
	}()
	return command, nil
}

// enter is a command inside the namespaces and the root of a running container.
func enter(ctx context.Context, pid int, words []string) *exec.Cmd {
	target := []string{"--target", strconv.Itoa(pid), "--all", "--root", "--wd", "--"}
	return exec.CommandContext(ctx, "nsenter", append(target, words...)...)
}
