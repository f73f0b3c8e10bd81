package api

func keyRoutes() []*route { return nil }

type keyWriter interface{}
