;; Values on their way in and out.
(module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 1024))
  (data (i32.const 64) "\1b[31mred\c2\9b")  ;; an escape sequence, and its one-character form
  (data (i32.const 96) "\ff\fe")

  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func (export "all") (result i32 i64 f32 f64)
    (i32.const -1) (i64.const -9223372036854775808) (f32.const 0.1) (f64.const -inf))
  (func (export "none"))
  (func (export "\1b[31mred"))
  (func (export "ref") (param externref))

  ;; A bump allocator: nothing is ever freed.
  (func $alloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (loop $more
      (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
        (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
          (br $more))))
    (local.get $at))
  (func $list (param i32 i32) (result i32)
    (i32.store (i32.const 0) (local.get 0))
    (i32.store (i32.const 4) (local.get 1))
    (i32.const 0))
  (func (export "same") (param i32 i32) (result i32) (call $list (local.get 0) (local.get 1)))
  (func (export "cabi_post_same") (param i32))
  (func (export "length") (param i32 i32) (result i32) (local.get 1))
  (func (export "escape") (result i32) (call $list (i32.const 64) (i32.const 10)))
  (func (export "garbage") (result i32) (call $list (i32.const 96) (i32.const 2)))
)
