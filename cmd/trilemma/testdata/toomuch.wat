;; More memory at the start than the profile allows.
(module (memory 65536) (func (export "f")))
