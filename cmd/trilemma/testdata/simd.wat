;; Outside of the profile: SIMD.
(module (func $lanes (export "lanes") (result i32) (i32x4.extract_lane 0 (i32x4.splat (i32.const 7)))))
