;; The module of the examples: functions over bytes and strings (the canonical ABI's lists), and one over integers.
(module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 16))

  ;; A bump allocator that grows the memory. Nothing is ever freed: a task runs once.
  (func $alloc (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (loop $more
      (if (i32.gt_u (global.get $free) (i32.shl (memory.size) (i32.const 16)))
        (then
          (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (unreachable)))
          (br $more))))
    (local.get $at))

  ;; shout(text) string: letters a to z in capitals.
  (func (export "shout") (param $ptr i32) (param $len i32) (result i32)
    (local $i i32) (local $c i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $len)))
        (local.set $c (i32.load8_u (i32.add (local.get $ptr) (local.get $i))))
        (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97)) (i32.const 26))
          (then (i32.store8 (i32.add (local.get $ptr) (local.get $i)) (i32.sub (local.get $c) (i32.const 32)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 0) (local.get $ptr))
    (i32.store (i32.const 4) (local.get $len))
    (i32.const 0))

  ;; words(text) i32: the number of words.
  (func (export "words") (param $ptr i32) (param $len i32) (result i32)
    (local $i i32) (local $n i32) (local $in i32) (local $letter i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $i) (local.get $len)))
        (local.set $letter (i32.gt_u (i32.load8_u (i32.add (local.get $ptr) (local.get $i))) (i32.const 32)))
        (local.set $n (i32.add (local.get $n) (i32.gt_u (local.get $letter) (local.get $in))))
        (local.set $in (local.get $letter))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $n))

  ;; fib(n) i64.
  (func $fib (export "fib") (param $n i64) (result i64)
    (if (result i64) (i64.lt_s (local.get $n) (i64.const 2))
      (then (local.get $n))
      (else (i64.add
        (call $fib (i64.sub (local.get $n) (i64.const 1)))
        (call $fib (i64.sub (local.get $n) (i64.const 2)))))))

  ;; half(n) i32: half of an even number; an odd one traps.
  (func (export "half") (param $n i32) (result i32)
    (if (i32.and (local.get $n) (i32.const 1)) (then (unreachable)))
    (i32.shr_s (local.get $n) (i32.const 1)))
)
