package httpapi

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

// finishDescription gives every operation of the OpenAPI document the one error that there is.
func (s *Server) finishDescription() {
	api := s.api.OpenAPI()
	ref := api.Components.Schemas.Schema(reflect.TypeOf(Problem{}), true, "Problem")
	for _, item := range api.Paths {
		for _, op := range operationsOf(item) {
			for status := range op.Responses {
				if status >= "400" {
					delete(op.Responses, status)
				}
			}
			op.Responses["default"] = &huma.Response{Description: "A problem: its code says which",
				Content: map[string]*huma.MediaType{"application/problem+json": {Schema: ref}}}
		}
	}
}

func operationsOf(p *huma.PathItem) (out []*huma.Operation) {
	for _, op := range []*huma.Operation{p.Get, p.Put, p.Post, p.Delete, p.Head} {
		if op != nil {
			out = append(out, op)
		}
	}
	return out
}

// OpenAPI returns the document that describes the service, indented.
func (s *Server) OpenAPI() ([]byte, error) {
	return json.MarshalIndent(s.api.OpenAPI(), "", "  ")
}

func (s *Server) document(c *gin.Context) {
	data, err := s.OpenAPI()
	if err != nil {
		p := internal(err)
		s.report(c.Request.Context(), p)
		p.write(c)
		return
	}
	c.Data(http.StatusOK, "application/openapi+json", append(data, '\n'))
}

//go:embed docs.html
var docsText string

// docs shows the OpenAPI document as one page. The page asks no other host for anything, and runs no script.
func (s *Server) docs(c *gin.Context) {
	page, err := template.New("docs").Parse(docsText)
	if err == nil {
		c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		c.Header("Content-Type", "text/html; charset=utf-8")
		err = page.Execute(c.Writer, s.docsOf())
	}
	if err != nil {
		s.report(c.Request.Context(), internal(err))
	}
}

type docsPage struct {
	Title, Text string
	Sections    []docsSection
	Schemas     []docsSchema
}

type docsSection struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Text string
	Params                          []docsField
	Body, Answer                    []docsBody
}

type docsBody struct{ Type, Schema string }

type docsField struct {
	Name, In, Type, Text string
	Required             bool
}

type docsSchema struct {
	Name   string
	Fields []docsField
}

func (s *Server) docsOf() docsPage {
	api := s.api.OpenAPI()
	out := docsPage{Title: api.Info.Title, Text: api.Info.Description}
	sections := map[string]*docsSection{}
	for path, item := range api.Paths {
		for _, op := range operationsOf(item) {
			name := op.Tags[0]
			if sections[name] == nil {
				sections[name] = &docsSection{Name: name}
			}
			sections[name].Operations = append(sections[name].Operations, operationDocs(path, op))
		}
	}
	for _, sec := range sections {
		slices.SortFunc(sec.Operations, func(a, b docsOperation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		out.Sections = append(out.Sections, *sec)
	}
	slices.SortFunc(out.Sections, func(a, b docsSection) int { return strings.Compare(a.Name, b.Name) })
	for name, schema := range api.Components.Schemas.Map() {
		d := docsSchema{Name: name}
		for field, f := range schema.Properties {
			d.Fields = append(d.Fields, docsField{Name: field, Type: typeName(f), Text: f.Description, Required: slices.Contains(schema.Required, field)})
		}
		slices.SortFunc(d.Fields, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
		out.Schemas = append(out.Schemas, d)
	}
	slices.SortFunc(out.Schemas, func(a, b docsSchema) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func operationDocs(path string, op *huma.Operation) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary, Text: op.Description}
	for _, p := range op.Parameters {
		d.Params = append(d.Params, docsField{Name: p.Name, In: p.In, Type: typeName(p.Schema), Text: p.Description, Required: p.Required})
	}
	if op.RequestBody != nil {
		d.Body = bodiesOf(op.RequestBody.Content)
	}
	for status, r := range op.Responses {
		if status < "300" {
			d.Answer = append(d.Answer, bodiesOf(r.Content)...)
		}
	}
	slices.SortFunc(d.Answer, func(a, b docsBody) int { return strings.Compare(a.Type+a.Schema, b.Type+b.Schema) })
	d.Answer = slices.Compact(d.Answer)
	return d
}

func bodiesOf(content map[string]*huma.MediaType) (out []docsBody) {
	for t, m := range content {
		b := docsBody{Type: t}
		if m.Schema != nil {
			b.Schema = typeName(m.Schema)
		}
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b docsBody) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// typeName is a schema in a word or two.
func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		return "list of " + typeName(s.Items)
	case s.Type == huma.TypeObject:
		if v, ok := s.AdditionalProperties.(*huma.Schema); ok {
			return "map of " + typeName(v)
		}
	case s.Type == "":
		return "any"
	}
	return s.Type
}
