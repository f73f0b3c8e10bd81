package api

func assignmentRoutes() []*route { return nil }

type assignmentWriter interface{}
