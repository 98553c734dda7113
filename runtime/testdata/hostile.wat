;; Guests that do not want to end.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $ping $pong)
  (type $t (func (param i32) (result i32)))
  (func (export "spin") (loop (br 0)))
  (func (export "spin_params") (result i32) (i32.const 0) (loop (param i32) (result i32) (br 0)))
  (func (export "spin_table") (local i32) (loop (br_table 0 0 0 (local.get 0))))
  ;; twice itself, 2^60 times
  (func $twice (export "twice") (param i32)
    (if (local.get 0)
      (then
        (call $twice (i32.sub (local.get 0) (i32.const 1)))
        (call $twice (i32.sub (local.get 0) (i32.const 1))))))
  (func $ping (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        (drop (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
      (else (i32.const 1))))
  (func $pong (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 0)))
  (func (export "indirect_twice") (param i32) (result i32) (call $ping (local.get 0)))
  (func $forever (export "forever") (call $forever))
  (func (export "indirect_forever") (param i32) (result i32) (call $around (local.get 0)))
  (func $around (param i32) (result i32) (call_indirect (type $t) (local.get 0) (i32.const 1)))
  (func (export "fills") (drop (memory.grow (i32.const 1000)))
    (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65000000)) (br 0)))
  ;; takes all the memory it is given, then touches every page, and counts them
  (func (export "bomb") (result i32) (local $i i32)
    (block $full (loop $more
      (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
      (br $more)))
    (loop $touch
      (i32.store (i32.shl (local.get $i) (i32.const 16)) (i32.const 1))
      (br_if $touch (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (memory.size))))
    (local.get $i))
  ;; writes 64 KiB to stdout for ever
  (func (export "flood")
    (i32.store (i32.const 4) (i32.const 65536))
    (loop (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0)))
)
