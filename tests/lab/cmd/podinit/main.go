// SPDX-License-Identifier: Apache-2.0

// Command podinit is the first process of a lab container. podlet starts it in new mount, pid, uts and
// ipc namespaces; it reads what to make from file descriptor 3, joins the pod's network namespace, builds
// a root of its own (a tmpfs with the machine's programs bound read-only and the volumes in their
// places), and becomes the container's program.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

const exitSetup = 128 // the container could not be set up

type mount struct {
	Source, Target string
	ReadOnly       bool
}

// spec is written by podlet (initSpec).
type spec struct {
	Netns, Root, Hostname, Dir string
	Argv, Env                  []string
	Mounts                     []mount
	UID, GID                   int
	Files                      map[string]string
}

func check(what string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "podinit:", what+":", err)
		os.Exit(exitSetup)
	}
}

// bind shows source at target below root.
func bind(source, root, target string, readOnly bool) {
	path := filepath.Join(root, target)
	info, err := os.Stat(source)
	check("volume", err)
	if info.IsDir() {
		check("mkdir", os.MkdirAll(path, 0o755))
	} else {
		check("mkdir", os.MkdirAll(filepath.Dir(path), 0o755))
		file, err := os.OpenFile(path, os.O_CREATE, 0o644)
		check("touch", err)
		file.Close()
	}
	check("bind "+source, unix.Mount(source, path, "", unix.MS_BIND|unix.MS_REC, ""))
	if readOnly {
		check("read-only "+target, unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	}
}

// system shows the machine's programs and devices in the new root, links as links.
func system(root string) {
	for _, path := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ssl", "/etc/alternatives", "/sys"} {
		info, err := os.Lstat(path)
		if err != nil {
			continue // not every machine has every one
		}
		if info.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			check("readlink", err)
			check("symlink", os.Symlink(to, root+path))
			continue
		}
		bind(path, root, path, true)
	}
}

// devices makes a /dev of the container's own, with the machine's harmless devices in it, so that files
// can be put beside them (/dev/termination-log).
func devices(root string) {
	dev := root + "/dev"
	check("mkdir", os.MkdirAll(dev, 0o755))
	check("dev", unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=0755,size=64k"))
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty", "pts"} {
		if _, err := os.Stat("/dev/" + name); err == nil {
			bind("/dev/"+name, root, "/dev/"+name, false)
		}
	}
	for name, to := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0",
		"stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"} {
		check("symlink", os.Symlink(to, dev+"/"+name))
	}
	check("shm", os.Mkdir(dev+"/shm", 0o1777))
	check("shm", unix.Mount("tmpfs", dev+"/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=64m"))
}

func buildRoot(s *spec) {
	check("private mounts", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	check("root", os.MkdirAll(s.Root, 0o755))
	check("root", unix.Mount("tmpfs", s.Root, "tmpfs", 0, "mode=0755,size=256m"))
	for _, path := range []string{"/tmp", "/etc", "/proc", "/run", "/root", "/var/tmp", "/old"} {
		check("mkdir", os.MkdirAll(s.Root+path, 0o755))
	}
	check("chmod", os.Chmod(s.Root+"/tmp", 0o1777))
	system(s.Root)
	devices(s.Root)
	for path, text := range s.Files {
		check("file", os.WriteFile(s.Root+path, []byte(text), 0o644))
	}
	check("proc", unix.Mount("proc", s.Root+"/proc", "proc", 0, ""))
	for _, m := range s.Mounts {
		bind(m.Source, s.Root, m.Target, m.ReadOnly)
	}
	check("pivot", unix.PivotRoot(s.Root, s.Root+"/old"))
	check("chdir", os.Chdir("/"))
	check("unmount", unix.Unmount("/old", unix.MNT_DETACH))
	_ = os.Remove("/old")
}

// becomeUser drops root. The parent-death signal is lost with it and asked for again.
func becomeUser(uid, gid int) {
	if gid > 0 {
		check("setgroups", unix.Setgroups([]int{}))
		check("setgid", unix.Setgid(gid))
	}
	if uid > 0 {
		check("setuid", unix.Setuid(uid))
	}
	check("parent-death signal", unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0))
}

func main() {
	runtime.LockOSThread() // namespaces are a thread's
	var s spec
	check("spec", json.NewDecoder(os.NewFile(3, "spec")).Decode(&s))
	unix.CloseOnExec(3)
	if s.Netns != "" {
		fd, err := unix.Open(s.Netns, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		check("network", err)
		check("network", unix.Setns(fd, unix.CLONE_NEWNET))
	}
	check("hostname", unix.Sethostname([]byte(s.Hostname)))
	buildRoot(&s)
	if s.Dir != "" {
		check("working directory", os.MkdirAll(s.Dir, 0o755))
		check("working directory", os.Chdir(s.Dir))
	}
	for _, v := range s.Env { // the search for the program is the container's
		if path, ok := strings.CutPrefix(v, "PATH="); ok {
			check("path", os.Setenv("PATH", path))
		}
	}
	program, err := exec.LookPath(s.Argv[0])
	check("program", err)
	becomeUser(s.UID, s.GID)
	check("exec "+program, unix.Exec(program, s.Argv, s.Env))
}
