// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const fillDone = ".filled"

// fillOnce writes files of `size` bytes, `total` in all, unless that was done before or the volume came
// with records. Their content follows from their names, so that two volumes can be told to be equal, and
// does not compress.
func fillOnce(dir string, total, size int64) error {
	if total <= 0 {
		return nil
	}
	for _, sign := range []string{fillDone, bookName} {
		if _, err := os.Stat(filepath.Join(dir, sign)); !errors.Is(err, fs.ErrNotExist) {
			return err // nil: it is there
		}
	}
	folder := filepath.Join(dir, "fill")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i := 0; total > 0; i++ {
		name := fmt.Sprintf("%05d.bin", i)
		if err := writeKnown(filepath.Join(folder, name), name, min(size, total)); err != nil {
			return err
		}
		total -= size
	}
	return os.WriteFile(filepath.Join(dir, fillDone), nil, 0o644)
}

func writeKnown(path, name string, bytes int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.CopyN(file, rand.NewChaCha8(sha256.Sum256([]byte(name))), bytes); err != nil {
		return err
	}
	return file.Sync()
}
