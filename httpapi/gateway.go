package httpapi

import "github.com/gin-gonic/gin"

func (s *Server) gateway(c *gin.Context) { problem(CodeNoRoute, "not yet").write(c) }
