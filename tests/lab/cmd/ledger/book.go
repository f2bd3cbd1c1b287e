// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	bookName = "ledger.jsonl"
	lineMax  = 8*bodyMax + 64 // a record's line: JSON writes a byte with at most six, and a little around it
)

type record struct {
	Seq  uint64 `json:"seq"`
	Body string `json:"body"`
}

// book is the file of records; append is one at a time.
type book struct {
	dir  string
	mu   sync.Mutex
	file *os.File
	last uint64 // sequence number of the last record
	size int64  // bytes of whole, synced records
	err  error  // why nothing more is written: the disk said no, so what is there is unknown
}

// openBook finds the last whole record; what comes after it is cut off.
func openBook(dir string) (*book, error) {
	file, err := os.OpenFile(filepath.Join(dir, bookName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	b := &book{dir: dir, file: file}
	lines := bufio.NewReaderSize(file, lineMax)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // half a line, or none
		}
		var r record
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		if err == nil && r.Seq != b.last+1 {
			err = fmt.Errorf("record %d follows record %d", r.Seq, b.last)
		}
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("%s at byte %d: %w", bookName, b.size, err)
		}
		b.last, b.size = r.Seq, b.size+int64(len(line))
	}
	err = errors.Join(file.Truncate(b.size), file.Sync(), syncFolder(dir))
	if err != nil {
		file.Close()
		return nil, err
	}
	return b, nil
}

func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// append writes and syncs one record and returns its number.
func (b *book) append(body []byte) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	line, err := json.Marshal(record{b.last + 1, string(body)})
	if err != nil {
		return 0, err
	}
	line = append(line, '\n')
	if _, err = b.file.WriteAt(line, b.size); err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		b.err = err
		return 0, err
	}
	b.last, b.size = b.last+1, b.size+int64(len(line))
	return b.last, nil
}

func (b *book) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

func (b *book) lastSeq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

func (b *book) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = errors.New("it is shutting down")
	return b.file.Close()
}

// records copies the lines from record `from` on, as many as there are when it begins.
func (b *book) records(w io.Writer, from uint64) error {
	b.mu.Lock()
	size := b.size
	b.mu.Unlock()
	file, err := os.Open(filepath.Join(b.dir, bookName))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(io.LimitReader(file, size), lineMax)
	for at := uint64(1); ; at++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && at >= from {
			_, err = w.Write(line)
		}
		if err != nil {
			return err
		}
	}
}

type sums struct {
	SHA256 string            `json:"sha256"`
	Bytes  int64             `json:"bytes"`
	Files  map[string]string `json:"files"`
}

// digest reads every file of the volume; no record is appended meanwhile. The sum of all is over the
// lines "<sum>  <path>\n" in the order of the paths, as sha256sum writes them.
func (b *book) digest() (*sums, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	result := &sums{Files: map[string]string{}}
	var list bytes.Buffer
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		sum, n, err := sumFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(b.dir, path)
		result.Files[name] = sum
		result.Bytes += n
		fmt.Fprintf(&list, "%s  %s\n", sum, name)
		return err
	})
	whole := sha256.Sum256(list.Bytes())
	result.SHA256 = hex.EncodeToString(whole[:])
	return result, err
}

func sumFile(path string) (string, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
