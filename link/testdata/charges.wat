;; One function per rule of the metering.
(module
  (func (export "straight") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "empty"))
  ;; 0 get, 1 if, 2 nop, 3 end, 4 nop, 5 end
  (func (export "if") (param i32) (if (local.get 0) (then nop)) nop)
  ;; 0 get, 1 if, 2 nop, 3 else, 4 nop, 5 nop, 6 end, 7 nop, 8 end
  (func (export "if_else") (param i32) (if (local.get 0) (then nop) (else nop nop)) nop)
  ;; after the if nothing can be reached
  (func (export "both_arms_return") (param i32) (if (local.get 0) (then return) (else nop return)) nop)
  ;; 0 nop, 1 loop, 2 get, 3 const, 4 sub, 5 tee, 6 br_if, 7 nop
  (func (export "loop") (param i32)
    nop (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))) nop))
  ;; a loop that nothing returns to is no boundary
  (func (export "loop_never") nop (loop nop) nop)
  ;; 0 loop, 1 loop, 2 get, 3 br_if, 4 get, 5 br_if, 6 nop: the outer head is a block without weight
  (func (export "loop_in_loop") (param i32) (loop (loop (br_if 0 (local.get 0)) (br_if 1 (local.get 0)) nop)))
  (func (export "block_never") nop (block nop) nop)
  ;; 0 nop, 1 block, 2 get, 3 br_if, 4 nop, 5 end, 6 nop
  (func (export "block") (param i32) nop (block (br_if 0 (local.get 0)) nop) nop)
  (func (export "dead") return nop (block nop) (if (i32.const 1) (then nop)))
  (func (export "dead_loop") unreachable (loop (br 0)) nop)
  ;; 0 block, 1 br, 2 nop, 3 end, 4 nop
  (func (export "after_dead") (block (br 0) nop) nop)
  ;; 0 block, 1 block, 2 get, 3 br_table, 4 end, 5 nop, 6 end, 7 nop
  (func (export "table") (param i32) (block (block (br_table 0 1 (local.get 0))) nop) nop)
  (func (export "calls") (call 0 (i32.const 1)) (drop) nop)
  (func (export "locals") (param i64 f32) (local i32 i64 f32 f64 externref) (drop (i32.const 1)))
)
