package api

func accountRoutes() []*route { return nil }

type accountWriter interface{}
