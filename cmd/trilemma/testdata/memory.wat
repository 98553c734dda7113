;; A memory bomb: it asks for more at the start than a task has, but not more than the profile allows.
(module (memory 16384) (func (export "f")))
