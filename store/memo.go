package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// Values of a Dir's memo lie in logs: one line an entry, "key base64(value) checksum", written with one append. Making a file
// for each value costs ten times as much. A line starts with the newline that ends the one before, so that an append that was
// cut off by a crash spoils no other line; lines that do not check are passed over.

const (
	memoShards  = 64
	maxMemoLog  = 64 << 20 // a log that is longer is emptied
	maxMemoLine = 2 << 20
)

// memoLog is one log. Other processes may append to the file too.
type memoLog struct {
	path string

	mu    sync.Mutex
	index map[string]span // newest value of each key in the first read bytes; owned by mu
	read  int64           // owned by mu
}

// span is the place of a value's base64 in a log.
type span struct {
	at  int64
	len int
}

func (d *Dir) memo(key string) *memoLog {
	return &d.memos[crc32.ChecksumIEEE([]byte(key))%memoShards]
}

func checksum(key, value string) string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(key+" "+value)))
}

// Keep implements [Memo].
func (d *Dir) Keep(_ context.Context, key string, value []byte) error {
	if strings.ContainsAny(key, " \n") || len(key) > 200 {
		return fmt.Errorf("memo key %.40q", key)
	}
	text := base64.StdEncoding.EncodeToString(value)
	line := "\n" + key + " " + text + " " + checksum(key, text) + "\n"
	if len(line) > maxMemoLine {
		return nil // a memo may forget
	}
	return d.memo(key).append(line)
}

func (l *memoLog) append(line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("memo: %w", err)
	}
	st, err := f.Stat()
	if err == nil && st.Size() > maxMemoLog {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteString(line)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("memo: %w", err)
	}
	return nil
}

// Find implements [Memo].
func (d *Dir) Find(_ context.Context, key string) ([]byte, error) {
	v, err := d.memo(key).find(key)
	if err != nil {
		return nil, fmt.Errorf("memo: %w", err)
	}
	if v == nil {
		return nil, fmt.Errorf("memo %s: %w", key, ErrNotFound)
	}
	return v, nil
}

// Memos calls f for every value that is kept, older ones of a key included, until f returns false. It reads all logs.
func (d *Dir) Memos(f func(key string, value []byte) bool) error {
	for i := range d.memos {
		log, err := readBounded(d.memos[i].path, 2*maxMemoLog)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("memo: %w", err)
		}
		for line := range bytes.Lines(log) {
			key, text, ok := parseLine(bytes.TrimSuffix(line, []byte("\n")))
			if !ok {
				continue
			}
			value, err := base64.StdEncoding.DecodeString(text)
			if err == nil && !f(key, value) {
				return nil
			}
		}
	}
	return nil
}

// find returns nil if there is no value.
func (l *memoLog) find(key string) (value []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := l.scan(f); err != nil {
		return nil, err
	}
	s, ok := l.index[key]
	if !ok {
		return nil, nil
	}
	// The whole line again: another process may have emptied the log since it was indexed.
	line := make([]byte, len(key)+1+s.len+1+8)
	if _, err := f.ReadAt(line, s.at-int64(len(key))-1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if k, text, ok := parseLine(line); ok && k == key {
		return base64.StdEncoding.DecodeString(text)
	}
	l.index, l.read = nil, 0
	return nil, nil
}

// scan indexes what was appended since the last time.
func (l *memoLog) scan(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() < l.read || l.index == nil {
		l.index, l.read = make(map[string]span), 0
	}
	if st.Size() == l.read {
		return nil
	}
	data := make([]byte, min(st.Size()-l.read, 2*maxMemoLog))
	n, err := f.ReadAt(data, l.read)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	data = data[:n]
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 { // an append may be under way
			return nil
		}
		if key, text, ok := parseLine(data[:end]); ok {
			l.index[key] = span{at: l.read + int64(len(key)) + 1, len: len(text)}
		}
		l.read += int64(end) + 1
		data = data[end+1:]
	}
}

func parseLine(line []byte) (key, text string, ok bool) {
	parts := strings.Split(string(line), " ")
	if len(parts) != 3 || checksum(parts[0], parts[1]) != parts[2] {
		return "", "", false
	}
	return parts[0], parts[1], true
}
