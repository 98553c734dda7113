package wasm

func (d *decoder) valueTypes() (ts []ValueType, err error) {
	err = vector(d, "parameters or results", MaxTypeArity, &ts, func(d *decoder) (ValueType, error) { return d.valueType() })
	return ts, err
}

func (d *decoder) funcType() (t FuncType, err error) {
	at := d.offset()
	b, err := d.byte()
	if err != nil {
		return t, err
	}
	switch b {
	case 0x60:
	case 0x5f, 0x5e, 0x50, 0x4f, 0x4e:
		return t, foreign("gc", "garbage-collected types", "struct, array, recursive or sub type", at)
	default:
		return t, d.failf("malformed function type %#02x", b)
	}
	if t.Params, err = d.valueTypes(); err != nil {
		return t, err
	}
	t.Results, err = d.valueTypes()
	return t, err
}

func (d *decoder) limits(what string) (l Limits, err error) {
	at := d.offset()
	flag, err := d.byte()
	if err != nil {
		return l, err
	}
	switch {
	case flag <= 1:
	case flag <= 3 && what == "memory":
		return l, foreign("threads", "threads", "shared memory", at)
	case flag >= 4 && flag <= 7 && (what == "memory" || flag < 6):
		return l, foreign("memory64", "64-bit addresses", what, at)
	default:
		return l, d.failf("malformed limits flags %#02x", flag)
	}
	if l.Min, err = d.u32(); err != nil {
		return l, err
	}
	if flag == 1 {
		l.HasMax = true
		l.Max, err = d.u32()
	}
	return l, err
}

func (d *decoder) tableType() (t TableType, err error) {
	if d.left() > 0 && d.b[d.pos] == 0x40 {
		return t, foreign("function-references", "typed function references", "table with an initializer", d.offset())
	}
	if t.Elem, err = d.refType(); err != nil {
		return t, err
	}
	t.Limits, err = d.limits("table")
	return t, err
}

func (d *decoder) globalType() (g GlobalType, err error) {
	if g.Type, err = d.valueType(); err != nil {
		return g, err
	}
	b, err := d.byte()
	if err != nil {
		return g, err
	}
	if b > 1 {
		return g, d.failf("malformed mutability %#02x", b)
	}
	g.Mutable = b == 1
	return g, nil
}

func (d *decoder) importEntry() (i Import, err error) {
	i.Offset = d.offset()
	if i.Module, err = d.name(); err != nil {
		return i, err
	}
	if i.Name, err = d.name(); err != nil {
		return i, err
	}
	b, err := d.byte()
	if err != nil {
		return i, err
	}
	i.Kind = ExternKind(b)
	switch i.Kind {
	case ExternFunc:
		i.Func, err = d.u32()
	case ExternTable:
		i.Table, err = d.tableType()
	case ExternMemory:
		i.Memory, err = d.limits("memory")
	case ExternGlobal:
		i.Global, err = d.globalType()
	case 4:
		err = foreign("exceptions", "exceptions", "imported tag", i.Offset)
	default:
		err = d.failf("malformed import kind %#02x", b)
	}
	return i, err
}

func (d *decoder) export() (e Export, err error) {
	if e.Name, err = d.name(); err != nil {
		return e, err
	}
	b, err := d.byte()
	if err != nil {
		return e, err
	}
	if b == 4 {
		return e, foreign("exceptions", "exceptions", "exported tag", d.offset()-1)
	}
	if b > byte(ExternGlobal) {
		return e, d.failf("malformed export kind %#02x", b)
	}
	e.Kind = ExternKind(b)
	e.Index, err = d.u32()
	return e, err
}

func (d *decoder) global() (g Global, err error) {
	if g.Type, err = d.globalType(); err != nil {
		return g, err
	}
	g.Init, err = d.constExpr()
	return g, err
}
