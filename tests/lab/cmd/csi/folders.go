// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func (d *driver) volumeFolder(handle string) string { return filepath.Join(d.dir, "volumes", handle) }

func (d *driver) snapshotFolder(handle string) string {
	return filepath.Join(d.dir, "snapshots", handle)
}

// makeFolder makes an empty folder, or one with what is in from; it appears whole or not at all.
func makeFolder(folder, from string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	part := folder + ".part"
	if err := os.RemoveAll(part); err != nil { // left by a copy that was cut off
		return err
	}
	if err := os.MkdirAll(part, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o777); err != nil { // the mask took bits away
		return err
	}
	if from != "" {
		out, err := exec.Command("cp", "-a", "--reflink=auto", from+"/.", part).CombinedOutput()
		if err != nil {
			return fmt.Errorf("copying %s: %w: %s", from, err, out)
		}
	}
	return os.Rename(part, folder)
}
