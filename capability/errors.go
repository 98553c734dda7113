package capability

import "errors"

// Errors of this package; test with errors.Is. The first three say that something is not a token at all, the others that a
// token does not allow what it asks. The words in brackets are the names of the official fixtures.
var (
	ErrDID       = errors.New("not a usable did:key")
	ErrToken     = errors.New("malformed token")
	ErrSignature = errors.New("the signature does not verify") // [InvalidSignature]

	ErrClaim       = errors.New("nothing proves the authority that is claimed") // [InvalidClaim]
	ErrUnavailable = errors.New("a proof is missing")                           // [UnavailableProof]
	ErrExpired     = errors.New("expired")                                      // [Expired]
	ErrTooEarly    = errors.New("not valid yet")                                // [TooEarly]
	ErrAudience    = errors.New("given to somebody else")                       // [InvalidAudience]
	ErrSubject     = errors.New("about another subject")                        // [InvalidSubject]
	ErrCommand     = errors.New("the command is not covered")
	ErrPolicy      = errors.New("the policy refuses the arguments") // [MatchError]
	ErrRevoked     = errors.New("revoked")
	ErrReplay      = errors.New("used before, or cannot be told from one that was")
	ErrBinding     = errors.New("bound to another request")
)
