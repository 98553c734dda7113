package wasm

import (
	"maps"
	"slices"
)

// custom keeps custom sections; from the name section it takes the functions' names, if that part is well formed.
func (d *decoder) custom() error {
	name, err := d.name()
	if err != nil {
		return err
	}
	data := d.b[d.pos:]
	d.pos = len(d.b)
	d.m.Customs = append(d.m.Customs, Custom{Name: name, Data: data})
	if name == "name" && d.m.FuncNames == nil {
		d.m.FuncNames = functionNames(data)
	}
	return nil
}

func functionNames(data []byte) map[uint32]string {
	c := cursor{b: data}
	for c.left() > 0 {
		id, _ := c.byte()
		size, err := c.u32()
		if err != nil {
			return nil
		}
		sub, err := c.bytes(size)
		if err != nil {
			return nil
		}
		if id != 1 {
			continue
		}
		s := cursor{b: sub}
		n, err := s.count("names")
		if err != nil {
			return nil
		}
		names := make(map[uint32]string, min(n, 4096))
		for range n {
			i, err := s.u32()
			if err != nil {
				return nil
			}
			if names[i], err = s.name(); err != nil {
				return nil
			}
		}
		return names
	}
	return nil
}

// named gives err the name of its function, where the rest of the file has a name section.
func (d *decoder) named(err error) error {
	e, ok := err.(*Error)
	if !ok || e.Func < 0 {
		return err
	}
	for d.left() > 0 {
		id, _ := d.byte()
		size, sizeErr := d.u32()
		body, bodyErr := d.bytes(size)
		if sizeErr != nil || bodyErr != nil {
			break
		}
		s := cursor{b: body}
		if name, err := s.name(); id == secCustom && err == nil && name == "name" {
			e.FuncName = functionNames(body[s.pos:])[uint32(e.Func)]
			break
		}
	}
	return err
}

// nameSection is the canonical form of [Module.FuncNames]: the functions' names by index.
func (m *Module) nameSection() []byte {
	sub := appendUleb(nil, uint64(len(m.FuncNames)))
	for _, i := range slices.Sorted(maps.Keys(m.FuncNames)) {
		sub = appendName(appendUleb(sub, uint64(i)), m.FuncNames[i])
	}
	return appendSection(appendName(nil, "name"), 1, sub)
}
