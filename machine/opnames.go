package machine

import "strconv"

// opNames are the names of the operations in listings. Forms with an immediate share their operation's name.
var opNames = [numOps]string{
	OpTrap: "trap", OpCharge: "charge", OpJump: "jump", OpJumpTable: "jump_table", OpCall: "call", OpCallTable: "call_table", OpReturn: "return",
	OpHalt: "halt", OpExit: "exit",
	OpConst: "const", OpMove: "move", OpMoveFar: "move_far", OpSelect: "select", OpGlobalGet: "global.get", OpGlobalSet: "global.set",
	OpAdd32: "add32", OpAdd32I: "add32", OpAdd64: "add64", OpAdd64I: "add64", OpSub32: "sub32", OpSub32I: "sub32", OpSub64: "sub64", OpSub64I: "sub64",
	OpMul32: "mul32", OpMul32I: "mul32", OpMul64: "mul64", OpMul64I: "mul64",
	OpDivS32: "div_s32", OpDivS32I: "div_s32", OpDivS64: "div_s64", OpDivS64I: "div_s64",
	OpDivU32: "div_u32", OpDivU32I: "div_u32", OpDivU64: "div_u64", OpDivU64I: "div_u64",
	OpRemS32: "rem_s32", OpRemS32I: "rem_s32", OpRemS64: "rem_s64", OpRemS64I: "rem_s64",
	OpRemU32: "rem_u32", OpRemU32I: "rem_u32", OpRemU64: "rem_u64", OpRemU64I: "rem_u64",
	OpAnd32: "and32", OpAnd32I: "and32", OpAnd64: "and64", OpAnd64I: "and64", OpOr32: "or32", OpOr32I: "or32", OpOr64: "or64", OpOr64I: "or64",
	OpXor32: "xor32", OpXor32I: "xor32", OpXor64: "xor64", OpXor64I: "xor64",
	OpShl32: "shl32", OpShl32I: "shl32", OpShl64: "shl64", OpShl64I: "shl64",
	OpShrS32: "shr_s32", OpShrS32I: "shr_s32", OpShrS64: "shr_s64", OpShrS64I: "shr_s64",
	OpShrU32: "shr_u32", OpShrU32I: "shr_u32", OpShrU64: "shr_u64", OpShrU64I: "shr_u64",
	OpRotl32: "rotl32", OpRotl32I: "rotl32", OpRotl64: "rotl64", OpRotl64I: "rotl64", OpRotr32: "rotr32", OpRotr64: "rotr64",
	OpEq32: "eq32", OpEq32I: "eq32", OpNe32: "ne32", OpNe32I: "ne32", OpLtS32: "lt_s32", OpLtS32I: "lt_s32", OpGeS32: "ge_s32", OpGeS32I: "ge_s32",
	OpLtU32: "lt_u32", OpLtU32I: "lt_u32", OpGeU32: "ge_u32", OpGeU32I: "ge_u32",
	OpEq64: "eq64", OpEq64I: "eq64", OpNe64: "ne64", OpNe64I: "ne64", OpLtS64: "lt_s64", OpLtS64I: "lt_s64", OpGeS64: "ge_s64", OpGeS64I: "ge_s64",
	OpLtU64: "lt_u64", OpLtU64I: "lt_u64", OpGeU64: "ge_u64", OpGeU64I: "ge_u64",
	OpBrEq32: "br_eq32", OpBrEq32I: "br_eq32", OpBrNe32: "br_ne32", OpBrNe32I: "br_ne32", OpBrLtS32: "br_lt_s32", OpBrLtS32I: "br_lt_s32",
	OpBrGeS32: "br_ge_s32", OpBrGeS32I: "br_ge_s32", OpBrLtU32: "br_lt_u32", OpBrLtU32I: "br_lt_u32", OpBrGeU32: "br_ge_u32", OpBrGeU32I: "br_ge_u32",
	OpBrEq64: "br_eq64", OpBrEq64I: "br_eq64", OpBrNe64: "br_ne64", OpBrNe64I: "br_ne64", OpBrLtS64: "br_lt_s64", OpBrLtS64I: "br_lt_s64",
	OpBrGeS64: "br_ge_s64", OpBrGeS64I: "br_ge_s64", OpBrLtU64: "br_lt_u64", OpBrLtU64I: "br_lt_u64", OpBrGeU64: "br_ge_u64", OpBrGeU64I: "br_ge_u64",
	OpClz32: "clz32", OpClz64: "clz64", OpCtz32: "ctz32", OpCtz64: "ctz64", OpPopcnt32: "popcnt32", OpPopcnt64: "popcnt64",
	OpExtend8S32: "extend8_s32", OpExtend16S32: "extend16_s32", OpExtend8S64: "extend8_s64", OpExtend16S64: "extend16_s64", OpExtend32S64: "extend32_s64",
	OpWrap:   "wrap",
	OpLoad8U: "load8_u", OpLoad8UA: "load8_u", OpLoad16U: "load16_u", OpLoad16UA: "load16_u", OpLoad32U: "load32_u", OpLoad32UA: "load32_u",
	OpLoad64: "load64", OpLoad64A: "load64", OpLoad8S32: "load8_s32", OpLoad8S32A: "load8_s32", OpLoad16S32: "load16_s32", OpLoad16S32A: "load16_s32",
	OpLoad8S64: "load8_s64", OpLoad8S64A: "load8_s64", OpLoad16S64: "load16_s64", OpLoad16S64A: "load16_s64", OpLoad32S64: "load32_s64", OpLoad32S64A: "load32_s64",
	OpStore8: "store8", OpStore8I: "store8", OpStore8A: "store8", OpStore8AI: "store8", OpStore16: "store16", OpStore16I: "store16", OpStore16A: "store16", OpStore16AI: "store16",
	OpStore32: "store32", OpStore32I: "store32", OpStore32A: "store32", OpStore32AI: "store32", OpStore64: "store64", OpStore64I: "store64", OpStore64A: "store64", OpStore64AI: "store64",
	OpMemorySize: "memory.size", OpMemoryGrow: "memory.grow",
	OpMemoryCopyCheck: "memory.copy.check", OpMemoryCopy: "memory.copy", OpMemoryFillCheck: "memory.fill.check", OpMemoryFill: "memory.fill",
	OpMemoryInitCheck: "memory.init.check", OpMemoryInit: "memory.init", OpTableCopyCheck: "table.copy.check", OpTableCopy: "table.copy",
	OpTableFillCheck: "table.fill.check", OpTableFill: "table.fill", OpTableInitCheck: "table.init.check", OpTableInit: "table.init",
	OpTableGet: "table.get", OpTableSet: "table.set", OpSegmentDrop: "segment.drop",
	OpInLen: "in_len", OpInWord: "in_word", OpOutWord: "out_word",
	OpF32Eq: "f32.eq", OpF32Ne: "f32.ne", OpF32Lt: "f32.lt", OpF32Le: "f32.le", OpF64Eq: "f64.eq", OpF64Ne: "f64.ne", OpF64Lt: "f64.lt", OpF64Le: "f64.le",
	OpF32Ceil: "f32.ceil", OpF32Floor: "f32.floor", OpF32Trunc: "f32.trunc", OpF32Nearest: "f32.nearest", OpF32Sqrt: "f32.sqrt",
	OpF32Add: "f32.add", OpF32Sub: "f32.sub", OpF32Mul: "f32.mul", OpF32Div: "f32.div", OpF32Min: "f32.min", OpF32Max: "f32.max",
	OpF64Ceil: "f64.ceil", OpF64Floor: "f64.floor", OpF64Trunc: "f64.trunc", OpF64Nearest: "f64.nearest", OpF64Sqrt: "f64.sqrt",
	OpF64Add: "f64.add", OpF64Sub: "f64.sub", OpF64Mul: "f64.mul", OpF64Div: "f64.div", OpF64Min: "f64.min", OpF64Max: "f64.max",
	OpI32TruncF32S: "i32.trunc_f32_s", OpI32TruncF32U: "i32.trunc_f32_u", OpI32TruncF64S: "i32.trunc_f64_s", OpI32TruncF64U: "i32.trunc_f64_u",
	OpI64TruncF32S: "i64.trunc_f32_s", OpI64TruncF32U: "i64.trunc_f32_u", OpI64TruncF64S: "i64.trunc_f64_s", OpI64TruncF64U: "i64.trunc_f64_u",
	OpI32TruncSatF32S: "i32.trunc_sat_f32_s", OpI32TruncSatF32U: "i32.trunc_sat_f32_u", OpI32TruncSatF64S: "i32.trunc_sat_f64_s", OpI32TruncSatF64U: "i32.trunc_sat_f64_u",
	OpI64TruncSatF32S: "i64.trunc_sat_f32_s", OpI64TruncSatF32U: "i64.trunc_sat_f32_u", OpI64TruncSatF64S: "i64.trunc_sat_f64_s", OpI64TruncSatF64U: "i64.trunc_sat_f64_u",
	OpF32ConvertI32S: "f32.convert_i32_s", OpF32ConvertI32U: "f32.convert_i32_u", OpF32ConvertI64S: "f32.convert_i64_s", OpF32ConvertI64U: "f32.convert_i64_u", OpF32DemoteF64: "f32.demote_f64",
	OpF64ConvertI32S: "f64.convert_i32_s", OpF64ConvertI32U: "f64.convert_i32_u", OpF64ConvertI64S: "f64.convert_i64_s", OpF64ConvertI64U: "f64.convert_i64_u", OpF64PromoteF32: "f64.promote_f32",
	OpAbsent: "absent",
}

// String is the operation's name.
func (op Op) String() string {
	if op < numOps && opNames[op] != "" {
		return opNames[op]
	}
	return "op(" + strconv.Itoa(int(op)) + ")"
}
