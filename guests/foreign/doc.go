// Package foreign tests modules that were not written here: of other toolchains, and as others built and published them. It
// holds no code; docs/modules.md says what was found.
package foreign
