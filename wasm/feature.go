package wasm

import (
	"fmt"
	"strings"
)

// foreign is the refusal of a file that uses a feature outside the profile; what names the instruction or type.
func foreign(feature, title, what string, at uint32) error {
	return &Error{Kind: Refused, Feature: feature, Func: -1, Offset: at, Msg: fmt.Sprintf("uses %s (%s)", title, what)}
}

// foreignType names a value type that only a later proposal knows.
func foreignType(b byte, at uint32) error {
	const gc, functions, exceptions = "garbage-collected types", "typed function references", "exceptions"
	switch b {
	case 0x7b:
		return foreign("simd", "SIMD", "type v128", at)
	case 0x63, 0x64:
		return foreign("function-references", functions, "type (ref ...)", at)
	case 0x73:
		return foreign("function-references", functions, "type nullfuncref", at)
	case 0x69:
		return foreign("exceptions", exceptions, "type exnref", at)
	case 0x74:
		return foreign("exceptions", exceptions, "type nullexnref", at)
	case 0x78, 0x77:
		return foreign("gc", gc, "packed type", at)
	case 0x72:
		return foreign("gc", gc, "type nullexternref", at)
	case 0x71:
		return foreign("gc", gc, "type nullref", at)
	case 0x6e:
		return foreign("gc", gc, "type anyref", at)
	case 0x6d:
		return foreign("gc", gc, "type eqref", at)
	case 0x6c:
		return foreign("gc", gc, "type i31ref", at)
	case 0x6b:
		return foreign("gc", gc, "type structref", at)
	case 0x6a:
		return foreign("gc", gc, "type arrayref", at)
	}
	return nil
}

// foreignInstr names an instruction that only a later proposal knows. sub is the number after a prefix.
func foreignInstr(b byte, sub uint32, at uint32) error {
	switch b {
	case 0xfd:
		if sub > 0xff {
			return foreign("simd", "relaxed SIMD", fmt.Sprintf("0xfd %#x", sub), at)
		}
		return foreign("simd", "SIMD", nth(simdNames, sub, b), at)
	case 0xfe:
		return foreign("threads", "threads", atomicName(sub), at)
	case 0x06, 0x07, 0x08, 0x09, 0x0a:
		return foreign("exceptions", "exceptions", nth("try catch throw rethrow throw_ref", uint32(b-0x06), b), at)
	case 0x18, 0x19:
		return foreign("exceptions", "exceptions", nth("delegate catch_all", uint32(b-0x18), b), at)
	case 0x1f:
		return foreign("exceptions", "exceptions", "try_table", at)
	case 0x12, 0x13, 0x15:
		return foreign("tail-call", "tail calls", nth("return_call return_call_indirect - return_call_ref", uint32(b-0x12), b), at)
	case 0x14:
		return foreign("function-references", "typed function references", "call_ref", at)
	case 0xd4, 0xd5, 0xd6:
		return foreign("function-references", "typed function references", nth("ref.as_non_null br_on_null br_on_non_null", uint32(b-0xd4), b), at)
	case 0xd3:
		return foreign("gc", "garbage-collected types", "ref.eq", at)
	case 0xfb:
		return foreign("gc", "garbage-collected types", nth(gcNames, sub, b), at)
	}
	return nil
}

// nth is the i-th of names, or the numbers of the opcode where there is none.
func nth(names string, i uint32, prefix byte) string {
	if f := strings.Fields(names); uint64(i) < uint64(len(f)) && f[i] != "-" {
		return f[i]
	}
	return fmt.Sprintf("%#x %#x", prefix, i)
}

// atomicName builds the names of the threads proposal, which are regular: after the first four, every seven of them
// differ by type and width.
func atomicName(i uint32) string {
	if i < 0x10 || i > 0x4e {
		return nth("memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64 atomic.fence", i, 0xfe)
	}
	kind := strings.Fields("load store rmw.add rmw.sub rmw.and rmw.or rmw.xor rmw.xchg rmw.cmpxchg")[(i-0x10)/7]
	shape := [...]struct{ t, width string }{{"i32", ""}, {"i64", ""}, {"i32", "8"}, {"i32", "16"}, {"i64", "8"}, {"i64", "16"}, {"i64", "32"}}[(i-0x10)%7]
	base, rest, _ := strings.Cut(kind, ".")
	name := shape.t + ".atomic." + base + shape.width
	if rest != "" {
		name += "." + rest
	}
	if shape.width != "" && base != "store" {
		name += "_u"
	}
	return name
}

const gcNames = `struct.new struct.new_default struct.get struct.get_s struct.get_u struct.set array.new array.new_default
array.new_fixed array.new_data array.new_elem array.get array.get_s array.get_u array.set array.len array.fill array.copy
array.init_data array.init_elem ref.test ref.test ref.cast ref.cast br_on_cast br_on_cast_fail any.convert_extern
extern.convert_any ref.i31 i31.get_s i31.get_u`

// simdNames lists the instructions after 0xfd in order; "-" is a number that is not assigned.
const simdNames = `v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u
v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat v128.store v128.const i8x16.shuffle
i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat i8x16.extract_lane_s
i8x16.extract_lane_u i8x16.replace_lane i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane
i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane f32x4.extract_lane f32x4.replace_lane
f64x2.extract_lane f64x2.replace_lane i8x16.eq i8x16.ne i8x16.lt_s i8x16.lt_u i8x16.gt_s i8x16.gt_u i8x16.le_s
i8x16.le_u i8x16.ge_s i8x16.ge_u i16x8.eq i16x8.ne i16x8.lt_s i16x8.lt_u i16x8.gt_s i16x8.gt_u i16x8.le_s i16x8.le_u
i16x8.ge_s i16x8.ge_u i32x4.eq i32x4.ne i32x4.lt_s i32x4.lt_u i32x4.gt_s i32x4.gt_u i32x4.le_s i32x4.le_u i32x4.ge_s
i32x4.ge_u f32x4.eq f32x4.ne f32x4.lt f32x4.gt f32x4.le f32x4.ge f64x2.eq f64x2.ne f64x2.lt f64x2.gt f64x2.le f64x2.ge
v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true v128.load8_lane v128.load16_lane
v128.load32_lane v128.load64_lane v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane
v128.load32_zero v128.load64_zero f32x4.demote_f64x2_zero f64x2.promote_low_f32x4 i8x16.abs i8x16.neg i8x16.popcnt
i8x16.all_true i8x16.bitmask i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u f32x4.ceil f32x4.floor f32x4.trunc
f32x4.nearest i8x16.shl i8x16.shr_s i8x16.shr_u i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s
i8x16.sub_sat_u f64x2.ceil f64x2.floor i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u f64x2.trunc i8x16.avgr_u
i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s
i32x4.extadd_pairwise_i16x8_u i16x8.abs i16x8.neg i16x8.q15mulr_sat_s i16x8.all_true i16x8.bitmask
i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u i16x8.extend_low_i8x16_s i16x8.extend_high_i8x16_s i16x8.extend_low_i8x16_u
i16x8.extend_high_i8x16_u i16x8.shl i16x8.shr_s i16x8.shr_u i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub
i16x8.sub_sat_s i16x8.sub_sat_u f64x2.nearest i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u - i16x8.avgr_u
i16x8.extmul_low_i8x16_s i16x8.extmul_high_i8x16_s i16x8.extmul_low_i8x16_u i16x8.extmul_high_i8x16_u i32x4.abs
i32x4.neg - i32x4.all_true i32x4.bitmask - - i32x4.extend_low_i16x8_s i32x4.extend_high_i16x8_s
i32x4.extend_low_i16x8_u i32x4.extend_high_i16x8_u i32x4.shl i32x4.shr_s i32x4.shr_u i32x4.add - - i32x4.sub - - -
i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s - i32x4.extmul_low_i16x8_s
i32x4.extmul_high_i16x8_s i32x4.extmul_low_i16x8_u i32x4.extmul_high_i16x8_u i64x2.abs i64x2.neg - i64x2.all_true
i64x2.bitmask - - i64x2.extend_low_i32x4_s i64x2.extend_high_i32x4_s i64x2.extend_low_i32x4_u
i64x2.extend_high_i32x4_u i64x2.shl i64x2.shr_s i64x2.shr_u i64x2.add - - i64x2.sub - - - i64x2.mul i64x2.eq i64x2.ne
i64x2.lt_s i64x2.gt_s i64x2.le_s i64x2.ge_s i64x2.extmul_low_i32x4_s i64x2.extmul_high_i32x4_s
i64x2.extmul_low_i32x4_u i64x2.extmul_high_i32x4_u f32x4.abs f32x4.neg - f32x4.sqrt f32x4.add f32x4.sub f32x4.mul
f32x4.div f32x4.min f32x4.max f32x4.pmin f32x4.pmax f64x2.abs f64x2.neg - f64x2.sqrt f64x2.add f64x2.sub f64x2.mul
f64x2.div f64x2.min f64x2.max f64x2.pmin f64x2.pmax i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u
f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero
f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`
