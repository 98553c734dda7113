package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Dir keeps blocks and records as files of one directory, which several processes may share. A file appears whole or not
// at all. Records are synced to disk before a call returns; blocks are not, since a lost block can be made again.
type Dir struct {
	root  string
	memos [memoShards]memoLog
}

// OpenDir opens the directory, making it with mode 0700 if need be.
func OpenDir(root string) (*Dir, error) {
	_, err := os.Stat(filepath.Join(root, "tmp"))
	made := errors.Is(err, fs.ErrNotExist)
	for _, sub := range []string{"blocks", "records", "memos", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, sub), 0o700); err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
	}
	if made { // else a crash could take records away with their folder
		err := syncDir(root)
		if e := syncDir(filepath.Dir(root)); !errors.Is(e, fs.ErrPermission) { // it may be writable only
			err = errors.Join(err, e)
		}
		if err != nil {
			return nil, err
		}
	}
	d := &Dir{root: filepath.Clean(root)}
	for i := range d.memos {
		d.memos[i].path = filepath.Join(root, "memos", fmt.Sprintf("%02x.log", i))
	}
	return d, nil
}

func (d *Dir) blockPath(c cid.Cid) string {
	s := c.String()
	return filepath.Join(d.root, "blocks", s[len(s)-2:], s)
}

// Put implements [Blocks]. A file of another size is what a crash of the machine left, and is replaced.
func (d *Dir) Put(_ context.Context, b block.Block) error {
	path := d.blockPath(b.CID)
	if st, err := os.Stat(path); err == nil && st.Size() == int64(len(b.Data)) {
		return nil
	}
	return d.write(path, b.Data, os.Rename, false)
}

// Get implements [Blocks]. A file that no longer matches its CID, after a crash or by somebody's hand, is removed and
// counts as not found.
func (d *Dir) Get(_ context.Context, c cid.Cid) (block.Block, error) {
	if err := block.Supported(c); err != nil {
		return block.Block{}, err
	}
	data, err := readBounded(d.blockPath(c), block.MaxBlock)
	if errors.Is(err, fs.ErrNotExist) {
		return block.Block{}, fmt.Errorf("block %s: %w", c, ErrNotFound)
	}
	if err != nil {
		return block.Block{}, fmt.Errorf("read block: %w", err)
	}
	if err := block.Check(c, data); err != nil {
		return block.Block{}, errors.Join(fmt.Errorf("block %s: damaged: %w", c, ErrNotFound), os.Remove(d.blockPath(c)))
	}
	return block.Block{CID: c, Data: data}, nil
}

const maxRecord = 1 << 20

func (d *Dir) recordPath(key string) (string, error) {
	if key == "" || len(key) > 200 {
		return "", fmt.Errorf("record key of %d characters", len(key))
	}
	for _, part := range strings.Split(key, "/") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return "", fmt.Errorf("record key %q: letters, digits, '-' and '/' only", key)
		}
	}
	return filepath.Join(d.root, "records", filepath.FromSlash(key)), nil
}

// Create implements [Records].
func (d *Dir) Create(_ context.Context, key string, value []byte) (bool, error) {
	path, err := d.recordPath(key)
	if err != nil {
		return false, err
	}
	err = d.write(path, value, os.Link, true) // a hard link is made only if the name is free
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// Set implements [Records].
func (d *Dir) Set(_ context.Context, key string, value []byte) error {
	path, err := d.recordPath(key)
	if err != nil {
		return err
	}
	return d.write(path, value, os.Rename, true)
}

// Load implements [Records].
func (d *Dir) Load(_ context.Context, key string) ([]byte, error) {
	path, err := d.recordPath(key)
	if err != nil {
		return nil, err
	}
	v, err := readBounded(path, maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record %s: %w", key, ErrNotFound)
	}
	return v, err
}

// write makes a file in the store's tmp folder and gives it its name with place: os.Rename or os.Link.
func (d *Dir) write(path string, data []byte, place func(from, to string) error, sync bool) (err error) {
	if err := d.makeDir(filepath.Dir(path), sync); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	f, err := os.CreateTemp(filepath.Join(d.root, "tmp"), "new-*")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer func() { // after a rename there is nothing left to remove
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	_, err = f.Write(data)
	if err == nil && sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := place(f.Name(), path); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if !sync {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) { // the folders may be new, too
		if err := syncDir(dir); err != nil || dir == d.root {
			return err
		}
	}
}

// makeDir makes a folder below the store's root, and on sync also makes sure that it outlives a loss of power: a new folder
// is an entry of the one above it.
func (d *Dir) makeDir(path string, sync bool) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	for sync && path != d.root && path != filepath.Dir(path) {
		path = filepath.Dir(path)
		if err := syncDir(path); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func readBounded(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s: %w: %d bytes, limit %d", filepath.Base(path), block.ErrTooLarge, st.Size(), limit)
	}
	return os.ReadFile(path)
}
