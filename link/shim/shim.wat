;; The shim of profile tm/1: the deterministic part of WASI preview 1 (wasi_snapshot_preview1), over four tape primitives.
;;
;; It has no memory of its own: pointers are the guest's, state is globals. A pointer outside of the guest's memory
;; traps. What the functions answer is a function of the tapes and of the calls so far, nothing else:
;;
;; - Descriptors 0, 1 and 2 are pipes: stdin is input stream 3, stdout and stderr are output streams 1 and 2. They can be
;;   closed. There are no others, no directories and no sockets.
;; - Output streams take words of eight bytes, but for their last. Up to seven bytes per stream wait in globals, and are written when
;;   the task returns from its entry or calls proc_exit. A task that ends in any other way loses them, in every engine alike.
;; - One clock stands behind all clock ids. It starts at the configured time and advances by 1000 ns before each read; poll_oneoff reads it
;;   once, and advances it to the earliest deadline if nothing else is ready.
;; - Random bytes are the words of splitmix64 from the configured seed, little-endian; each call starts a new word.
;;
;; https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
(module
  (import "tm" "in_len" (func $in_len (param i32) (result i32)))
  (import "tm" "in_word" (func $in_word (param i32 i32) (result i64)))
  (import "tm" "out_word" (func $out_word (param i32 i64 i32)))
  (import "tm" "exit" (func $exit (param i32)))
  (import "guest" "memory" (memory 0))

  (global $open (mut i32) (i32.const 7))          ;; bit per open descriptor
  (global $stdin (mut i32) (i32.const 0))         ;; bytes read
  (global $out1 (mut i64) (i64.const 0))          ;; waiting bytes of stdout, little-endian
  (global $out1_n (mut i32) (i32.const 0))        ;; how many, 0 to 7
  (global $out2 (mut i64) (i64.const 0))          ;; the same of stderr
  (global $out2_n (mut i32) (i32.const 0))
  (global $configured (mut i32) (i32.const 0))    ;; whether clock and seed have been read
  (global $clock (mut i64) (i64.const 0))
  (global $seed (mut i64) (i64.const 0))

  ;; ---------------------------------------------------------------- tapes

  ;; Copies len bytes of an input stream, from byte pos on, to memory at ptr.
  (func $copy (param $stream i32) (param $pos i32) (param $ptr i32) (param $len i32)
    (local $word i64) (local $i i32) (local $n i32)
    (if (i32.eqz (local.get $len)) (then (return)))
    (local.set $i (i32.shr_u (local.get $pos) (i32.const 3)))
    (if (i32.and (local.get $pos) (i32.const 7))
      (then ;; up to the next word
        (local.set $n (i32.sub (i32.const 8) (i32.and (local.get $pos) (i32.const 7))))
        (if (i32.gt_u (local.get $n) (local.get $len)) (then (local.set $n (local.get $len))))
        (call $store_bytes (local.get $ptr)
          (i64.shr_u (call $in_word (local.get $stream) (local.get $i))
                     (i64.extend_i32_u (i32.shl (i32.and (local.get $pos) (i32.const 7)) (i32.const 3))))
          (local.get $n))
        (local.set $ptr (i32.add (local.get $ptr) (local.get $n)))
        (local.set $len (i32.sub (local.get $len) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))))
    (block $done
      (loop $four
        (br_if $done (i32.lt_u (local.get $len) (i32.const 32)))
        (i64.store align=1 (local.get $ptr) (call $in_word (local.get $stream) (local.get $i)))
        (i64.store offset=8 align=1 (local.get $ptr)
          (call $in_word (local.get $stream) (i32.add (local.get $i) (i32.const 1))))
        (i64.store offset=16 align=1 (local.get $ptr)
          (call $in_word (local.get $stream) (i32.add (local.get $i) (i32.const 2))))
        (i64.store offset=24 align=1 (local.get $ptr)
          (call $in_word (local.get $stream) (i32.add (local.get $i) (i32.const 3))))
        (local.set $i (i32.add (local.get $i) (i32.const 4)))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 32)))
        (local.set $len (i32.sub (local.get $len) (i32.const 32)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.lt_u (local.get $len) (i32.const 8)))
        (i64.store align=1 (local.get $ptr) (call $in_word (local.get $stream) (local.get $i)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $one)))
    (if (local.get $len)
      (then
        (call $store_bytes (local.get $ptr) (call $in_word (local.get $stream) (local.get $i)) (local.get $len)))))

  ;; Stores the n low bytes of word, 1 to 8, at ptr.
  (func $store_bytes (param $ptr i32) (param $word i64) (param $n i32)
    (loop $next
      (i64.store8 (local.get $ptr) (local.get $word))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
      (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Loads n bytes, 0 to 8, from ptr, as the low bytes of a word.
  (func $load_bytes (param $ptr i32) (param $n i32) (result i64)
    (local $word i64)
    (local.set $ptr (i32.add (local.get $ptr) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (local.set $ptr (i32.sub (local.get $ptr) (i32.const 1)))
        (local.set $word (i64.or (i64.shl (local.get $word) (i64.const 8)) (i64.load8_u (local.get $ptr))))
        (br $next)))
    (local.get $word))

  ;; Writes the whole words of len bytes at ptr to an output stream, and returns how many bytes that were.
  (func $words (param $stream i32) (param $ptr i32) (param $len i32) (result i32)
    (local $left i32)
    (local.set $left (local.get $len))
    (block $done
      (loop $four
        (br_if $done (i32.lt_u (local.get $left) (i32.const 32)))
        (call $out_word (local.get $stream) (i64.load align=1 (local.get $ptr)) (i32.const 8))
        (call $out_word (local.get $stream) (i64.load offset=8 align=1 (local.get $ptr)) (i32.const 8))
        (call $out_word (local.get $stream) (i64.load offset=16 align=1 (local.get $ptr)) (i32.const 8))
        (call $out_word (local.get $stream) (i64.load offset=24 align=1 (local.get $ptr)) (i32.const 8))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 32)))
        (local.set $left (i32.sub (local.get $left) (i32.const 32)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.lt_u (local.get $left) (i32.const 8)))
        (call $out_word (local.get $stream) (i64.load align=1 (local.get $ptr)) (i32.const 8))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 8)))
        (br $one)))
    (i32.sub (local.get $len) (local.get $left)))

  ;; The same behind n waiting bytes, 1 to 7, in word. Returns the bytes that wait then; their number stays n.
  (func $shifted (param $stream i32) (param $ptr i32) (param $len i32) (param $word i64) (param $n i32) (result i64)
    (local $next i64) (local $up i64) (local $down i64)
    (local.set $up (i64.extend_i32_u (i32.shl (local.get $n) (i32.const 3))))
    (local.set $down (i64.sub (i64.const 64) (local.get $up)))
    (block $done
      (loop $one
        (br_if $done (i32.lt_u (local.get $len) (i32.const 8)))
        (local.set $next (i64.load align=1 (local.get $ptr)))
        (call $out_word (local.get $stream)
          (i64.or (local.get $word) (i64.shl (local.get $next) (local.get $up))) (i32.const 8))
        (local.set $word (i64.shr_u (local.get $next) (local.get $down)))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $one)))
    (local.get $word))

  ;; Appends len bytes at ptr to stdout (1) or stderr (2).
  (func $write (param $stream i32) (param $ptr i32) (param $len i32)
    (local $word i64) (local $n i32) (local $whole i32) (local $tail i32) (local $bytes i64)
    (if (i32.eq (local.get $stream) (i32.const 1))
      (then (local.set $word (global.get $out1)) (local.set $n (global.get $out1_n)))
      (else (local.set $word (global.get $out2)) (local.set $n (global.get $out2_n))))
    (if (local.get $n)
      (then
        (local.set $word
          (call $shifted (local.get $stream) (local.get $ptr) (local.get $len) (local.get $word) (local.get $n)))
        (local.set $whole (i32.and (local.get $len) (i32.const -8))))
      (else (local.set $whole (call $words (local.get $stream) (local.get $ptr) (local.get $len)))))
    (if (local.tee $tail (i32.sub (local.get $len) (local.get $whole)))
      (then
        (local.set $bytes (call $load_bytes (i32.add (local.get $ptr) (local.get $whole)) (local.get $tail)))
        (local.set $word (i64.or (local.get $word)
          (i64.shl (local.get $bytes) (i64.extend_i32_u (i32.shl (local.get $n) (i32.const 3))))))
        (local.set $n (i32.add (local.get $n) (local.get $tail)))
        (if (i32.ge_u (local.get $n) (i32.const 8))
          (then
            (call $out_word (local.get $stream) (local.get $word) (i32.const 8))
            (local.set $n (i32.sub (local.get $n) (i32.const 8)))
            ;; of the tail's bytes, tail - n went out: at least one and at most seven
            (local.set $word (i64.shr_u (local.get $bytes)
              (i64.extend_i32_u (i32.shl (i32.sub (local.get $tail) (local.get $n)) (i32.const 3)))))))))
    (if (i32.eq (local.get $stream) (i32.const 1))
      (then (global.set $out1 (local.get $word)) (global.set $out1_n (local.get $n)))
      (else (global.set $out2 (local.get $word)) (global.set $out2_n (local.get $n)))))

  ;; What the stub calls.

  (func (export "tm_copy_in") (param $stream i32) (param $ptr i32) (param $len i32)
    (call $copy (local.get $stream) (i32.const 0) (local.get $ptr) (local.get $len)))

  (func (export "tm_copy_out") (param $stream i32) (param $ptr i32) (param $len i32)
    (local $whole i32) (local $tail i32)
    (local.set $whole (call $words (local.get $stream) (local.get $ptr) (local.get $len)))
    (if (local.tee $tail (i32.sub (local.get $len) (local.get $whole)))
      (then
        (call $out_word (local.get $stream)
          (call $load_bytes (i32.add (local.get $ptr) (local.get $whole)) (local.get $tail))
          (local.get $tail)))))

  (func $flush (export "tm_flush")
    (if (global.get $out1_n)
      (then
        (call $out_word (i32.const 1) (global.get $out1) (global.get $out1_n))
        (global.set $out1_n (i32.const 0))))
    (if (global.get $out2_n)
      (then
        (call $out_word (i32.const 2) (global.get $out2) (global.get $out2_n))
        (global.set $out2_n (i32.const 0)))))

  ;; ---------------------------------------------------------------- arguments and environment

  ;; Number of strings in a stream: each ends in a NUL.
  (func $strings (param $stream i32) (result i32)
    (local $pos i32) (local $len i32) (local $word i64) (local $n i32)
    (local.set $len (call $in_len (local.get $stream)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $pos) (local.get $len)))
        (if (i32.eqz (i32.and (local.get $pos) (i32.const 7)))
          (then (local.set $word (call $in_word (local.get $stream) (i32.shr_u (local.get $pos) (i32.const 3))))))
        (local.set $n (i32.add (local.get $n) (i64.eqz (i64.and (local.get $word) (i64.const 255)))))
        (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
        (local.set $pos (i32.add (local.get $pos) (i32.const 1)))
        (br $next)))
    (local.get $n))

  (func $sizes (param $stream i32) (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (call $strings (local.get $stream)))
    (i32.store (local.get $size) (call $in_len (local.get $stream)))
    (i32.const 0))

  ;; Copies a stream's strings to buf and stores a pointer to each in list.
  (func $list (param $stream i32) (param $list i32) (param $buf i32) (result i32)
    (local $len i32) (local $end i32) (local $first i32)
    (local.set $len (call $in_len (local.get $stream)))
    (call $copy (local.get $stream) (i32.const 0) (local.get $buf) (local.get $len))
    (local.set $end (i32.add (local.get $buf) (local.get $len)))
    (local.set $first (i32.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $buf) (local.get $end)))
        (if (local.get $first)
          (then
            (i32.store (local.get $list) (local.get $buf))
            (local.set $list (i32.add (local.get $list) (i32.const 4)))))
        (local.set $first (i32.eqz (i32.load8_u (local.get $buf))))
        (local.set $buf (i32.add (local.get $buf) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  (func (export "args_sizes_get") (param i32 i32) (result i32)
    (call $sizes (i32.const 1) (local.get 0) (local.get 1)))
  (func (export "args_get") (param i32 i32) (result i32)
    (call $list (i32.const 1) (local.get 0) (local.get 1)))
  (func (export "environ_sizes_get") (param i32 i32) (result i32)
    (call $sizes (i32.const 2) (local.get 0) (local.get 1)))
  (func (export "environ_get") (param i32 i32) (result i32)
    (call $list (i32.const 2) (local.get 0) (local.get 1)))

  ;; ---------------------------------------------------------------- clock and random bytes

  (func $configure
    (if (global.get $configured) (then (return)))
    (global.set $configured (i32.const 1))
    (if (i32.lt_u (call $in_len (i32.const 0)) (i32.const 16)) (then (return)))
    (global.set $clock (call $in_word (i32.const 0) (i32.const 0)))
    (global.set $seed (call $in_word (i32.const 0) (i32.const 1))))

  (func $now (result i64)
    (call $configure)
    (global.set $clock (i64.add (global.get $clock) (i64.const 1000)))
    (global.get $clock))

  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $time i32) (result i32)
    (if (i32.gt_u (local.get $id) (i32.const 3)) (then (return (i32.const 28)))) ;; inval
    (i64.store (local.get $time) (call $now))
    (i32.const 0))

  (func (export "clock_res_get") (param $id i32) (param $resolution i32) (result i32)
    (if (i32.gt_u (local.get $id) (i32.const 3)) (then (return (i32.const 28))))
    (i64.store (local.get $resolution) (i64.const 1000))
    (i32.const 0))

  ;; splitmix64 (Steele, Lea, Flood 2014).
  (func $random (result i64)
    (local $z i64)
    (call $configure)
    (global.set $seed (i64.add (global.get $seed) (i64.const 0x9e3779b97f4a7c15)))
    (local.set $z (global.get $seed))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30))) (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27))) (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))

  (func (export "random_get") (param $ptr i32) (param $len i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (local.get $len) (i32.const 8)))
        (i64.store align=1 (local.get $ptr) (call $random))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 8)))
        (local.set $len (i32.sub (local.get $len) (i32.const 8)))
        (br $next)))
    (if (local.get $len) (then (call $store_bytes (local.get $ptr) (call $random) (local.get $len))))
    (i32.const 0))

  ;; The time at which a clock subscription at ptr fires, given the time now.
  (func $deadline (param $ptr i32) (param $now i64) (result i64)
    (local $timeout i64)
    (local.set $timeout (i64.load offset=24 align=1 (local.get $ptr)))
    (if (i32.and (i32.load16_u offset=40 align=1 (local.get $ptr)) (i32.const 1)) (then (return (local.get $timeout))))
    (local.set $timeout (i64.add (local.get $timeout) (local.get $now)))
    (if (i64.lt_u (local.get $timeout) (local.get $now)) (then (return (i64.const -1)))) ;; never
    (local.get $timeout))

  ;; Descriptors are always ready. A subscription has 48 bytes: user data, tag (0 clock, 1 read, 2 write) at 8, descriptor at 16.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $n i32) (param $events i32) (result i32)
    (local $i i32) (local $sub i32) (local $tag i32) (local $now i64) (local $first i64) (local $at i64) (local $ready i32)
    (local $count i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 28))))
    (local.set $now (call $now))
    (local.set $first (i64.const -1))
    (local.set $sub (local.get $in))
    (loop $next
      (if (i32.load8_u offset=8 (local.get $sub))
        (then (local.set $ready (i32.const 1)))
        (else
          (local.set $at (call $deadline (local.get $sub) (local.get $now)))
          (if (i64.lt_u (local.get $at) (local.get $first)) (then (local.set $first (local.get $at))))))
      (local.set $sub (i32.add (local.get $sub) (i32.const 48)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (if (i32.and (i32.eqz (local.get $ready)) (i64.gt_u (local.get $first) (local.get $now)))
      (then (global.set $clock (local.get $first))))
    (local.set $i (i32.const 0))
    (local.set $sub (local.get $in))
    (loop $next
      (local.set $tag (i32.load8_u offset=8 (local.get $sub)))
      (if (i32.or (i32.ne (local.get $tag) (i32.const 0))
                  (i64.le_u (call $deadline (local.get $sub) (local.get $now)) (global.get $clock)))
        (then
          (i64.store align=1 (local.get $out) (i64.load align=1 (local.get $sub)))
          (i64.store offset=8 align=1 (local.get $out) (i64.const 0))
          (i64.store offset=16 align=1 (local.get $out) (i64.const 0))
          (i64.store offset=24 align=1 (local.get $out) (i64.const 0))
          (if (local.get $tag)
            (then
              (i32.store16 offset=8 align=1 (local.get $out)
                (call $transfer (i32.load offset=16 align=1 (local.get $sub)) (i32.eq (local.get $tag) (i32.const 2))))
              (if (i32.eq (local.get $tag) (i32.const 1))
                (then
                  (i64.store offset=16 align=1 (local.get $out)
                    (i64.extend_i32_u (i32.sub (call $in_len (i32.const 3)) (global.get $stdin))))))))
          (i32.store8 offset=10 (local.get $out) (local.get $tag))
          (local.set $out (i32.add (local.get $out) (i32.const 32)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))))
      (local.set $sub (i32.add (local.get $sub) (i32.const 48)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (i32.store (local.get $events) (local.get $count))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))

  (func (export "proc_exit") (param $code i32)
    (call $flush)
    (call $exit (local.get $code))
    (unreachable))

  (func (export "proc_raise") (param i32) (result i32) (i32.const 52)) ;; nosys

  ;; ---------------------------------------------------------------- descriptors

  ;; Whether fd is open: 0, or the error badf.
  (func $check (param $fd i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (if (result i32) (i32.and (i32.shr_u (global.get $open) (local.get $fd)) (i32.const 1))
      (then (i32.const 0))
      (else (i32.const 8))))

  ;; Error $error if fd is open, else badf.
  (func $fails (param $fd i32) (param $error i32) (result i32)
    (if (result i32) (call $check (local.get $fd)) (then (i32.const 8)) (else (local.get $error))))

  ;; Whether fd can be read, or written: 0, or badf.
  (func $transfer (param $fd i32) (param $write i32) (result i32)
    (if (i32.ne (i32.ne (local.get $fd) (i32.const 0)) (local.get $write)) (then (return (i32.const 8))))
    (call $check (local.get $fd)))

  (func (export "fd_read") (param $fd i32) (param $iov i32) (param $n i32) (param $read i32) (result i32)
    (local $total i32) (local $len i32) (local $left i32)
    (if (call $transfer (local.get $fd) (i32.const 0)) (then (return (i32.const 8))))
    (local.set $left (i32.sub (call $in_len (i32.const 3)) (global.get $stdin)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (br_if $done (i32.eqz (local.get $left)))
        (local.set $len (i32.load offset=4 align=1 (local.get $iov)))
        (if (i32.gt_u (local.get $len) (local.get $left)) (then (local.set $len (local.get $left))))
        (call $copy (i32.const 3) (global.get $stdin) (i32.load align=1 (local.get $iov)) (local.get $len))
        (global.set $stdin (i32.add (global.get $stdin) (local.get $len)))
        (local.set $left (i32.sub (local.get $left) (local.get $len)))
        (local.set $total (i32.add (local.get $total) (local.get $len)))
        (local.set $iov (i32.add (local.get $iov) (i32.const 8)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (i32.store align=1 (local.get $read) (local.get $total))
    (i32.const 0))

  ;; A vector whose lengths add up to 4 GiB or more is written in part.
  (func (export "fd_write") (param $fd i32) (param $iov i32) (param $n i32) (param $written i32) (result i32)
    (local $total i32) (local $sum i32) (local $len i32)
    (if (call $transfer (local.get $fd) (i32.const 1)) (then (return (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $len (i32.load offset=4 align=1 (local.get $iov)))
        (local.set $sum (i32.add (local.get $total) (local.get $len)))
        (br_if $done (i32.lt_u (local.get $sum) (local.get $total)))
        (if (local.get $len)
          (then (call $write (local.get $fd) (i32.load align=1 (local.get $iov)) (local.get $len))))
        (local.set $total (local.get $sum))
        (local.set $iov (i32.add (local.get $iov) (i32.const 8)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (i32.store align=1 (local.get $written) (local.get $total))
    (i32.const 0))

  (func (export "fd_close") (param $fd i32) (result i32)
    (if (call $check (local.get $fd)) (then (return (i32.const 8))))
    (global.set $open (i32.and (global.get $open) (i32.xor (i32.shl (i32.const 1) (local.get $fd)) (i32.const -1))))
    (i32.const 0))

  ;; File type 0 (unknown: WASI has none for pipes); rights: poll, and read or write.
  (func (export "fd_fdstat_get") (param $fd i32) (param $stat i32) (result i32)
    (if (call $check (local.get $fd)) (then (return (i32.const 8))))
    (i64.store align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=8 align=1 (local.get $stat)
      (select (i64.const 0x8000040) (i64.const 0x8000002) (local.get $fd)))
    (i64.store offset=16 align=1 (local.get $stat) (i64.const 0))
    (i32.const 0))

  ;; Flags make no difference: descriptors never block.
  (func (export "fd_fdstat_set_flags") (param $fd i32) (param i32) (result i32) (call $check (local.get $fd)))
  (func (export "fd_fdstat_set_rights") (param $fd i32) (param i64 i64) (result i32)
    (call $fails (local.get $fd) (i32.const 58))) ;; notsup

  (func (export "fd_filestat_get") (param $fd i32) (param $stat i32) (result i32)
    (if (call $check (local.get $fd)) (then (return (i32.const 8))))
    (i64.store align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=8 align=1 (local.get $stat) (i64.extend_i32_u (local.get $fd))) ;; inode
    (i64.store offset=16 align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=24 align=1 (local.get $stat) (i64.const 1)) ;; links
    (i64.store offset=32 align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=40 align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=48 align=1 (local.get $stat) (i64.const 0))
    (i64.store offset=56 align=1 (local.get $stat) (i64.const 0))
    (i32.const 0))

  (func (export "fd_sync") (param $fd i32) (result i32) (call $check (local.get $fd)))
  (func (export "fd_datasync") (param $fd i32) (result i32) (call $check (local.get $fd)))

  ;; What pipes do not do: spipe 70, notsup 58, inval 28, notdir 54.
  (func (export "fd_seek") (param $fd i32) (param i64 i32 i32) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_tell") (param $fd i32) (param i32) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_pread") (param $fd i32) (param i32 i32 i64 i32) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_pwrite") (param $fd i32) (param i32 i32 i64 i32) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_advise") (param $fd i32) (param i64 i64 i32) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_allocate") (param $fd i32) (param i64 i64) (result i32) (call $fails (local.get $fd) (i32.const 70)))
  (func (export "fd_renumber") (param $fd i32) (param i32) (result i32) (call $fails (local.get $fd) (i32.const 58)))
  (func (export "fd_filestat_set_size") (param $fd i32) (param i64) (result i32) (call $fails (local.get $fd) (i32.const 28)))
  (func (export "fd_filestat_set_times") (param $fd i32) (param i64 i64 i32) (result i32) (call $fails (local.get $fd) (i32.const 58)))
  (func (export "fd_readdir") (param $fd i32) (param i32 i32 i64 i32) (result i32) (call $fails (local.get $fd) (i32.const 54)))

  ;; No directory is open: this ends a program's search for them.
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))

  ;; ---------------------------------------------------------------- paths and sockets: notcapable 76, notsock 57

  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 76))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 76))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 76))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 76))

  (func (export "sock_accept") (param $fd i32) (param i32 i32) (result i32) (call $fails (local.get $fd) (i32.const 57)))
  (func (export "sock_recv") (param $fd i32) (param i32 i32 i32 i32 i32) (result i32) (call $fails (local.get $fd) (i32.const 57)))
  (func (export "sock_send") (param $fd i32) (param i32 i32 i32 i32) (result i32) (call $fails (local.get $fd) (i32.const 57)))
  (func (export "sock_shutdown") (param $fd i32) (param i32) (result i32) (call $fails (local.get $fd) (i32.const 57)))
)
