package machine

// SizeBound is open to tests.
var SizeBound = sizeBound
