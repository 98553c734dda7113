;; Within the profile, but nobody provides what it imports.
(module (import "env" "missing" (func $m)) (func (export "f") (call $m)))
