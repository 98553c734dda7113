package lab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// logName is the file of finished measurements: JSON, a line each. The first line says under which settings and where.
const logName = "measurements.jsonl"

// logHead is the first line.
type logHead struct {
	Settings Settings `json:"settings"`
	Computer Computer `json:"computer"`
}

// ErrOtherSettings says that a file of finished measurements is of other settings or of another computer.
var ErrOtherSettings = errors.New("measurements of other settings or of another computer")

// maxLine bounds a line of the file.
const maxLine = 1 << 20

// log is the open file. A line that was not finished is as if it had not been begun.
type log struct {
	f    *os.File
	rows map[string]*Row
}

func rowKey(r Row) string { return fmt.Sprintf("%s %s %d", r.Mode, r.Guest, r.Size) }

// openLog opens the file, or begins one. The error wraps [ErrOtherSettings] if it has another head.
func openLog(name string, head logHead) (l *log, err error) {
	want, err := json.Marshal(head.stable())
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lab: %w", err)
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	l = &log{rows: map[string]*Row{}}
	if len(data) > 0 {
		if err := l.read(data, want); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", name, err)
		}
	}
	if l.f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if err = l.f.Truncate(int64(len(data))); err == nil {
		_, err = l.f.Seek(int64(len(data)), io.SeekStart)
	}
	if err == nil && len(data) == 0 {
		err = l.line(want)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lab: %w", err), l.f.Close())
	}
	return l, nil
}

// stable is the head without what changes from hour to hour.
func (h logHead) stable() logHead {
	h.Computer.Load = ""
	return h
}

// read reads whole lines.
func (l *log) read(data, want []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if !bytes.Equal(lines.Bytes(), want) {
				return fmt.Errorf("%w: %s, now %s", ErrOtherSettings, lines.Bytes(), want)
			}
			continue
		}
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		r := &Row{}
		if err := d.Decode(r); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		l.rows[rowKey(*r)] = r
	}
	return lines.Err()
}

// add appends a row.
func (l *log) add(r *Row) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return l.line(data)
}

func (l *log) line(data []byte) error {
	_, err := l.f.Write(append(data, '\n'))
	return err
}

func (l *log) close() error { return l.f.Close() }
