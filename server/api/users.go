package api

func userRoutes() []*route { return nil }

type userWriter interface{}
