package capability

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ucan-wg/go-ucan/pkg/command"
)

const maxCommand = 256

// ParseCommand checks that cmd is a command's path: "/" or lower-case segments, each after a slash (UCAN 1.0, "Command").
func ParseCommand(cmd string) error {
	if len(cmd) > maxCommand {
		return fmt.Errorf("%d bytes, limit %d", len(cmd), maxCommand)
	}
	c, err := command.Parse(cmd)
	if err != nil {
		return fmt.Errorf("%q: %w", cmd, err)
	}
	for _, segment := range c.Segments() {
		if segment == "" || strings.ContainsFunc(segment, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return errors.New("a segment is empty or has spaces")
		}
	}
	return nil
}

// Covers reports whether whoever may do cmd may do narrower: it is the same, or below it.
func Covers(cmd, narrower string) bool { return command.Command(cmd).Covers(command.Command(narrower)) }
